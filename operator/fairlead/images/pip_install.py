"""``pip install`` inside the build, by the environment's own Python: it imports nothing of ours.

That may be as old as 3.6: no newer syntax than its own.

Where the index has nothing of a package it is asked once more, in pip's most talkative way. pip
says "No matching distribution found" also when the index answered 403 or 503, and whose fault a
failure is depends on that.

Packages of the source are built in a copy of it: the folder that they lie in is no place to write
to, and what pip remembers of where they came from is the same in each build.

What was installed is compiled at last: the image cannot be written to when it runs, so that every
start of every replica would compile it again (seconds, for scikit-learn). The compiled files hold
no date.
"""

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import List, NoReturn, Sequence

PIP = (sys.executable, "-m", "pip")
FILES_AT_ONCE = 64
REQUIREMENTS = "requirements.txt"
CONSTRAINTS = "constraints.txt"  # where there are any
SOURCE = "source"  # the folder of packages, where there are any
PLACE = "/tmp/fairlead-source"
INSTALLED = "Installed: "
NOTHING = re.compile(
    r".{0,200}?satisfies the requirement ([A-Za-z0-9][A-Za-z0-9._-]*)(?![A-Za-z0-9._-])"
    r".*\(from versions: none\)"
)


def main(options: Sequence[str]) -> int:
    """Run ``pip install`` with ``options``; return its exit code as a shell would."""
    wanted = asked_for(options)
    code = install(options) if wanted else 0
    if code == 0:
        compile_all(packages_folder())
    if code == 0 and wanted:
        tell_installed()
    return code


def asked_for(options: Sequence[str]) -> bool:
    """Whether there is anything to install: else pip is not needed, and may not be there."""
    return REQUIREMENTS not in options or bool(Path(REQUIREMENTS).read_text().strip())


def install(options: Sequence[str]) -> int:
    listed = str(Path(REQUIREMENTS).resolve())  # pip may run in another folder
    given = [listed if one == REQUIREMENTS else one for one in options]
    if Path(CONSTRAINTS).is_file():  # named in the list, they would come too late for an old pip
        given += ["--constraint", str(Path(CONSTRAINTS).resolve())]
    process = subprocess.Popen(
        (*PIP, "install", *given),
        cwd=copied_source(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    missing: "List[str]" = []
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        found = NOTHING.match(line)
        if found:
            missing.append(found[1])
    for package in missing:
        sys.stdout.write(index_answers(package))
    code = process.wait()
    return code if code >= 0 else 128 - code


def copied_source() -> str:
    """Where pip runs, and paths in its list begin."""
    if not Path(SOURCE).is_dir():
        return os.curdir
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.copytree(SOURCE, PLACE)
    return PLACE


def tell_installed() -> None:
    """One line for each distribution, as ``pip freeze`` writes it: the lock is made of these."""
    freeze = (*PIP, "freeze", "--all", "--disable-pip-version-check")
    told = subprocess.run(freeze, stdout=subprocess.PIPE, universal_newlines=True, check=False)
    for line in told.stdout.splitlines():
        sys.stdout.write(INSTALLED + line + "\n")


def packages_folder() -> str:
    """What is to be compiled: an environment that has an interpreter of its own brings all that
    Python is, and none of it compiled without dates."""
    own = sys.prefix == sys.base_prefix
    return sysconfig.get_path("stdlib" if own else "purelib")


def compile_all(folder: str) -> None:
    """Compile all packages; a file that does not compile is the package's own affair. pip is not
    compiled: no script imports it, and it is larger than most.

    What is written for a file depends on what the process has compiled before. So each batch of
    files, always the same ones, gets a process of its own: two installations have the same bytes.
    """
    own = "/site-packages/pip/"
    files = sorted(file for file in map(str, Path(folder).rglob("*.py")) if own not in file)
    running = 0
    for start in range(0, len(files), FILES_AT_ONCE):
        if running == (os.cpu_count() or 1):
            os.wait()
            running -= 1
        if os.fork() == 0:
            _compile(files[start : start + FILES_AT_ONCE])
        running += 1
    for _ in range(running):
        os.wait()


def _compile(files: Sequence[str]) -> NoReturn:
    """Compile the files, and end this process."""
    try:
        for file in files:
            _compile_one(file)
    finally:  # whatever the compiler made of a file: nothing of the parent's is done here
        os._exit(0)


def _compile_one(file: str) -> None:
    """Python 3.6 knows only files with a date: it gets that of all files in an image, 1970."""
    modes = getattr(py_compile, "PycInvalidationMode", None)
    if modes is None:
        os.utime(file, (0, 0))
    dateless = {"invalidation_mode": modes.UNCHECKED_HASH} if modes else {}
    compileall.compile_file(file, force=True, quiet=2, **dateless)


def index_answers(package: str) -> str:
    """Return the lines that tell why the index gave no page for ``package``."""
    nowhere = ("download", "-vv", "--no-deps", "--no-input", "--retries", "0", f"{package}===none")
    look = subprocess.run(
        (*PIP, *nowhere),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
    )
    lines = look.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if "Could not fetch URL" in line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
