"""The folder that a person has open in an editor, and the `.vscode/launch.json` in it."""

import json
import os
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.local.errors import LocalError, refusal
from fairlead.local.jsonc import JsoncError
from fairlead.local.launch_json import Entry, with_entry

FOLDER, FILE = ".vscode", "launch.json"
VARIABLE = "${workspaceFolder}"
MAX_BYTES = 1024 * 1024  # of a launch.json


def workspace_of(source: Path, current: Path, home: Path) -> Path:
    """The nearest folder from ``source`` up that has `.vscode`; else ``current``, if the source
    lies below it; else the folder of the source. A home folder's `.vscode` is the editor's own."""
    source = source.resolve()
    for folder in (source, *source.parents):
        if folder in (home.resolve(), Path(folder.anchor)):
            break
        if (folder / FOLDER).is_dir():
            return folder
    current = current.resolve()
    return current if source.is_relative_to(current) and current != home.resolve() else source


def local_root(source: Path, workspace: Path) -> str:
    """The folder of the source, as a configuration of the workspace names it."""
    inside = source.resolve().relative_to(workspace)
    return VARIABLE if inside == Path() else f"{VARIABLE}/{inside.as_posix()}"


def write_configuration(workspace: Path, wanted: Entry) -> Path:
    """Put the configuration into the workspace's file; return its path.

    Raises ``LocalError``, with the configuration for a person to put in: then the file is as it
    was before.
    """
    path = workspace / FOLDER / FILE
    try:
        target = _target(path, workspace)
        before = _read(target)
        after = with_entry(before, wanted)
        if after != before:
            _replace(target, after)
    except JsoncError as error:
        raise _left_alone(path, str(error), wanted) from error
    except UnicodeDecodeError as error:
        raise _left_alone(path, "it is no text in UTF-8", wanted) from error
    except OSError as error:
        raise _left_alone(path, error.strerror or str(error), wanted) from error
    return path


def _target(path: Path, workspace: Path) -> Path:
    """The file itself: links are followed within the workspace, and never out of it."""
    found = path.resolve()
    if not found.is_relative_to(workspace.resolve()):
        raise JsoncError(f"it is a link that leads out of {workspace}")
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


def _read(path: Path) -> str:
    """Line ends as they are."""
    if not path.exists():
        return ""
    if not path.is_file():
        raise JsoncError("it is no file")
    if path.stat().st_size > MAX_BYTES:
        raise JsoncError("it has more than 1 MiB")
    return path.read_bytes().decode()


def _replace(path: Path, text: str) -> None:
    """Written whole, or not at all; rights stay as they are."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        with draft.open("xb") as file:
            file.write(text.encode())
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        os.replace(draft, path)  # noqa: PTH105  (the same call, and said to be atomic)
    finally:
        draft.unlink(missing_ok=True)


def _left_alone(path: Path, why: str, wanted: Entry) -> LocalError:
    return refusal(
        Reason.FILE_UNREADABLE,
        f"{path} was left as it is: {why}.",
        f'Put this into its "configurations" by hand: {json.dumps(wanted, ensure_ascii=False)}',
    )
