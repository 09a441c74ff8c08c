"""Which objects refer to which: whoever refers to an object that changed is reconciled again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fairlead.api.meta import CONFIG_MAP, INFERENCE_IMAGE, MODEL, WEBSERVICE, Kind


@dataclass(frozen=True)
class Key:
    """One object: of ours, or one that an object of ours refers to."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.kind.lower()} {self.namespace}/{self.name}"


class References:
    """Referrers by what they refer to."""

    def __init__(self) -> None:
        self._referrers: defaultdict[Key, set[Key]] = defaultdict(set)
        self._references: dict[Key, frozenset[Key]] = {}

    def referrers(self, key: Key) -> tuple[Key, ...]:
        """The objects that refer to ``key``."""
        return tuple(self._referrers.get(key, ()))

    def put(self, key: Key, references: Iterable[Key]) -> None:
        """Note that ``key`` refers to these, and to no others any more."""
        for old in self._references.pop(key, frozenset()):
            self._referrers[old].discard(key)
            if not self._referrers[old]:
                del self._referrers[old]
        if wanted := frozenset(references):
            self._references[key] = wanted
            for new in wanted:
                self._referrers[new].add(key)


def references_of(key: Key, spec: object) -> list[Key]:
    """The objects that a spec refers to; total: a spec of any shape gives a list."""
    if not isinstance(spec, Mapping):
        return []
    found = list[tuple[Kind, object]]()
    if key.kind is WEBSERVICE:
        found.append((INFERENCE_IMAGE, spec.get("imageRef")))
    else:
        source = spec.get("source")
        if isinstance(source, Mapping):
            found.append((CONFIG_MAP, source.get("configMap")))
    if key.kind is INFERENCE_IMAGE:
        models = spec.get("models")
        found += [(MODEL, model) for model in models] if isinstance(models, list) else []
    return [Key(kind, key.namespace, name) for kind, ref in found if (name := _name(ref))]


def _name(reference: object) -> str:
    name = reference.get("name") if isinstance(reference, Mapping) else None
    return name if isinstance(name, str) else ""
