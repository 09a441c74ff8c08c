"""The person's editor on a copy of a source: $VISUAL, $EDITOR, or one that is there."""

import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal
from fairlead.local.files import folder_files, read_bytes
from fairlead.local.source import replace_files

VARIABLES = ("VISUAL", "EDITOR")
USUAL = ("nano", "vim", "vi")
DRAFTS = ("~", ".swp", ".swo", ".bak", ".orig")  # what editors leave beside a file


def editor_of(environ: Mapping[str, str]) -> list[str]:
    """The command line of the editor, without a file. Raises ``LocalError``."""
    for variable in VARIABLES:
        text = environ.get(variable, "").strip()
        if text:
            return _words(variable, text)
    usual = next(filter(None, map(shutil.which, USUAL)), None)
    if usual:
        return [usual]
    message = "There is no editor: neither VISUAL nor EDITOR is set."
    raise refusal(Reason.PROGRAM_NOT_FOUND, message, "Set one of them, such as EDITOR=nano.")


def _words(variable: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        message = f"{variable} is {shown(text)}, which is no command: {error}."
        raise refusal(Reason.PROGRAM_NOT_FOUND, message, f"Correct {variable}.") from error


def edited(
    files: Mapping[str, bytes],
    name: str,
    editor: list[str],
    take: Callable[[Mapping[str, bytes]], None],
) -> None:
    """Open ``name`` in a copy of ``files``, and give ``take`` what has become of all of them.

    What was edited is lost only once ``take`` has it: where that, or the editor, fails, the copy
    stays, and the error says where. Raises ``LocalError``.
    """
    if name not in files:
        there = ", ".join(sorted(files)[:20]) or "none"
        message = f"The service has no file '{shown(name)}'; it has {there}."
        raise refusal(Reason.FILE_NOT_FOUND, message, "Name one of these.")
    folder = Path(tempfile.mkdtemp(prefix="fairlead-edit-"))  # this user's alone
    try:
        replace_files(folder, files, keep=())
        _run([*editor, str(folder / name)])
        take(_read(folder, files))
    except LocalError as error:
        if _read(folder, files) == dict(files):
            shutil.rmtree(folder)
            raise
        raise _kept(error, folder) from error
    except BaseException:  # ctrl-C, too
        if _read(folder, files) == dict(files):
            shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _run(command: list[str]) -> None:
    """ctrl-C is the editor's."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # not ignored: the editor inherits that
    try:
        done = subprocess.run(command, check=False)
    except OSError as error:
        message = f"The editor {shown(command[0])} does not start: {error.strerror}."
        raise refusal(Reason.PROGRAM_NOT_FOUND, message, "Correct VISUAL or EDITOR.") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if done.returncode:
        message = f"The editor {shown(command[0])} ended with {done.returncode}: nothing was taken."
        raise refusal(Reason.PROGRAM_FAILED, message, "See what it says, and edit once more.")


def _read(folder: Path, given: Collection[str]) -> dict[str, bytes]:
    """What lies there, without the editor's own drafts; of what was given all, ``.env``, too."""
    found = folder_files(folder)
    kept = {name: content for name, content in found.items() if not name.endswith(DRAFTS)}
    others = {name: folder / name for name in given if name not in kept}
    return kept | {name: read_bytes(path) for name, path in others.items() if path.is_file()}


def _kept(error: LocalError, folder: Path) -> LocalError:
    finding = error.finding
    message = f"{finding.message} Your edit is kept in {folder}."
    told = refusal(finding.reason, message, finding.remedy or "", finding.class_)
    return LocalError(told.finding, error.log_tail)
