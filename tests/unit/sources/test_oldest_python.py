"""``unpack`` on Python 3.11.2, which Debian 12 has: it came before tarfile's filters (3.11.4).

Run by the system's own interpreter where that is of our minor version, by this one otherwise; what
3.11.4 brought is taken away in both.
"""

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

SYSTEM = "/usr/bin/python3"
PROGRAM = """\
import sys, tarfile, time
from pathlib import Path
sys.path[:0] = sys.argv[4:]
for name in ("data_filter", "tar_filter", "fully_trusted_filter", "FilterError"):
    vars(tarfile).pop(name, None)
from fairlead.sources.archive import unpack
from fairlead.sources.base import Limits, SourceError
try:
    print(*unpack(Path(sys.argv[1]), Path(sys.argv[2]), Limits(1000, 10, time.monotonic() + 60)))
except SourceError as error:
    print(type(error).__name__, error)
print(sys.version_info[:2] == tuple(map(int, sys.argv[3].split("."))))
"""


def interpreter() -> str:
    """The system's, where compiled packages of this environment fit it."""
    ask = "import sys; print(sys.version_info[:2])"
    try:
        said = subprocess.run([SYSTEM, "-c", ask], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return sys.executable
    return SYSTEM if said.stdout.strip() == str(sys.version_info[:2]) else sys.executable


def unpacked(archive: Path, into: Path) -> list[str]:
    into.mkdir()
    minor = ".".join(map(str, sys.version_info[:2]))
    found = [path for path in sys.path if path]
    command = [interpreter(), "-c", PROGRAM, str(archive), str(into), minor, *found]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    *said, same = done.stdout.splitlines()
    assert same == "True"
    return said


def tarred(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, "/etc/passwd", 2 * (kind == tarfile.REGTYPE)
        tar.addfile(info, io.BytesIO(b"42"))
    return content.getvalue()


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "42")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(tarred("m/model.pkl"), "m/model.pkl", id="tar"),
        pytest.param(zipped("m/model.pkl"), "m/model.pkl", id="zip"),
        pytest.param(tarred("../evil"), "SourceError", id="outside"),
        pytest.param(tarred("/etc/evil"), "SourceError", id="absolute"),
        pytest.param(tarred("link", tarfile.SYMTYPE), "SourceError", id="symbolic link"),
        pytest.param(tarred("link", tarfile.LNKTYPE), "SourceError", id="hard link"),
        pytest.param(tarred("pipe", tarfile.FIFOTYPE), "SourceError", id="pipe"),
    ],
)
def test_archives_are_judged_by_our_own_rules_alone(
    tmp_path: Path, content: bytes, said: str
) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(content)
    [line] = unpacked(archive, tmp_path / "into")
    assert line.partition(" ")[0] == said
    files = [path.name for path in (tmp_path / "into").rglob("*") if not path.is_dir()]
    assert files == (["model.pkl"] if said == "m/model.pkl" else [])
