"""`deploymentconfig.json`, and what the command line says over it."""

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.finding import quoted
from fairlead.v1files.arguments import Arguments
from fairlead.v1files.document import Document
from fairlead.v1files.fields import Fields, Said, flag_of, number_of
from fairlead.v1files.knobs import KNOBS, ComputeType, Holds, Knob
from fairlead.v1files.notes import Notes

NOT_SAID = "Need to specify computeType in --deploy-config-file"  # v1's words
TYPES = "It is one of aks, aci, local and aksendpoint."
Value = bool | float | str


@dataclass(frozen=True)
class Deployment:
    """``values`` are by their names in the SDK; of what is secret only that it is there."""

    compute_type: Said[ComputeType] | None
    values: Mapping[str, Said[Value]]

    def number(self, name: str) -> float | None:
        said = self.values.get(name)
        return float(said.value) if said else None

    def flag(self, name: str) -> bool | None:
        said = self.values.get(name)
        return bool(said.value) if said else None

    def text(self, name: str) -> str | None:
        said = self.values.get(name)
        return str(said.value) if said else None


def read_deployment(document: Document | None, arguments: Arguments, notes: Notes) -> Deployment:
    """What the command line says goes before what the file says, as in v1."""
    values = dict[str, Said[Value]]()
    said = arguments.compute_type
    if document:
        fields = Fields(document, notes)
        said = said or fields.text("computeType")
        if said is None:
            notes.problem(document.file, NOT_SAID, TYPES)
        values = _from_file(fields, notes)
    compute_type = _compute_type(said, notes)
    for knob in KNOBS:
        for option in knob.options:
            if option in arguments.knobs:
                _take(knob, arguments.knobs[option], values, notes)
    _tell_misplaced(compute_type, values, notes)
    return Deployment(compute_type, values)


def _compute_type(said: Said[str] | None, notes: Notes) -> Said[ComputeType] | None:
    if said is None:
        return None
    try:
        return Said(ComputeType(said.value.strip().lower()), said.place)
    except ValueError:
        notes.problem(said.place, f"unknown deployment type: {said.value}", TYPES)
        return None


def _from_file(fields: Fields, notes: Notes) -> dict[str, Said[Value]]:
    values = dict[str, Said[Value]]()
    blocks = {knob.path[0]: fields.below(knob.path[0]) for knob in KNOBS if len(knob.path) > 1}
    for knob in KNOBS:
        where = blocks[knob.path[0]] if len(knob.path) > 1 else fields
        given = where.anything(knob.path[-1])
        if given is not None and knob.name not in values:
            _take(knob, given, values, notes)
    known = [key for knob in KNOBS for key in knob.path]
    for block in blocks.values():
        block.tell_unknown(known)
    fields.tell_unknown(known)
    return values


def _take(knob: Knob, given: Said[object], values: dict[str, Said[Value]], notes: Notes) -> None:
    found = _value(knob.holds, given.value)
    if found is None:
        wanted = {Holds.FLAG: "true or false", Holds.NUMBER: "a number"}.get(knob.holds)
        wanted = wanted or ("a whole number" if knob.holds is Holds.WHOLE else "a text")
        words = f"{knob.name} ({quoted(knob.path[-1])}) must be {wanted}"
        notes.problem(given.place, words, "Correct the value.")
    elif found != "":
        values[knob.name] = Said(found, given.place)


def _value(holds: Holds, given: object) -> Value | None:
    match holds:
        case Holds.FLAG:
            return flag_of(given)
        case Holds.NUMBER:
            return number_of(given)
        case Holds.WHOLE:
            number = number_of(given)
            return number if number is not None and number == int(number) else None
        case Holds.SECRET:
            return "given" if given != "" else ""  # never kept
        case Holds.TEXT:
            is_text = isinstance(given, str | int | float) and not isinstance(given, bool)
            return str(given) if is_text else None


def _tell_misplaced(
    compute_type: Said[ComputeType] | None, values: dict[str, Said[Value]], notes: Notes
) -> None:
    """Leave out what is said for another type of compute, as v1 did without a word."""
    kind = compute_type.value if compute_type else ComputeType.AKS
    allowed = {knob.name for knob in KNOBS if kind in knob.types}
    for name in [one for one in values if one not in allowed | {"compute_target_name"}]:
        what = f"{name} means nothing for computeType {kind}: v1 took no notice of it"
        notes.remark(values.pop(name).place, what, "Remove it, or correct computeType.")
