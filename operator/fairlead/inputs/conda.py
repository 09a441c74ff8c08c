"""``condaFile``: channels, match specs, pip's list and variables, as conda reads them.

``name`` and ``prefix`` are accepted and mean nothing. What of the file is for conda is read only as
far as it takes to tell what is asked for; whether there is such a package, the solver says.

A file is read by libyaml, with line numbers and nothing built from it. It holds no aliases (a few
of them stand for a million entries), and is neither deep nor long.
"""

import difflib
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import yaml

from fairlead.api.reasons import Reason
from fairlead.finding import Problem, quoted
from fairlead.inputs.bounded_yaml import LOADER, Excess, excess
from fairlead.inputs.match_spec import MatchSpec, has_token, is_channel, read_match_spec
from fairlead.inputs.python_version import OLDEST_PYTHON, read_python, too_old
from fairlead.inputs.reading import MAX_REQUIREMENTS, Reading
from fairlead.inputs.requirements import read_line
from fairlead.requirement import CondaRecipe, Requirement

_KEYS = ("name", "channels", "dependencies", "prefix", "variables")
DEFAULTS, NO_DEFAULTS = "defaults", "nodefaults"
_SHAPE = "Its shape is: `dependencies: [python=3.11, {pip: [numpy==2.1.0, pandas]}]`."
_NULL = "tag:yaml.org,2002:null"


MAX_DEPTH = 10  # lists and mappings in one another; the format has four
MAX_EVENTS = 10_000  # entries, and beginnings and ends of lists and mappings
MAX_SAID_CHARS = 200  # characters of what the parser says
MAX_CHANNELS = 20
MAX_VARIABLES = 200
MAX_VALUE_CHARS = 4096  # characters of a variable's value
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
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
            reader.read_root(yaml.compose(text, Loader=LOADER))
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
    """Line, message and remedy of what keeps the file from being read at all."""
    match excess(text, MAX_DEPTH, MAX_EVENTS):
        case line, Excess.ALIAS:
            return line, "an alias (`*name`) is not read", "Write out what it stands for."
        case line, Excess.DEPTH:
            return line, "it is nested too deeply", _SHAPE
        case line, Excess.LENGTH:
            return line, "it has too many entries", "Name only what the script imports."
    return None


class _Reader:
    def __init__(self) -> None:
        self._read = Reading()
        self._packages: list[Requirement] = []
        self._channels: list[Requirement] = []

    def finish(self) -> Reading:
        """Without ``nodefaults`` the settings' channels are there, too, and count least."""
        names = [channel.text for channel in self._channels]
        if NO_DEFAULTS not in names and DEFAULTS not in names:
            self._channels.append(Requirement(text=DEFAULTS, line=0))
        channels = tuple(one for one in self._channels if one.text != NO_DEFAULTS)
        self._read.conda = CondaRecipe(channels=channels, packages=tuple(self._packages))
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
            else:
                self._read_key(name, value)
            seen.add(name)
        if "dependencies" not in seen:
            self.wrong(0, "it has no `dependencies`")

    def _read_key(self, name: str, value: yaml.Node) -> None:
        if name == "dependencies":
            self._read_dependencies(value)
        elif name == "channels":
            self._read_channels(value)
        elif name == "variables":
            self._read_variables(value)

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
                for found in read_line(item.value, _line(item)):
                    self._read.take(found)
            else:
                self.wrong(_line(item), "only text may stand in the list under `pip:`")

    def _read_channels(self, node: yaml.Node) -> None:
        """A list, or one channel."""
        items = [node] if _is_text(node) else self._items(node, "channels")
        for item in items:
            text, line = str(item.value).strip(), _line(item)
            if isinstance(item, yaml.ScalarNode) and has_token(text):
                self.wrong(line, *_TOKEN)
            elif not isinstance(item, yaml.ScalarNode) or not is_channel(text):
                said = text if isinstance(item, yaml.ScalarNode) else "a list or mapping"
                remedy = "Write a name such as conda-forge, or an https:// address."
                self.wrong(line, f"{quoted(said)} is no channel", remedy)
            elif len(self._channels) >= MAX_CHANNELS:
                self.wrong(line, f"it names more than {MAX_CHANNELS} channels", "Name fewer.")
                return
            elif text not in [known.text for known in self._channels]:
                self._channels.append(Requirement(text=text, line=line))

    def _read_variables(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.MappingNode):
            if node.tag != _NULL:
                self.wrong(_line(node), "`variables` must be a mapping", _VARIABLES_REMEDY)
            return
        if len(node.value) > MAX_VARIABLES:
            words = f"it sets more than {MAX_VARIABLES} variables"
            self.wrong(_line(node), words, "Set fewer.")
            return
        for key, value in node.value:
            self._read_variable(key, value)

    def _read_variable(self, key: yaml.Node, value: yaml.Node) -> None:
        line, name = _line(key), str(key.value)
        if not isinstance(key, yaml.ScalarNode) or not _VARIABLE.fullmatch(name):
            words = f"{quoted(name)} is no name of a variable"
            self.wrong(line, words, "Use letters, digits and underscores.")
        elif not isinstance(value, yaml.ScalarNode) or len(value.value) > MAX_VALUE_CHARS:
            self.wrong(line, f"the variable {quoted(name)} has no value", _VARIABLES_REMEDY)
        elif "\n" in value.value or not value.value.isprintable():
            words = f"the value of {quoted(name)} is not one line of text"
            self.wrong(line, words, _VARIABLES_REMEDY)
        else:
            self._read.variables[name] = "" if value.tag == _NULL else value.value

    def _items(self, node: yaml.Node, name: str) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            yield from itertools.takewhile(lambda _: not self._read.ended, node.value)
        elif node.tag != _NULL:
            self.wrong(_line(node), f"`{name}` must be a list")

    def _read_package(self, text: str, line: int) -> None:
        if has_token(text):
            self.wrong(line, *_TOKEN)
            return
        try:
            spec = read_match_spec(text)
        except ValueError as error:
            remedy = "Write a name and a version, such as python=3.11."
            self.wrong(line, f"{quoted(text)} {error}", remedy)
            return
        if spec.name == "python" and not self._read_python(spec, line):
            return
        self._packages.append(Requirement(text=spec.text, line=line))

    def _read_python(self, spec: MatchSpec, line: int) -> bool:
        if self._read.python_line is not None:
            self.wrong(line, "python stands there twice", "Keep one of the two.")
            return False
        self._read.python_line = line
        if _CONDAS_OWN.search(spec.rest):  # only the solver knows which versions are meant
            return True
        try:
            self._read.python = asked = read_python(spec.rest)
        except ValueError:
            words = f"{quoted('python' + spec.rest)} is no version"
            self.wrong(line, words, "Write python=3.11.")
            return False
        if asked and too_old(asked):
            oldest = ".".join(map(str, OLDEST_PYTHON))
            message = f"Python {asked} is too old: scripts are run on Python {oldest} or newer"
            remedy = f"Ask for python={oldest} or newer, and for package versions made for it."
            self._read.take(Problem(Reason.PYTHON_UNSUPPORTED, line, message, remedy))
        return True


_TOKEN = (
    "a channel's address holds a token (`/t/…/`), and everybody could read it here",
    "Name the channel without it; whoever runs Fairlead can name the address with the token in "
    "FAIRLEAD_CONDA_MIRRORS.",
)
_VARIABLES_REMEDY = "Write `variables: {NAME: value}`, each value one line of text."
_CONDAS_OWN = re.compile(r"[|(^\[]")


def _key_remedy(name: str) -> str:
    close = difflib.get_close_matches(name, _KEYS, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Remove {quoted(name)}."


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag != _NULL


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def with_default_channels(conda: CondaRecipe, defaults: tuple[str, ...]) -> CondaRecipe:
    """The same, with the channels of the settings in the place of ``defaults``."""
    found = dict[str, Requirement]()
    for channel in conda.channels:
        texts = defaults if channel.text == DEFAULTS else (channel.text,)
        for text in texts:
            found.setdefault(text, Requirement(text=text, line=channel.line))
    return replace(conda, channels=tuple(found.values()))
