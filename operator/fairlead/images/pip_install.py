"""``pip install`` inside the build, by the environment's own Python: it imports nothing of ours.

That may be as old as 3.6: no newer syntax than its own.

Where the index has nothing of a package it is asked once more, in pip's most talkative way. pip
says "No matching distribution found" also when the index answered 403 or 503, and whose fault a
failure is depends on that.

It is asked for its wheels, too, where there is none for this Python or a package does not build:
which versions have one, and which Pythons that version is for.

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
from typing import Dict, List, NoReturn, Sequence, Tuple

# pip is not compiled, and is started twice: so it may keep what it compiles of itself, which an
# image does not get. What it starts for a package's own build may not.
RUN_PIP = (
    "import sys; sys.path = [one for one in sys.path if one]; sys.dont_write_bytecode = False; "
    "import runpy; runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)
PIP = (sys.executable, "-c", RUN_PIP)
OWN_WHEELS = "Versions with a wheel for this Python, of "
OTHER_WHEELS = "Other Pythons with a wheel, of "
MAX_VERSIONS = 5  # that are told
FILES_AT_ONCE = 64
LAST_THAT_MINDS_KEPT_NAMES = (3, 10)
REQUIREMENTS = "requirements.txt"
CONSTRAINTS = "constraints.txt"  # where there are any
SOURCE = "source"  # the folder of packages, where there are any
PLACE = "/tmp/fairlead-source"
INSTALLED = "Installed: "
NOTHING = re.compile(
    r".{0,200}?satisfies the requirement ([A-Za-z0-9][A-Za-z0-9._-]*)(?![A-Za-z0-9._-])"
    r".*\(from versions: (?:none)?\)"  # pip 18 leaves the word out
)
TAKEN_UP = re.compile(r"(?:Collecting|Processing) (\S+)")
NAMED = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)(?![A-Za-z0-9._+:/@-])(?:\[[^\]]*\])?(?:===?([^ ,;]+))?"
)
NOT_BUILT = re.compile(
    r" {0,4}error: (?:subprocess-exited-with|metadata-generation-)"
    r"|(?:ERROR: |  )?Failed building wheel for ([\w.-]+)"
    r"|Command .{1,500} failed with error code"
)
WHEEL = re.compile(
    r"/[A-Za-z0-9._]+-([^-/\s]+)(?:-[0-9][^-/\s]*)?-((?:cp|py)[0-9][^-/\s]*)-([^-/\s]+)"
    r"-([^-/\s]+)\.whl"
)

FOR_LINUX = re.compile(r"(?:many)?linux\S*" + re.escape(os.uname().machine))


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
    last, broken = "", ""
    versions: "Dict[str, str]" = {}
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        nothing, stopped = NOTHING.match(line), NOT_BUILT.match(line)
        if nothing:
            missing.append(nothing[1])
        if stopped:
            broken = stopped[1] or broken or last
        last = taken_up(line, last, versions)
    code = process.wait()
    for package in missing:
        sys.stdout.write(index_answers(package))
    if code and broken:
        sys.stdout.write(wheels(broken, versions.get(broken, ""), asked_again(broken)))
    return code if code >= 0 else 128 - code


def taken_up(line: str, last: str, versions: "Dict[str, str]") -> str:
    """The package of the index that pip works on; empty for one from elsewhere. ``versions``: the
    ones that are asked for."""
    found = TAKEN_UP.match(line)
    if found is None:
        return last
    named = NAMED.match(found[1])
    if named is None:
        return ""
    versions[named[1]] = named[2] or ""
    return named[1]


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
    forget_names()
    try:
        for file in files:
            _compile_one(file)
    finally:  # whatever the compiler made of a file: nothing of the parent's is done here
        os._exit(0)


def forget_names() -> None:
    """A name that something keeps is written in another way, and Python keeps some of those that it
    has looked up: which of them, depends on where they lie in memory."""
    if sys.version_info[:2] <= LAST_THAT_MINDS_KEPT_NAMES:
        sys._clear_type_cache()


def _compile_one(file: str) -> None:
    """Python 3.6 knows only files with a date: it gets that of all files in an image, 1970."""
    modes = getattr(py_compile, "PycInvalidationMode", None)
    if modes is None:
        os.utime(file, (0, 0))
    dateless = {"invalidation_mode": modes.UNCHECKED_HASH} if modes else {}
    compileall.compile_file(file, force=True, quiet=2, **dateless)


def index_answers(package: str) -> str:
    """Return the lines that tell why the index gave no page for ``package``, or what is on it."""
    lines = asked_again(package)
    found = "".join(line for line in lines if "Could not fetch URL" in line)
    return found or wheels(package, "", lines)


def asked_again(package: str) -> "List[str]":
    """All that pip says where it looks for a version that nobody has."""
    nowhere = ("download", "-vv", "--no-deps", "--no-input", "--retries", "0", package + "===none")
    look = subprocess.run(
        (*PIP, *nowhere),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
    )
    return look.stdout.splitlines(keepends=True)


def wheels(package: str, version: str, lines: "Sequence[str]") -> str:
    """Return lines that tell which wheels for Linux the index has: versions with one for this
    Python, and other Pythons with one (of that version, where one is asked for)."""
    own: "List[str]" = []
    others: "List[str]" = []
    for line in lines:
        for of, python, abi, platform in WHEEL.findall(line[:2000]):
            if platform != "any" and not FOR_LINUX.match(platform):
                continue
            if "Found link" in line and of not in own:
                own.append(of)
            elif "Skipping link" in line and version in ("", of):
                others += [tag + ("-abi3" if abi == "abi3" else "") for tag in python.split(".")]
    newest, tags = own[: -MAX_VERSIONS - 1 : -1], sorted(set(others), key=order)
    name = re.sub(r"[-_.]+", "-", package).lower()
    told = ((OWN_WHEELS, newest), (OTHER_WHEELS, tags))
    return "".join(begin + name + ": " + " ".join(said) + "\n" for begin, said in told if said)


def order(tag: str) -> "Tuple[int, str]":
    """cp39 comes before cp310."""
    return len(tag.partition("-")[0]), tag


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
