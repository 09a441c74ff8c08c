"""The Python that the scoring server runs on where the environment's own is older than 3.11.

It is an archive of a CPython that runs wherever it is unpacked, on any glibc from 2.17 on, as
python-build-standalone makes them; the runtime's layer brings it along. So a user's Python never
decides what the server runs on. What a server has no use for (tests, tkinter, headers) is left out,
and the rest is compiled here: nothing can be written where it will run.
"""

import hashlib
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx

from fairlead.connection import trust, why
from fairlead.images.bytecode import compile_parts
from fairlead.images.debugger import FOLDER as DEBUGGER
from fairlead.images.layout import FRONT_FOLDER, FRONT_PROGRAM, OLDEST_FRONT_PYTHON
from fairlead.registry.oci import PLATFORM
from fairlead.settings import Settings

_RELEASE = "https://github.com/astral-sh/python-build-standalone/releases/download/20261110"
_ARCHIVE = "cpython-3.13.18%2B20261110-{}-unknown-linux-gnu-install_only_stripped.tar.gz#sha256={}"
_SHA256 = {
    "x86_64": "f2d2199eb25880e07863b391cf7124e7ffa1338b0d65600dfcec117c4223a7fb",
    "aarch64": "55c00325f7c1fddf325dfc621aabdfbbac4dc54adda224af88ec411dc12db239",
}
DEFAULTS = {
    platform: f"{_RELEASE}/{_ARCHIVE.format(machine, _SHA256[machine])}"
    for platform, machine in (("amd64", "x86_64"), ("arm64", "aarch64"))
}
MAX_ARCHIVE_BYTES = 300 * 1024**2
MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_MEMBERS = 100_000
FETCH_TIMEOUT_S = 60.0  # without a byte
CHUNK_BYTES = 1024 * 1024
MAX_SHOWN = 200  # characters of a name
_BESIDE = re.compile(r"[^/]*[^/.][^/]*")  # the name of a file in the same folder

_STANDARD_LIBRARY = re.compile(r"((?:.*/)?)lib/python3\.([0-9]{1,2})/os\.py")
_UNUSED_MODULES = re.compile(
    r"test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3|pydoc_data|site-packages|config-.*"
)
_UNUSED_LIBRARIES = re.compile(r"(lib)?(tcl|tk|itcl|tdbc|thread)[0-9.].*|pkgconfig|.*\.a")


class FrontPythonError(Exception):
    """The server's own Python cannot be had; the text says why. ``transient``: it is tried again
    as it is."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


@dataclass(frozen=True)
class FrontPython:
    """An archive: its address or path, and the sha256 of its content, in hexadecimal."""

    source: str
    sha256: str


def is_too_old(python: str) -> bool:
    """Whether the server cannot run on the Python ``3.6.15``."""
    major, minor = map(int, python.split(".")[:2])
    return (major, minor) < OLDEST_FRONT_PYTHON


def front_python(python: str, settings: Settings) -> FrontPython | None:
    """Return what the server runs on beside the Python ``3.6.15``; None: on that one itself.

    Raises ``FrontPythonError`` where there is none for this platform.
    """
    if not is_too_old(python):
        return None
    named = settings.front_python or DEFAULTS.get(PLATFORM.architecture, "")
    source, _, sha256 = named.partition("#sha256=")
    if not source:
        raise FrontPythonError(
            f"There is no Python for the server on {PLATFORM}: name one (FAIRLEAD_FRONT_PYTHON)."
        )
    return FrontPython(source, sha256)


def lay_out(front: FrontPython, folder: Path, settings: Settings) -> str:
    """Unpack what a server needs of the archive as ``folder``/python; return its version, ``3.13``.

    Raises ``FrontPythonError``.
    """
    archive = folder / ".front-python"
    try:
        _fetch(front, archive, settings)
        return _unpacked(archive, folder / FRONT_FOLDER)
    except httpx.HTTPError as error:
        raise FrontPythonError(f"{front.source}: {why(error)}.", transient=True) from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FrontPythonError(f"{front.source} cannot be unpacked: {why(error)}.") from error
    finally:
        archive.unlink(missing_ok=True)


def compile_all(folder: Path) -> None:
    """Compile what the server imports, for its own Python, without a date in what is written.

    Raises ``FrontPythonError`` where that Python does not run here.
    """
    others = (FRONT_FOLDER, DEBUGGER)  # the debugger is for the environment's Python
    parts = [path for path in sorted(folder.iterdir()) if path.name not in others]
    library = next((folder / FRONT_FOLDER / "lib").glob("python3.*"))
    try:
        done = compile_parts(str(folder / FRONT_PROGRAM), folder, [library, *parts])
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FrontPythonError(f"The server's own Python does not run: {error}.") from error
    if done.returncode < 0 or "Error" in done.stderr:
        raise FrontPythonError(f"The server's own Python does not run: {done.stderr[-300:]}")


def _fetch(front: FrontPython, archive: Path, settings: Settings) -> None:
    """Have the content at ``archive``, as it should be, or raise."""
    found, size = hashlib.sha256(), 0
    with archive.open("wb") as file:
        for piece in _pieces(front.source, settings):
            size += len(piece)
            if size > MAX_ARCHIVE_BYTES:
                said = f"{front.source} is larger than {MAX_ARCHIVE_BYTES:,} bytes."
                raise FrontPythonError(said)
            found.update(piece)
            file.write(piece)
    if found.hexdigest() != front.sha256:
        raise FrontPythonError(
            f"{front.source} is not what it should be: its sha256 is {found.hexdigest()}."
        )


def _pieces(source: str, settings: Settings) -> Iterator[bytes]:
    if "://" not in source:
        with Path(source).open("rb") as file:
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")
        return
    client = httpx.Client(
        verify=trust(settings.ca_bundle), follow_redirects=True, timeout=FETCH_TIMEOUT_S
    )
    with client, client.stream("GET", source) as response:
        response.raise_for_status()
        yield from response.iter_raw(CHUNK_BYTES)


def _unpacked(archive: Path, folder: Path) -> str:
    with tarfile.open(archive) as opened:
        members = _members(opened)
        places = (_STANDARD_LIBRARY.fullmatch(member.name.removeprefix("./")) for member in members)
        place = next((found for found in places if found), None)
        if place is None or (3, int(place[2])) < OLDEST_FRONT_PYTHON:
            raise FrontPythonError(
                "The archive holds no Python 3.11 or newer (lib/python3.N/os.py)."
            )
        version = f"3.{place[2]}"
        for member in members:
            name = _kept_as(member.name.removeprefix("./"), place[1], version)
            if name is not None:
                _extract(opened, member, folder / name)
    program = folder / "bin" / f"python{version}"
    if not program.is_file():
        raise FrontPythonError(f"The archive holds no bin/python{version}.")
    program.rename(folder.parent / FRONT_PROGRAM)
    return version


def _members(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    members, size = list[tarfile.TarInfo](), 0
    for member in archive:
        members.append(member)
        size += member.size
        if len(members) > MAX_MEMBERS or size > MAX_UNPACKED_BYTES:
            raise FrontPythonError("The archive is larger than any Python.")
    return members


def _kept_as(name: str, prefix: str, version: str) -> str | None:
    """The name within the folder of what a server needs; None for the rest."""
    if not name.startswith(prefix):
        return None
    inner = name.removeprefix(prefix)
    parts = PurePosixPath(inner).parts
    match parts:
        case ("bin", program):
            return inner if program == f"python{version}" else None
        case ("lib", folder, module, *_) if folder == f"python{version}":
            unused = _UNUSED_MODULES.fullmatch(module) or "__pycache__" in parts
            return None if unused else inner
        case ("lib", library, *rest):
            is_library = ".so" in library and not rest
            return inner if is_library and not _UNUSED_LIBRARIES.fullmatch(library) else None
    return None


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write a file, or a link to one beside it; what a hard link names is written once more."""
    if ".." in target.parts or (member.issym() and not _BESIDE.fullmatch(member.linkname)):
        raise FrontPythonError(f"The archive leads out of its folder: {member.name[:MAX_SHOWN]}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        target.symlink_to(member.linkname)
    elif member.isfile() or member.islnk():
        content = archive.extractfile(member)
        if content is not None:
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file, CHUNK_BYTES)
            target.chmod(0o755 if member.mode & 0o111 else 0o644)
