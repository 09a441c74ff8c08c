"""What a package says of itself, judged by what was unpacked of it.

Its lists are written anew from what was understood here, so that whoever links reads nothing else.
"""

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fairlead.conda.unpack import INFO, Unpacked, unfit
from fairlead.finding import shown

LINK_SCRIPT = re.compile(r"bin/\.[^/]+-(?:post-link|pre-link|pre-unlink)\.(?:sh|py)")
CONDA_META = "conda-meta"
# What lies there is written by whoever links.
RESERVED = (INFO, CONDA_META, "CACHEDIR.TAG", "__clobbers__")
CLOBBERED = "__clobber-from-"  # how py-rattler names the second of two files for one path
SHORTEST_PLACEHOLDER = 8  # characters; what it stands for is longer, and text grows with each one
SITE_PACKAGES, SCRIPTS = "site-packages/", "python-scripts/"
_COMMAND = re.compile(r"[A-Za-z0-9_.+-]{1,128}")
_FAULTS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Contents:
    """``info``: the three files that are linked by; ``links``: paths in the environment of a
    Python whose modules lie in ``site``, and where they lead."""

    info: dict[str, bytes]
    links: dict[str, str]
    has_script: bool


def contents_of(file: str, unpacked: Unpacked, site: str) -> Contents:
    """Judge a package; ``site``: the folder of Python's modules. Raises ``CondaError``."""
    try:
        index = _object(unpacked.info["info/index.json"])
        link = _object(unpacked.info.get("info/link.json", b"{}"))
        entries = [_entry(one) for one in _object(unpacked.info["info/paths.json"])["paths"]]
        is_python = index.get("noarch") == "python"
        commands = _commands(link) if is_python else []
    except _FAULTS as error:
        why = "cannot be read, or is older than the format that we read"
        raise unfit(file, why) from error
    seen = set[str]()
    for entry in entries:
        wrong = _wrong(entry, unpacked) or ("lists a file twice" if entry["_path"] in seen else "")
        if wrong:
            raise unfit(file, f"{wrong} ({shown(entry['_path'])})")
        seen.add(entry["_path"])
    for command in commands:
        if not _COMMAND.fullmatch(command) or command in (".", ".."):
            raise unfit(file, f"has a command of an impossible name ({shown(command)})")
    links = [one["_path"] for one in entries if one["path_type"] == "softlink"]
    kept = [one for one in entries if one["path_type"] != "softlink"]
    mapped = {path: _mapped(path, site) if is_python else path for path in links}
    return Contents(
        {
            "info/index.json": _text(index),
            "info/paths.json": _text({"paths_version": 1, "paths": kept}),
            "info/link.json": _text(link),
        },
        {mapped[path]: unpacked.links[path] for path in links},
        any(LINK_SCRIPT.fullmatch(one["_path"]) for one in entries),
    )


def _object(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise TypeError("it is no object")
    return found


def _entry(one: dict[str, Any]) -> dict[str, Any]:
    """The entry of a path, with what is known of it and no more."""
    found = {"_path": str(one["_path"]), "path_type": str(one["path_type"])}
    placeholder = one.get("prefix_placeholder")
    if placeholder is not None:
        mode = str(one.get("file_mode", "text"))
        found |= {"prefix_placeholder": str(placeholder), "file_mode": mode}
    if isinstance(one.get("no_link"), bool):
        found["no_link"] = one["no_link"]
    return found


def _wrong(entry: dict[str, Any], unpacked: Unpacked) -> str:
    """What speaks against an entry; empty where nothing does."""
    name, kind = entry["_path"], entry["path_type"]
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        return "has a file outside of the environment"
    if path.as_posix() != name or CLOBBERED in name or path.parts[0] in RESERVED:
        return "has a file of a name that no package may have"
    if not _is_there(name, kind, unpacked):
        return "does not hold what its own list says"
    placeholder = entry.get("prefix_placeholder", "/" * SHORTEST_PLACEHOLDER)
    if len(placeholder) < SHORTEST_PLACEHOLDER or entry.get("file_mode") not in _MODES:
        return "has a file that names its place in no way that we read"
    return ""


_MODES = (None, "text", "binary")


def _is_there(name: str, kind: str, unpacked: Unpacked) -> bool:
    match kind:
        case "hardlink":
            return name in unpacked.files
        case "softlink":
            return name in unpacked.links
        case _:
            return kind == "directory" and name not in unpacked.links


def _commands(link: dict[str, Any]) -> list[str]:
    noarch = link.get("noarch")
    entries = noarch.get("entry_points", []) if isinstance(noarch, dict) else []
    return [str(entry).partition("=")[0].strip() for entry in entries or []]


def _mapped(path: str, site: str) -> str:
    """Where a package for any Python has its files in the environment of one."""
    if path.startswith(SITE_PACKAGES):
        return f"{site}/{path.removeprefix(SITE_PACKAGES)}"
    if path.startswith(SCRIPTS):
        return f"bin/{path.removeprefix(SCRIPTS)}"
    return path


def _text(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
