"""The arguments of `az ml model deploy`, as they were typed, and the paths among them."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fairlead.finding import quoted
from fairlead.v1files.fields import Said, flag_of
from fairlead.v1files.knobs import KNOBS, Holds
from fairlead.v1files.notes import Notes

COMMAND = ("az", "ml", "model", "deploy")
MAX_ARGUMENTS = 1000
MAX_COMPARED_CHARS = 60  # characters of an argument that is compared with the known ones
_TEXTS = {
    "name": ("--name", "-n"),
    "inference_config": ("--inference-config-file", "--ic", "-ic"),
    "deploy_config": ("--deploy-config-file", "--dc", "-dc"),
    "compute_type": ("--compute-type", "--cp"),
    "entry_script": ("--entry-script", "--es"),
    "conda_file": ("--conda-file", "--cf"),
    "runtime": ("--runtime", "--rt"),
    "steps": ("--extra-docker-file-steps", "--ds"),
    "source_directory": ("--source-directory", "--sd"),
    "base_image": ("--base-image", "--bi"),
    "base_image_registry": ("--base-image-registry", "--ir"),
    "cuda_version": ("--cuda-version", "--cv"),
    "description": ("--description",),
    "environment_name": ("--environment-name", "-e"),
    "environment_version": ("--environment-version", "--ev"),
    "environment_directory": ("--environment-directory", "--ed"),
    "path": ("--path",),
    "profile_input": ("--profile-input", "--pi"),
}
_LISTS = {
    "models": ("--model", "-m"),
    "metadata": ("--model-metadata-file", "-f"),
    "tags": ("--tag", "--tags"),
    "properties": ("--property", "--properties"),
}
_FLAGS = {"enable_gpu": ("--enable-gpu", "--eg")}
_WITHOUT_MEANING = (  # where the workspace was, how long to wait, what to print
    *("--resource-group", "-g", "--workspace-name", "-w", "--subscription-id", "--subscription"),
    *("--query", "--output", "-o"),
)
_SWITCHES = ("--no-wait", "--overwrite", "-v", "--verbose", "--debug", "--only-show-errors")
_EVERY_WAY = {"-ct": "--ct"}  # as some pages had it
_ONE_OF_MANY = re.compile(r"-[A-Za-z]")


@dataclass
class Arguments:
    """``texts``, ``lists`` and ``flags`` by the names above; ``knobs`` by the option."""

    texts: dict[str, Said[str]] = field(default_factory=dict)
    lists: dict[str, list[Said[str]]] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    knobs: dict[str, Said[object]] = field(default_factory=dict)
    paths: list[Said[str]] = field(default_factory=list)

    @property
    def compute_type(self) -> Said[str] | None:
        return self.texts.get("compute_type")


@dataclass(frozen=True)
class _Option:
    """``kind``: text, list, flag, knob, skipped or switch."""

    kind: str
    name: str
    holds: Holds = Holds.TEXT


def _options() -> Mapping[str, _Option]:
    found = dict[str, _Option]()
    for kind, table in (("text", _TEXTS), ("list", _LISTS), ("flag", _FLAGS)):
        for name, spellings in table.items():
            found |= {one: _Option(kind, name) for one in spellings}
    for knob in KNOBS:
        found |= {one: _Option("knob", knob.options[0], knob.holds) for one in knob.options}
    found |= {one: _Option("skipped", one) for one in _WITHOUT_MEANING}
    return found | {one: _Option("switch", one) for one in _SWITCHES}


OPTIONS = _options()


def read_arguments(words: Sequence[str], notes: Notes) -> Arguments:
    """Read them all, whatever is wrong with some. The command itself may stand before them."""
    found = Arguments()
    rest = list(words[:MAX_ARGUMENTS])
    if tuple(rest[: len(COMMAND)]) == COMMAND:
        rest = rest[len(COMMAND) :]
    if len(words) > MAX_ARGUMENTS:
        notes.problem("the command", f"more than {MAX_ARGUMENTS} arguments", "Give fewer.")
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word != "-":
            _read_option(word, rest, found, notes)
        else:
            found.paths.append(Said(word, word, typed=True))
    return found


def _read_option(word: str, rest: list[str], found: Arguments, notes: Notes) -> None:
    typed, attached = _split(word)
    option = _known(typed)
    if option is None:
        _unknown(typed, attached, rest, notes)
    elif option.kind == "switch":
        return
    elif option.kind == "flag" or option.holds is Holds.FLAG:
        _take(option, typed, _flag(attached, rest), found)
    elif attached is None and not (rest and _is_value(rest[0])):
        notes.problem(typed, f"{quoted(typed)} needs a value", "Give it one, or remove it.")
    else:
        _take(option, typed, rest.pop(0) if attached is None else attached, found)
        if option.kind == "list":  # as argparse has it: several values may follow one another
            while rest and option.name in ("tags", "properties") and "=" in rest[0]:
                _take(option, typed, rest.pop(0), found)


def _split(word: str) -> tuple[str, str | None]:
    """`--name=value` and `-nvalue`, as argparse takes them."""
    if word in OPTIONS or word in _EVERY_WAY:
        return word, None
    if word.startswith("--"):
        typed, equals, value = word.partition("=")
        return typed, value if equals else None
    short = word[:2]
    if _ONE_OF_MANY.match(word) and short in OPTIONS and OPTIONS[short].kind != "switch":
        return short, word[2:].removeprefix("=") or None
    return word, None


def _known(typed: str) -> _Option | None:
    """The option, or the only one that begins so, as argparse has it."""
    typed = _EVERY_WAY.get(typed, typed)
    if typed in OPTIONS:
        return OPTIONS[typed]
    if not typed.startswith("--") or len(typed) < len("--abc"):
        return None
    meant = {(one.kind, one.name): one for name, one in OPTIONS.items() if name.startswith(typed)}
    return next(iter(meant.values())) if len(meant) == 1 else None


def _is_value(word: str) -> bool:
    return not word.startswith("-") or word == "-" or word[1:2].isdigit()


def _flag(attached: str | None, rest: list[str]) -> str:
    """A value that follows, or true: the flag stands alone."""
    if attached is not None:
        return attached
    return rest.pop(0) if rest and flag_of(rest[0]) is not None else "true"


def _take(option: _Option, typed: str, value: str, found: Arguments) -> None:
    match option.kind:
        case "text":
            found.texts[option.name] = Said(value, typed, typed=True)
        case "list":
            found.lists.setdefault(option.name, []).append(Said(value, typed, typed=True))
        case "flag":
            found.flags[option.name] = flag_of(value) is True
        case "knob":
            found.knobs[option.name] = Said(value, typed, typed=True)


def _unknown(typed: str, attached: str | None, rest: list[str], notes: Notes) -> None:
    """What follows it is its value, as far as can be told."""
    left = attached is None and bool(rest) and _is_value(rest[0])
    if left:
        rest.pop(0)
    words = f"{quoted(typed)} is no argument of `az ml model deploy`"
    words += ", and is left out with what follows it" if left else ", and is left out"
    close = difflib.get_close_matches(typed[:MAX_COMPARED_CHARS], OPTIONS, n=1)
    remedy = f"Did you mean {quoted(close[0])}?" if close else "Remove it."
    notes.remark(typed, words, remedy)
