"""Files that a task is given: each is written below the task's folder, or not at all."""

from collections.abc import Collection, Mapping
from pathlib import Path

from fairlead.api.fields import folder_and_file

MAX_NAME_BYTES = 255  # of one part of a path, as file systems have it
MAX_SHOWN_CHARS = 100  # characters of a name that a message shows


class UnsafeFileError(ValueError):
    """A file that must not, or cannot, be written under its name."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{ascii(name)[:MAX_SHOWN_CHARS]} {why}")


def refuse_unsafe(names: Collection[str]) -> None:
    """Raise ``UnsafeFileError`` unless each name is a relative path to a file. Pure.

    The schema refuses such names before; whoever hands files over, none is written elsewhere.
    """
    for name in names:
        parts = name.split("/")
        if not (name.isprintable() and all(parts)) or {".", ".."} & set(parts):
            raise UnsafeFileError(name, "has no relative path for a name")
        if any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
            raise UnsafeFileError(name, f"has a part of more than {MAX_NAME_BYTES} bytes")
    both = folder_and_file(names)
    if both is not None:
        raise UnsafeFileError(both, "is, in another name, a folder")


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write each file below ``folder``. Raises ``UnsafeFileError`` and ``OSError``."""
    refuse_unsafe(files)
    for name, content in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UnsafeFileError(name, "lies outside of the folder of the task")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError as error:  # some file systems have no difference between "A" and "a"
            raise UnsafeFileError(name, "has the name of another one here") from error
