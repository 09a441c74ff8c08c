"""Environment variables of v1's files: those that an image may have, and what becomes of others."""

from collections.abc import Mapping

from fairlead.api.variables import OF_IMAGES, problems
from fairlead.finding import quoted
from fairlead.v1files.fields import Said
from fairlead.v1files.notes import Notes
from fairlead.v1files.secrecy import is_secret

_SECRET = (
    "Put it into a Secret and mount it (spec.volumes of the Webservice): the script reads the file."
)


def image_variables(given: Mapping[str, Said[object]], notes: Notes) -> dict[str, str]:
    """What of them goes into `spec.environmentVariables`; keys and passwords never do."""
    found = dict[str, str]()
    for name, said in given.items():
        text = _text(said.value)
        if text is None:
            words = f"the variable {quoted(name)} must be a text"
            notes.problem(said.place, words, "Correct the value.")
        elif name in OF_IMAGES:
            words = f"the variable {name} is set by Fairlead"
            notes.remark(said.place, words, f"It is left out: {OF_IMAGES[name]}.")
        elif is_secret(name, text):
            words = (
                f"the variable {quoted(name)} seems to hold a key or a password, and is left out"
            )
            notes.remark(said.place, words, _SECRET)
        elif refused := next(problems({name: text}, OF_IMAGES), None):
            notes.remark(
                said.place, f"{refused}, and is left out", "docs/variables.md has them all."
            )
        else:
            found[name] = text
    return found


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value)
    return str(value) if isinstance(value, str | int | float) else "" if value is None else None
