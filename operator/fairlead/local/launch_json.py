"""VS Code's `.vscode/launch.json`: our configuration is put into it, and nothing else is touched.

https://code.visualstudio.com/docs/debugtest/debugging-configuration. Pure.
"""

import json
from collections.abc import Mapping

from fairlead.local.jsonc import JsoncError, Node, parse

Entry = Mapping[str, object]
CONFIGURATIONS = "configurations"
INDENT = "    "


def entry(name: str, port: int, local_root: str, remote_root: str) -> Entry:
    """The guide's configuration: attach to what listens on this machine."""
    return {
        "name": name,
        "type": "debugpy",
        "request": "attach",
        "port": port,
        "host": "localhost",
        "pathMappings": [{"localRoot": local_root, "remoteRoot": remote_root}],
    }


def with_entry(text: str, wanted: Entry) -> str:
    """``text`` with ``wanted`` in place of the configuration of its name, or before all others.

    Comments, trailing commas and everything else stay as they are. Raises ``JsoncError``.
    """
    whole, lines = parse(text), _Lines(text)
    if whole is None:
        between = lines.end if text.strip("\ufeff \t\r\n") and not text.endswith("\n") else ""
        return f"{text}{between}{_document(wanted, lines.end)}"
    if whole.mark != "{":
        raise JsoncError("it holds no object")
    known = whole.members.get(CONFIGURATIONS)
    if known is None:
        return _with_member(text, whole, wanted, lines)
    if known.mark != "[":
        raise JsoncError(f'its "{CONFIGURATIONS}" are no list')
    same = next((one for one in known.items if _name(one) == wanted["name"]), None)
    if same is None:
        return _with_item(text, known, wanted, lines)
    if same.content == dict(wanted):
        return text
    written = lines.written(wanted, lines.indent(same.start))
    return text[: same.start] + written + text[same.end :]


def _name(node: Node) -> object:
    return node.members["name"].value if "name" in node.members else None


class _Lines:
    """How the lines of a text end, and what they begin with."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.end = "\r\n" if "\r\n" in text else "\n"
        indented = (line for line in text.splitlines() if line[:1] in (" ", "\t") and line.strip())
        first = next(indented, INDENT)
        self.unit = first[: len(first) - len(first.lstrip())]

    def indent(self, at: int) -> str:
        """What the line that ``at`` is in begins with."""
        line = self._text[self._text.rfind("\n", 0, at) + 1 : at].lstrip("\ufeff")
        return line[: len(line) - len(line.lstrip())]

    def written(self, wanted: object, indent: str) -> str:
        lines = json.dumps(wanted, indent=self.unit, ensure_ascii=False).splitlines()
        return f"{self.end}{indent}".join(lines)


def _with_item(text: str, known: Node, wanted: Entry, lines: _Lines) -> str:
    """As the first one: the guide says so."""
    begin, outer = known.start + 1, lines.indent(known.start)
    inner = outer + lines.unit
    if known.items and "\n" in text[begin : known.items[0].start]:
        inner = lines.indent(known.items[0].start)
    written = f"{lines.end}{inner}{lines.written(wanted, inner)}"
    closing = "" if "\n" in text[begin : known.end] else f"{lines.end}{outer}"
    after = "," if known.items else closing
    return f"{text[:begin]}{written}{after}{text[begin:]}"


def _with_member(text: str, whole: Node, wanted: Entry, lines: _Lines) -> str:
    begin, inner = whole.start + 1, lines.indent(whole.start) + lines.unit
    member = f'{lines.end}{inner}"{CONFIGURATIONS}": {lines.written([dict(wanted)], inner)}'
    closing = "" if "\n" in text[begin : whole.end] else lines.end
    after = "," if whole.members else closing
    return f"{text[:begin]}{member}{after}{text[begin:]}"


def _document(wanted: Entry, end: str) -> str:
    whole = {"version": "0.2.0", CONFIGURATIONS: [dict(wanted)]}
    return json.dumps(whole, indent=INDENT, ensure_ascii=False).replace("\n", end) + end
