"""What has changed between two versions of a source, for a person to read. Pure."""

import difflib
from collections.abc import Iterator, Mapping

from fairlead.finding import shown

MAX_LINES = 2000  # of one diff, and of all of them together
UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
MAX_DIFF_BYTES = 1024 * 1024  # a larger file is named, and not compared line by line

Files = Mapping[str, bytes]


def changed_names(before: Files, after: Files) -> list[str]:
    """Files that are new, gone, or not what they were."""
    names = sorted({*before, *after})
    return [name for name in names if before.get(name) != after.get(name)]


def diff_lines(before: Files, after: Files) -> Iterator[str]:
    """A unified diff of all that has changed, without line ends. Control characters, which would
    reach the terminal, are not in it."""
    left = MAX_LINES
    for name in changed_names(before, after):
        for line in _of_file(name, before.get(name), after.get(name)):
            if not left:
                yield f"... and more: only the first {MAX_LINES} lines are shown"
                return
            left -= 1
            yield line


def _of_file(name: str, before: bytes | None, after: bytes | None) -> Iterator[str]:
    plain = shown(name)
    old, new = _text(before), _text(after)
    if old is None or new is None:
        yield f"{plain}: {_size(before)} -> {_size(after)}"
        return
    head = (
        f"a/{plain}" if before is not None else "/dev/null",
        f"b/{plain}" if after is not None else "/dev/null",
    )
    told = list(difflib.unified_diff(_lines(old), _lines(new), *head, lineterm=""))
    yield from told or [f"{plain}: only its line ends have changed"]


def _lines(text: str) -> list[str]:
    lines = [_printable(line.removesuffix("\r")) for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def _printable(line: str) -> str:
    """Nothing in it reaches the terminal as a command."""
    return "".join(sign if sign == "\t" or sign.isprintable() else UNPRINTABLE for sign in line)


def _text(content: bytes | None) -> str | None:
    """None where it cannot be compared line by line."""
    if content is None:
        return ""
    if len(content) > MAX_DIFF_BYTES or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _size(content: bytes | None) -> str:
    return "nothing" if content is None else f"{len(content)} bytes"
