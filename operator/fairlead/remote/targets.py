"""Which object a word of the command line means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fairlead.api.meta import API_VERSION, GROUP, INFERENCE_IMAGE, KINDS, MODEL, WEBSERVICE, Kind
from fairlead.api.reasons import Reason
from fairlead.api.refs import Ref
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal

SPOKEN = {MODEL: "model", INFERENCE_IMAGE: "image", WEBSERVICE: "service"}
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Target:
    """One object of ours."""

    kind: Kind
    namespace: str
    name: str

    @property
    def ref(self) -> Ref:
        return Ref(API_VERSION, self.kind.plural, self.namespace, self.name)

    @property
    def words(self) -> str:
        """For messages."""
        return f"{self.kind.kind} '{self.name}' of namespace '{self.namespace}'"

    @property
    def spoken(self) -> str:
        """For another command."""
        return self.name if self.kind is WEBSERVICE else f"{self.kind.short}/{self.name}"


def kind_of(word: str) -> Kind | None:
    """`model`, `models`, `mdl`, `Model`, `models.fairlead.dev`; None where it is no kind."""
    plain = word.lower().removesuffix(f".{VERSION_AND_GROUP}").removesuffix(f".{GROUP}")
    return _WORDS.get(plain)


def kind(word: str) -> Kind:
    """Raises ``LocalError``."""
    found = kind_of(word)
    if found is None:
        raise _unknown(word)
    return found


def target(words: Sequence[str], namespace: str) -> Target:
    """`credit`, `wsvc/credit` or `wsvc credit`; a name alone means a Webservice.

    Raises ``LocalError``.
    """
    first, *more = words
    if "/" in first and not more:
        word, _, name = first.partition("/")
        return _named(kind(word), name, namespace)
    if len(more) == 1:
        return _named(kind(first), more[0], namespace)
    if more:
        message = f"One object is to be named, not {len(words)}."
        raise refusal(Reason.KIND_UNKNOWN, message, "Give NAME, KIND/NAME, or KIND NAME.")
    return _named(WEBSERVICE, first, namespace)


def _named(kind: Kind, name: str, namespace: str) -> Target:
    if not NAME.fullmatch(name):
        message = f"'{shown(name)}' cannot be the name of a {kind.kind}."
        remedy = "Names have lowercase letters, digits and dashes."
        raise refusal(Reason.NOT_FOUND, message, remedy)
    return Target(kind, namespace, name)


def _unknown(word: str) -> LocalError:
    return refusal(
        Reason.KIND_UNKNOWN,
        f"Fairlead has no kind '{shown(word)}'.",
        "It has models, images (InferenceImage) and services (Webservice). A service's name alone "
        "will do, too; others are KIND/NAME.",
    )


VERSION_AND_GROUP = API_VERSION.partition("/")[2] + "." + GROUP
_WORDS = {
    word: kind
    for kind in KINDS
    for word in (
        *(kind.kind.lower(), kind.plural, kind.short),
        *(SPOKEN[kind], f"{SPOKEN[kind]}s"),
    )
}
