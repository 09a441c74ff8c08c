"""Conda packages in a conda file: each named with its line, and what to write instead."""

import re
from collections.abc import Sequence

from fairlead.api.reasons import Reason
from fairlead.finding import Problem, listed, quoted

MAX_NAMED_PACKAGES = 15  # packages that one message names
_PACKAGE = re.compile(r"(?:[^\s:]+::)?([A-Za-z0-9_.-]+)\s*(.*)", re.DOTALL)
_FUZZY = re.compile(r"(==?)?\s*([0-9][A-Za-z0-9.!+]*?)(\.?\*)?((=|\s+)\S+)?")
_PIP_NAMES = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "py-xgboost": "xgboost",
    "opencv": "opencv-python-headless",
    "py-opencv": "opencv-python-headless",
    "tensorflow-gpu": "tensorflow",
    "python-graphviz": "graphviz",
    "ruamel_yaml": "ruamel.yaml",
    "msgpack-python": "msgpack",
    "matplotlib-base": "matplotlib",
}
_NO_PYTHON = re.compile(
    r"(_?lib|gcc|gxx|cuda|cudnn|mkl$|openssl|openmpi|nodejs|cmake|make$|git$).*"
)


def conda_problem(packages: Sequence[tuple[int, str]]) -> Problem:
    """Return the one problem that all ``packages`` (line, text) are."""
    told = listed([f"{text[:60]} (line {line})" for line, text in packages], MAX_NAMED_PACKAGES)
    names = [text for _, text in packages]
    return Problem(
        Reason.CONDA_PACKAGES_UNSUPPORTED,
        packages[0][0],
        f"this version of Fairlead installs no conda packages but python and pip: {told}",
        " ".join(_remedies(names)),
    )


def _remedies(packages: Sequence[str]) -> list[str]:
    system = [text for text in packages if _NO_PYTHON.fullmatch(_split(text)[0])]
    python = [quoted(f"- {pip_line(text)}") for text in packages if text not in system]
    remedies = (
        [f"Write in the list under `- pip:` instead: {listed(python, MAX_NAMED_PACKAGES)}."] if python else []
    )
    if system:
        what = "Install system libraries with a RUN in spec.dockerFile instead"
        remedies.append(f"{what}: {listed(system, MAX_NAMED_PACKAGES)}.")
    return remedies


def pip_line(conda: str) -> str:
    """Return the requirement that means for pip what ``conda`` means for conda."""
    name, version = _split(conda)
    name = _PIP_NAMES.get(name.lower(), name)
    fuzzy = _FUZZY.fullmatch(version)
    if fuzzy is None:  # nothing, comparisons that both know, or conda's own "this|that"
        return name if "|" in version else f"{name}{''.join(version.split())}"
    exact = fuzzy[1] == "==" or fuzzy[2].count(".") > 1
    return f"{name}=={fuzzy[2]}" if exact and not fuzzy[3] else f"{name}=={fuzzy[2]}.*"


def _split(conda: str) -> tuple[str, str]:
    found = _PACKAGE.fullmatch(conda)
    return (found[1], found[2].strip()) if found else (conda, "")
