"""``pip install`` inside the build, by the environment's own Python: it imports nothing of ours.

Where the index has nothing of a package it is asked once more, in pip's most talkative way. pip
says "No matching distribution found" also when the index answered 403 or 503, and whose fault a
failure is depends on that.

What was installed is compiled at last: the image cannot be written to when it runs, so that every
start of every replica would compile it again (seconds, for scikit-learn). The compiled files hold
no date.
"""

import compileall
import os
import py_compile
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

PIP = (sys.executable, "-m", "pip")
FILES_AT_ONCE = 64
NOTHING = re.compile(
    r".{0,200}?satisfies the requirement ([A-Za-z0-9][A-Za-z0-9._-]*)(?![A-Za-z0-9._-])"
    r".*\(from versions: none\)"
)


def main(options: Sequence[str]) -> int:
    """Run ``pip install`` with ``options``; return its exit code as a shell would."""
    install = subprocess.Popen(
        (*PIP, "install", *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    missing = list[str]()
    for line in install.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        if found := NOTHING.match(line):
            missing.append(found[1])
    for package in missing:
        sys.stdout.write(index_answers(package))
    code = install.wait()
    if code == 0:
        compile_all(sysconfig.get_path("purelib"))
    return code if code >= 0 else 128 - code


def compile_all(folder: str) -> None:
    """Compile all packages; a file that does not compile is the package's own affair.

    What is written for a file depends on what the process has compiled before. So each batch of
    files, always the same ones, gets a process of its own: two installations have the same bytes.
    """
    files = sorted(map(str, Path(folder).rglob("*.py")))
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
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        for file in files:
            compileall.compile_file(file, force=True, quiet=2, invalidation_mode=mode)
    finally:  # whatever the compiler made of a file: nothing of the parent's is done here
        os._exit(0)


def index_answers(package: str) -> str:
    """Return the lines that tell why the index gave no page for ``package``."""
    nowhere = ("download", "-vv", "--no-deps", "--no-input", "--retries", "0", f"{package}===none")
    look = subprocess.run((*PIP, *nowhere), capture_output=True, text=True, check=False)
    lines = look.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if "Could not fetch URL" in line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
