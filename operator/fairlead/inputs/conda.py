"""``condaFile``: of conda's format, what can be installed without conda: Python, and pip's list.

``name``, ``prefix`` and ``channels`` are accepted and mean nothing here, and so does a version of
pip: packages are installed by the pip that comes with the base image's Python.
"""

import difflib
import re
from collections.abc import Iterator, Sequence

import yaml

from fairlead.api.reasons import Reason
from fairlead.finding import Problem, listed, quoted
from fairlead.inputs.python_version import OLDEST_PYTHON, read_python, too_old
from fairlead.inputs.requirements import Reading, read_requirement

_KEYS = ("name", "channels", "dependencies", "prefix")
_SPEC = re.compile(r"(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_.-]+)(?P<version>[\s=<>!~*].*)?", re.DOTALL)
_SHAPE = "Its shape is: `dependencies: [python=3.11, {pip: [numpy==2.1.0, pandas]}]`."
_NULL = "tag:yaml.org,2002:null"


def read_conda(text: str) -> Reading:
    """Read the file to its end, whatever is wrong on the way."""
    reader = _Reader()
    try:
        reader.read_root(yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        remedy = "Correct the YAML; indent with spaces, not with tabs."
        reader.wrong(mark.line + 1 if mark else 0, f"it is not YAML: {error.problem}", remedy)
    except (yaml.YAMLError, RecursionError):
        reader.wrong(0, "it is not YAML: it holds control characters, or is nested too deeply")
    return reader.finish()


class _Reader:
    def __init__(self) -> None:
        self._read = Reading()
        self._packages: list[tuple[int, str]] = []

    def finish(self) -> Reading:
        if self._packages:
            self._read.take(conda_problem(self._packages))
        return self._read

    def wrong(self, line: int, message: str, remedy: str = _SHAPE) -> None:
        self._read.wrong(line, message, remedy)

    def read_root(self, root: yaml.Node | None) -> None:
        if not isinstance(root, yaml.MappingNode):
            self.wrong(0, "it is empty" if root is None else "it is no mapping")
            return
        seen = set[str]()
        for key, value in root.value:
            line, name = _line(key), str(key.value)
            if name in seen:
                self.wrong(line, f"{quoted(name)} stands there twice", "Keep one of the two.")
            elif name not in _KEYS:
                self.wrong(line, f"the key {quoted(name)} is not known", _key_remedy(name))
            elif name == "dependencies":
                self._read_dependencies(value)
            seen.add(name)
        if "dependencies" not in seen:
            self.wrong(0, "it has no `dependencies`")

    def _read_dependencies(self, node: yaml.Node) -> None:
        for item in self._items(node, "dependencies"):
            match item:
                case yaml.ScalarNode():
                    self._read_package(item.value, _line(item))
                case yaml.MappingNode(value=[(yaml.ScalarNode(value="pip"), pip)]):
                    self._read_pip(pip)
                case _:
                    self.wrong(_line(item), "only text, or `pip:` with a list, may stand here")

    def _read_pip(self, node: yaml.Node) -> None:
        for item in self._items(node, "pip"):
            if isinstance(item, yaml.ScalarNode):
                self._read.take(read_requirement(item.value, _line(item)))
            else:
                self.wrong(_line(item), "only text may stand in the list under `pip:`")

    def _items(self, node: yaml.Node, name: str) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            yield from node.value
        elif node.tag != _NULL:
            self.wrong(_line(node), f"`{name}` must be a list")

    def _read_package(self, text: str, line: int) -> None:
        spec = _SPEC.fullmatch(text.strip())
        if spec is None:
            remedy = "Write a name and a version, such as python=3.11."
            self.wrong(line, f"{quoted(text)} is no package", remedy)
        elif spec["name"].lower() == "python":
            self._read_python(spec["version"] or "", line)
        elif spec["name"].lower() != "pip":
            self._packages.append((line, text.strip()))

    def _read_python(self, version: str, line: int) -> None:
        if self._read.python_line is not None:
            self.wrong(line, "python stands there twice", "Keep one of the two.")
            return
        self._read.python_line = line
        try:
            self._read.python = asked = read_python(version)
        except ValueError:
            self.wrong(line, f"{quoted('python' + version)} is no version", "Write python=3.11.")
            return
        if asked and too_old(asked):
            oldest = ".".join(map(str, OLDEST_PYTHON))
            message = f"Python {asked} is too old: Fairlead's server needs {oldest} or newer"
            remedy = f"Ask for python={oldest} or newer, and for package versions made for it."
            self._read.take(Problem(Reason.PYTHON_UNSUPPORTED, line, message, remedy))


def _key_remedy(name: str) -> str:
    if name == "variables":
        return "Set variables in spec.environmentVariables."
    close = difflib.get_close_matches(name, _KEYS, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Remove {quoted(name)}."


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


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
        [f"Write in the list under `- pip:` instead: {listed(python, MAX_NAMED_PACKAGES)}."]
        if python
        else []
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
