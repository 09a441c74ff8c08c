"""``python3 compile_base.py FOLDER``: bytecode for the base image's own modules that have none.

Official images of Python bring none of the standard library, and nothing can be written where an
image runs: so each start of each replica compiled what it imports, for a second and a half of a
processor (the server, a script with scikit-learn). A file that is compiled here lies in ``FOLDER``
at its own path. It names the date and the size of its source, as Python itself writes it: where the
source is another one, Python compiles that as ever.

It runs on the base image's own Python, however old, before any foreign code does.
"""

import os
import py_compile
import sys
import sysconfig
from importlib.util import cache_from_source
from pathlib import Path
from typing import Iterator, List, NoReturn, Sequence, Tuple

LEFT_OUT = {  # packages that no service imports, and what is not Python's own
    *("__pycache__", "site-packages", "dist-packages", "ensurepip"),
    *("test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo"),
}
FILES_AT_ONCE = 64
LAST_THAT_MINDS_KEPT_NAMES = (3, 10)
Pair = Tuple[str, str]


def main(folder: str) -> int:
    """Compile what is not compiled; a file that does not compile is left out, as by Python."""
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    library = os.path.realpath(sysconfig.get_path("stdlib"))
    compile_all([(source, folder + place) for source, place in without_bytecode(library)])
    return 0


def without_bytecode(library: str) -> "List[Pair]":
    """Each module without bytecode, and where Python looks for that."""
    pairs = [(source, cache_from_source(source, optimization="")) for source in modules(library)]
    return [(source, place) for source, place in pairs if not Path(place).exists()]


def modules(library: str) -> "Iterator[str]":
    for folder, folders, files in os.walk(library):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        yield from (folder + "/" + name for name in sorted(files) if name.endswith(".py"))


def compile_all(pairs: "Sequence[Pair]") -> None:
    """What is written for a file depends on what the process has compiled before. So each batch of
    files, always the same ones, gets a process of its own: each time there are the same bytes."""
    running = 0
    try:
        for start in range(0, len(pairs), FILES_AT_ONCE):
            if running == (os.cpu_count() or 1):
                os.wait()
                running -= 1
            if os.fork() == 0:
                _compile(pairs[start : start + FILES_AT_ONCE])
            running += 1
    finally:  # where there may be no more processes: none writes while what there is is taken
        for _ in range(running):
            os.wait()


def _compile(pairs: "Sequence[Pair]") -> NoReturn:
    """Compile the files, and end this process."""
    forget_names()
    try:
        for source, place in pairs:
            _compile_one(source, place)
    finally:  # whatever the compiler made of a file: nothing of the parent's is done here
        os._exit(0)


def forget_names() -> None:
    """A name that something keeps is written in another way, and Python keeps some of those that it
    has looked up: which of them, depends on where they lie in memory."""
    if sys.version_info[:2] <= LAST_THAT_MINDS_KEPT_NAMES:
        sys._clear_type_cache()


def _compile_one(source: str, place: str) -> None:
    modes = getattr(py_compile, "PycInvalidationMode", None)  # Python 3.6 knows dates alone
    dated = {"invalidation_mode": modes.TIMESTAMP} if modes else {}
    try:
        py_compile.compile(source, place, doraise=True, **dated)
    except (py_compile.PyCompileError, OSError, ValueError, RecursionError):
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
