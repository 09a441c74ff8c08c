"""Names that archives and stores give to files: only plain relative paths become files. Pure."""

from pathlib import PurePosixPath

MAX_NAME_BYTES, MAX_PATH_CHARS, MAX_PATH_DEPTH = 255, 2000, 64
MAX_SHOWN_CHARS = 200


class UnfitNameError(Exception):
    """The text completes the name: "has no name". ``shown`` is the name as it may be shown."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.shown = name


def below(name: str, whole: str) -> PurePosixPath:
    """Return a name as a path below a folder. Raises ``UnfitNameError``.

    ``whole`` is what people call the place it comes from: the archive, the folder.
    """
    path = PurePosixPath(name)
    if not name:
        raise UnfitNameError(name, "has no name")
    if path.is_absolute() or "\\" in name or name[1:2] == ":":
        raise UnfitNameError(name, "has an absolute name, or one of another system")
    if ".." in path.parts:
        raise UnfitNameError(name, f"reaches outside the {whole}")
    if not name.isprintable():
        raise UnfitNameError(name, "has a name with characters that cannot be shown")
    longest = max((len(part.encode()) for part in path.parts), default=0)
    if longest > MAX_NAME_BYTES or len(name) > MAX_PATH_CHARS or len(path.parts) > MAX_PATH_DEPTH:
        raise UnfitNameError(f"{name[:60]}…", "has too long a name")
    return path


def shown_name(name: str) -> str:
    return (name if name.isprintable() else ascii(name)[1:-1])[:MAX_SHOWN_CHARS]
