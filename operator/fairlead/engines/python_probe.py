"""What the Python of a base image is asked, and what it answers; the image may say anything."""

import json
import re
from collections.abc import Iterable

from fairlead.diagnosis.build.base_python import MUSL, BasePython

PROBE = (
    "import importlib.util as u, os, sys; print('%d.%d.%d' % sys.version_info[:3], "
    "bool(u.find_spec('venv') and u.find_spec('ensurepip')), "
    "os.confstr('CS_GNU_LIBC_VERSION') if 'CS_GNU_LIBC_VERSION' in os.confstr_names else '', "
    "'at', sys.executable)"
)
_PYTHON = re.compile(
    r"([0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}) (True|False) ?(glibc [0-9.]{1,20})?(?:None)?"
    r" at (\S{0,200})"
)


def probe_stage() -> str:
    """A stage after ``base`` in which its Python is asked, in the form that no SHELL changes."""
    command = json.dumps(["python3", "-c", PROBE])
    return f"FROM base AS probe\nUSER 0\nRUN {command}\n"


def told_python(lines: Iterable[str]) -> BasePython | None:
    """The first answer among ``lines``; None where there is none."""
    found = next(filter(None, (_PYTHON.fullmatch(line.strip()) for line in lines)), None)
    if found is None:
        return None
    venv, libc = found[2] == "True", found[3] or MUSL
    return BasePython(found[1], makes_environments=venv, libc=libc, path=found[4])
