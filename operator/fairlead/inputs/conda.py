"""``condaFile``: of conda's format, what can be installed without conda: Python, and pip's list.

``name``, ``prefix`` and ``channels`` are accepted and mean nothing here, and so does a version of
pip: packages are installed by the pip that comes with the base image's Python.

A file is read by libyaml, with line numbers and nothing built from it. It holds no aliases (a few
of them stand for a million entries), and is neither deep nor long.
"""

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence

import yaml

from fairlead.api.reasons import Reason
from fairlead.finding import Problem, listed, quoted, shown
from fairlead.inputs.python_version import OLDEST_PYTHON, read_python, too_old
from fairlead.inputs.requirements import MAX_REQUIREMENTS, Reading, read_requirement

_KEYS = ("name", "channels", "dependencies", "prefix")
_SPEC = re.compile(r"(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_.-]+)(?P<version>[\s=<>!~*].*)?", re.DOTALL)
_SHAPE = "Its shape is: `dependencies: [python=3.11, {pip: [numpy==2.1.0, pandas]}]`."
_NULL = "tag:yaml.org,2002:null"


MAX_DEPTH = 10  # lists and mappings in one another; the format has four
MAX_EVENTS = 10_000  # entries, and beginnings and ends of lists and mappings
MAX_SAID_CHARS = 200  # characters of what the parser says
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DASH_WITHOUT_BLANK = re.compile(r" {0,40}-([A-Za-z][A-Za-z0-9_.:=<>-]{0,80})")
_YAML_REMEDY = "Correct the YAML; indent with spaces, not with tabs."


def read_conda(text: str) -> Reading:
    """Read the file to its end, whatever is wrong on the way."""
    reader = _Reader()
    try:
        refused = _refused(text)
        if refused is not None:
            reader.wrong(*refused)
        else:
            reader.read_root(yaml.compose(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = str(error.problem)[:MAX_SAID_CHARS]
        reader.wrong(*_not_yaml(text, mark.line + 1 if mark else 0, said))
    except yaml.YAMLError:
        reader.wrong(0, "it is not YAML: it holds control characters", "Remove the characters.")
    return reader.finish()


def _not_yaml(text: str, line: int, said: str) -> tuple[int, str, str]:
    """Line, message and remedy. A dash without a blank is the beginning of a word, and the parser
    says something about the lines around it."""
    for number, content in enumerate(text.split("\n"), 1):
        if number > line:
            break
        if number >= line - 1 and (found := _DASH_WITHOUT_BLANK.match(content)):
            entry = quoted(content.strip()[:MAX_SAID_CHARS])
            message = f"it is not YAML: in {entry} no blank follows the dash"
            return number, message, f"Write {quoted(f'- {found[1]}')}: a dash needs a blank."
    return line, f"it is not YAML: {said}", _YAML_REMEDY


def _refused(text: str) -> tuple[int, str, str] | None:
    """Look at the file piece by piece, before anything is made of it: line, message and remedy of
    what keeps it from being read at all."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            return line, "an alias (`*name`) is not read", "Write out what it stands for."
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return line, "it is nested too deeply", _SHAPE
        if number > MAX_EVENTS:
            return line, "it has too many entries", "Name only what the script imports."
    return None


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
            line, name = _line(key), key.value
            if not isinstance(name, str):
                self.wrong(line, "a key must be text")
                continue
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
            if len(self._packages) >= MAX_REQUIREMENTS:
                self._read.too_many(_line(item))
                return
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
            yield from itertools.takewhile(lambda _: not self._read.ended, node.value)
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
    told = listed(
        [f"{shown(text, 60)} (line {line})" for line, text in packages], MAX_NAMED_PACKAGES
    )
    names = [text for _, text in packages]
    return Problem(
        Reason.CONDA_PACKAGES_UNSUPPORTED,
        packages[0][0],
        f"this version of Fairlead installs no conda packages but python and pip: {told}",
        " ".join(_remedies(names)),
    )


def _remedies(packages: Sequence[str]) -> list[str]:
    system, python = list[str](), list[str]()
    for text in packages:
        if _NO_PYTHON.fullmatch(_split(text)[0]):
            system.append(shown(text, 60))
        else:
            python.append(quoted(f"- {pip_line(text)}"))
    remedies = list[str]()
    if python:
        what = "Write in the list under `- pip:` instead"
        remedies.append(f"{what}: {listed(python, MAX_NAMED_PACKAGES)}.")
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
