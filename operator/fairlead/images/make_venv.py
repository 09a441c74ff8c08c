"""``python3 make_venv.py FOLDER``: the very environment of ``python3 -m venv FOLDER``, sooner.

venv starts pip from its archive, for pip to install itself from the same archive and compile all of
it: four seconds of a processor. What an installation of a wheel leaves is known without pip: its
files, the programs that it names, and the record of them. They are written here, to the byte; where
Python's own wheels are not such plain ones (a distribution took them apart, or setuptools is so old
that it has programs), venv does it as ever.

It runs on the base image's own Python, however old, with that one's standard library.
"""

import ast
import base64
import configparser
import csv
import hashlib
import re
import sys
import sysconfig
import textwrap
import venv
import zipfile
from importlib.util import cache_from_source
from os.path import relpath
from pathlib import Path
from types import SimpleNamespace
from typing import Dict, List, Tuple

LAST_WITH_SETUPTOOLS = (3, 11)  # newer ones bring pip alone
WHEEL_TAG = "-py3-none-any.whl"
WHOLE = "pip/_vendor/requests/__init__.py"  # is not there where a distribution took pip apart
MAX_LINE_CHARS = 127  # Linux reads no more of a program's first line
NAMES = ("pip", "pip%d" % sys.version_info[0], "pip%d.%d" % sys.version_info[:2])
# What pip makes a program of: its own form where it has one, else that of distlib.
FORMS = (
    ("pip/_internal/operations/install/wheel.py", r"script_template = textwrap\.dedent\("),
    ("pip/_vendor/distlib/scripts.py", r"SCRIPT_TEMPLATE = "),
)
LITERAL = r"(r?('''|\"\"\").*?\2)"


class Builder(venv.EnvBuilder):
    """venv's own, but for how pip comes in."""

    def _setup_pip(self, context: SimpleNamespace) -> None:
        packages = packages_folder(context.env_dir)
        wheels = own_wheels() if can_run(context.env_exe) and packages.is_dir() else []
        if not (wheels and all(map(is_plain, wheels))):
            super()._setup_pip(context)
            return
        for wheel in wheels:
            install(wheel, packages, context)


def packages_folder(folder: str) -> Path:
    return Path(folder, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")


def can_run(python: str) -> bool:
    """Whether a program's first line can name it."""
    return " " not in python and len("#!" + python + "\n") <= MAX_LINE_CHARS


def own_wheels() -> "List[Path]":
    """What ensurepip would install; none where that is not plain to see."""
    try:
        import ensurepip  # Debian has it in a package of its own
    except ImportError:
        return []
    wanted = ["pip-" + ensurepip.version()]
    if sys.version_info[:2] <= LAST_WITH_SETUPTOOLS:
        wanted.append("setuptools-*")
    bundled = Path(ensurepip.__file__).with_name("_bundled")
    for folder in (sysconfig.get_config_var("WHEEL_PKG_DIR"), bundled):
        found = [list(Path(folder).glob(one + WHEEL_TAG)) for one in wanted if folder]
        if found and all(len(wheels) == 1 for wheels in found):
            return [wheel for wheels in found for wheel in wheels]
    return []


def is_plain(path: Path) -> bool:
    """Whether all that is in it belongs where it lies in the archive, and only pip has programs."""
    with zipfile.ZipFile(str(path)) as wheel:
        names = wheel.namelist()
        programs, form = console_scripts(wheel), form_of_programs(wheel)
    if any(name.partition("/")[0].endswith(".data") for name in names):
        return False
    if path.name.startswith("pip-"):
        return WHOLE in names and "pip" in programs and bool(form)
    return not programs


def install(path: Path, packages: Path, context: SimpleNamespace) -> None:
    """What pip leaves of a wheel, but for what it compiles."""
    with zipfile.ZipFile(str(path)) as wheel:
        lay_out(wheel, packages)
        notes = notes_folder(wheel)
        record = recorded(wheel.read(notes + "/RECORD").decode(), packages)
        programs, form = console_scripts(wheel), form_of_programs(wheel)
    for name in NAMES if programs else ():
        program = Path(context.bin_path, name)
        content = program_of(form, programs["pip"], context.env_exe)
        record[relpath(str(program), str(packages))] = written(program, content, 0o755)
    for name, content in (("INSTALLER", "pip\n"), ("REQUESTED", "")):
        note = notes + "/" + name
        record[note] = written(packages / note, content)
    write_record(packages / notes / "RECORD", record)


def lay_out(wheel: zipfile.ZipFile, packages: Path) -> None:
    for entry in wheel.infolist():
        path = wheel.extract(entry, str(packages))
        if not entry.is_dir() and entry.external_attr >> 16 & 0o111:
            Path(path).chmod(0o755)


def recorded(text: str, packages: Path) -> "Dict[str, Tuple[str, str]]":
    """Each file with its digest and size; those that pip would compile have none."""
    record = {row[0]: (row[1], row[2]) for row in csv.reader(text.splitlines()) if row}
    for name in [name for name in record if name.endswith(".py")]:
        compiled = cache_from_source(str(packages / name))  # may lie anywhere
        record[relpath(compiled, str(packages))] = ("", "")
    return record


def notes_folder(wheel: zipfile.ZipFile) -> str:
    found = [name for name in wheel.namelist() if re.match(r"[^/]+\.dist-info/RECORD$", name)]
    return found[0].partition("/")[0]


def console_scripts(wheel: zipfile.ZipFile) -> "Dict[str, str]":
    """``pip`` to ``pip._internal.cli.main:main``."""
    file = notes_folder(wheel) + "/entry_points.txt"
    told = configparser.ConfigParser(delimiters=("=",))
    told.read_string(wheel.read(file).decode() if file in wheel.namelist() else "")
    return dict(told["console_scripts"]) if told.has_section("console_scripts") else {}


def form_of_programs(wheel: zipfile.ZipFile) -> str:
    """What pip would make a program of; empty where that is not plain to see."""
    for file, begin in FORMS:
        text = wheel.read(file).decode() if file in wheel.namelist() else ""
        found = re.search(begin + LITERAL, text, re.DOTALL)
        if found:
            return textwrap.dedent(ast.literal_eval(found.group(1)))
    return ""


def program_of(form: str, entry: str, python: str) -> str:
    module, _, function = (part.strip() for part in entry.partition(":"))
    names = {"module": module, "import_name": function, "func": function}
    return "#!" + python + "\n" + form % names


def written(path: Path, content: str, mode: int = 0o644) -> "Tuple[str, str]":
    """Write a file; return what a record has of it."""
    path.write_bytes(content.encode())
    path.chmod(mode)
    digest = hashlib.sha256(content.encode()).digest()
    sha256 = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return "sha256=" + sha256, str(len(content.encode()))


def write_record(path: Path, record: "Dict[str, Tuple[str, str]]") -> None:
    rows = sorted((name, sha256, size) for name, (sha256, size) in record.items())
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def main(folder: str) -> int:
    """What ``python3 -m venv`` does with its one argument, and says."""
    venv.EnvBuilder = Builder  # type: ignore[misc]  # its command line takes whatever is called so
    try:
        venv.main([folder])
    except Exception as error:  # noqa: BLE001  (as venv itself)
        sys.stderr.write("Error: " + str(error) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
