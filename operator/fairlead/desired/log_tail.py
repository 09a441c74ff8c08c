"""The end of a log that lies in a registry which the operator does not ask: a ConfigMap of the
InferenceImage, written once."""

from collections.abc import Iterable

from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, LOG_LABEL
from fairlead.api.refs import Manifest
from fairlead.log_address import LogName

MAX_TAIL_BYTES = 256 * 1024  # of a ConfigMap's 1 MiB
TAIL_KEY = "log"
CUT = "[what was printed before is not kept]\n"


def tail_name(name: LogName) -> str:
    """The name of the ConfigMap; one that somebody else made under it has not its label."""
    return f"fairlead-log-{name.owner}-{name.build}"


def log_tail_map(name: LogName, owners: Iterable[Manifest], text: str) -> Manifest:
    """The ConfigMap with the end of ``text``, which is redacted; it goes with ``owners``.

    Of these only InferenceImages count, and of each what a reference needs.
    """
    fields = ("apiVersion", "kind", "name", "uid")
    references = [
        {field: owner[field] for field in fields}
        for owner in owners
        if (owner.get("apiVersion"), owner.get("kind")) == (API_VERSION, INFERENCE_IMAGE.kind)
        and all(isinstance(owner.get(field), str) for field in fields)
    ]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": tail_name(name),
            "namespace": name.namespace,
            "labels": {
                "app.kubernetes.io/name": "log",
                "app.kubernetes.io/part-of": "fairlead",
                LOG_LABEL: name.label,
            },
            "ownerReferences": references,
        },
        "immutable": True,
        "data": {TAIL_KEY: end_of(text)},
    }


def read_tail(name: LogName, config_map: Manifest) -> str:
    """The log in a ConfigMap; empty where it is not one of that log."""
    labels, data = config_map["metadata"].get("labels") or {}, config_map.get("data") or {}
    text = data.get(TAIL_KEY, "") if labels.get(LOG_LABEL) == name.label else ""
    return text if isinstance(text, str) else ""


def end_of(text: str) -> str:
    """The end of a log within ``MAX_TAIL_BYTES`` of UTF-8, from the beginning of a line."""
    content = text.encode(errors="replace")
    if len(content) <= MAX_TAIL_BYTES:
        return content.decode()
    cut = content[-(MAX_TAIL_BYTES - len(CUT)) :].decode(errors="ignore")
    return CUT + (cut.partition("\n")[2] or cut)
