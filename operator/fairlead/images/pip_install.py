"""``pip install`` inside the build, by the environment's own Python: it imports nothing of ours.

Where the index has nothing of a package it is asked once more, in pip's most talkative way. pip
says "No matching distribution found" also when the index answered 403 or 503, and whose fault a
failure is depends on that.

What was installed is compiled at last: the image cannot be written to when it runs, so that every
start of every replica would compile it again (seconds, for scikit-learn). The compiled files hold
no date.
"""

import compileall
import py_compile
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence

PIP = (sys.executable, "-m", "pip")
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
    """Compile all packages; a file that does not compile is the package's own affair."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(folder, quiet=2, workers=0, invalidation_mode=mode)


def index_answers(package: str) -> str:
    """Return the lines that tell why the index gave no page for ``package``."""
    nowhere = ("download", "-vv", "--no-deps", "--no-input", "--retries", "0", f"{package}===none")
    look = subprocess.run((*PIP, *nowhere), capture_output=True, text=True, check=False)
    lines = look.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if "Could not fetch URL" in line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
