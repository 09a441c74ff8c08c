"""An image's /opt/fairlead, where the environment's Python is too old for the server."""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.pythons import interpreters, oldest

LEFT_OUT = {"site-packages", "dist-packages", "test", "__pycache__"}


def pack_python(archive: Path) -> str:
    """Pack the Python that runs this, as a release of one is packed; return it as the setting
    names it."""
    version = f"python3.{sys.version_info.minor}"
    home = Path(sys.base_prefix)
    program = Path(sys.executable).resolve()
    with tarfile.open(archive, "w:gz", compresslevel=0) as opened:
        opened.add(program, f"python/bin/{version}")
        opened.add(home / "lib" / version, f"python/lib/{version}", filter=_wanted)
        for library in sorted((home / "lib").glob(f"lib{version}*.so*")):
            opened.add(library, f"python/lib/{library.name}")
    return f"{archive}#sha256={hashlib.sha256(archive.read_bytes()).hexdigest()}"


def make_environment(opt: Path) -> Path:
    """Make ``opt/env`` on the oldest Python of the machine; return its interpreter."""
    environment = opt / "env"
    subprocess.run(
        [str(interpreters()[oldest()]), "-m", "venv", "--without-pip", str(environment)],
        check=True,
    )
    return environment / "bin" / "python"


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if LEFT_OUT & set(member.name.split("/")) else member
