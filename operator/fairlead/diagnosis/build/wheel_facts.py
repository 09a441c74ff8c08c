"""Which wheels an index has of a package: what `fairlead.images.pip_install` asks it for, told."""

import re

from fairlead.diagnosis.build.output import Case, Facts
from fairlead.finding import listed
from fairlead.images.pip_install import OTHER_WHEELS, OWN_WHEELS

MAX_PYTHONS = 8
_OTHERS = re.compile(rf"^{OTHER_WHEELS}([A-Za-z0-9._-]{{1,200}}): ([a-z0-9_ -]{{1,500}})$", re.M)
_OWN = re.compile(rf"^{OWN_WHEELS}([A-Za-z0-9._-]{{1,200}}): ([A-Za-z0-9._+! -]{{1,500}})$", re.M)
_TAG = re.compile(r"cp([0-9])([0-9]{1,2})(-abi3)?")


def wheels_of(case: Case, name: str | None) -> Facts:
    """``wheels``: for which Pythons there are wheels; ``others``: versions that have one for this
    Python. Each is empty where that is not known."""
    pythons = dict.fromkeys(_said(_OTHERS, case, name).split())
    versions = _said(_OWN, case, name).split()
    told = [python for python in map(_python, pythons) if python]
    for_ = f"; there are for Python {listed(told, MAX_PYTHONS)}" if told else ""
    return {"wheels": for_, "others": f" ({', '.join(versions)})" if versions else ""}


def _said(pattern: re.Pattern[str], case: Case, name: str | None) -> str:
    """What the last line of its kind says of a package."""
    lines = [said for package, said in pattern.findall(case.output.text) if package == name]
    return lines[-1] if lines else ""


def _python(tag: str) -> str:
    """``cp310`` as 3.10, ``cp36-abi3`` as 3.6 or newer."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return ""
    return f"{found[1]}.{found[2]}{' or newer' if found[3] else ''}"
