"""A file that the spec names: is it in the source, and is it text?"""

import difflib
from collections.abc import Collection, Mapping

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.finding import Finding, Problem, listed, shown
from fairlead.inputs.copy_instruction import WHITEOUT, deletes

MAX_NAMES_COMPARED = 100  # names that a wrong one is compared with


def missing_file(
    files: Mapping[str, bytes], file: str, field: str, reason: Reason = Reason.SOURCE_FILE_NOT_FOUND
) -> Finding:
    """Return that the source has no ``file``, which ``field`` of the spec names."""
    guess = guessed_file(files, file)
    has = f"it has {listed(sorted(files))}" if files else "it has no files at all"
    return Finding(
        reason=reason,
        class_=FailureClass.USER,
        message=f"{field} names {file}, and the source has no such file; {has}.{guess}",
        remedy=f"Correct {field}, or add the file to the source.",
    )


def deleting_files(files: Collection[str]) -> Finding | None:
    """Return that files of the source would delete others of the image, such as its models: that is
    what their names mean in a layer."""
    found = [shown(name) for name in sorted(files) if deletes(name)]
    if not found:
        return None
    return Finding(
        reason=Reason.SOURCE_REFUSED,
        class_=FailureClass.USER,
        message=f"The source has {listed(found, 3)}: in an image a name that begins with "
        f"{WHITEOUT} deletes another file.",
        remedy="Rename it, or leave it out of the source.",
    )


def guessed_file(files: Collection[str], file: str) -> str:
    """`` Did you mean …?``, or nothing."""
    names = {name.rpartition("/")[2].lower(): name for name in sorted(files)[:MAX_NAMES_COMPARED]}
    close = difflib.get_close_matches(file.rpartition("/")[2].lower(), names, n=1)
    return f" Did you mean {names[close[0]]}?" if close else ""


def read_text(content: bytes, reason: Reason, longest: int) -> str | Problem:
    """Return UTF-8 text with Unix line ends and without a byte order mark, or what is wrong."""
    if len(content) > longest:
        message = f"it is longer than {longest // 1024} KiB"
        return Problem(reason, 0, message, "Keep in it only what is needed.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(reason, line, "it is not UTF-8", "Save the file as UTF-8.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
