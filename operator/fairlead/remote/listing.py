"""`fairlead get`: what there is, in the columns that kubectl shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.api.meta import API_VERSION, GROUP, KINDS, Kind
from fairlead.api.refs import Manifest, Ref
from fairlead.redact import printable
from fairlead.remote.answers import not_found
from fairlead.remote.client import Client
from fairlead.remote.state import mapping, mappings

MAX_CELL_CHARS = 400


def listed(client: Client, kind: Kind, namespace: str, selector: str | None) -> list[Manifest]:
    """Objects as a machine reads them."""
    query = {"labelSelector": selector} if selector else {}
    head = {"apiVersion": API_VERSION, "kind": kind.kind}
    ref = Ref(API_VERSION, kind.plural, namespace)
    return [cleaned({**head, **one}) for one in client.items(ref, **query)]


def named(client: Client, kind: Kind, namespace: str, names: Sequence[str]) -> list[Manifest]:
    """Raises ``LocalError`` where one is not there."""
    found = list[Manifest]()
    for name in names:
        one = client.get(Ref(API_VERSION, kind.plural, namespace, name))
        if one is None:
            raise not_found(f"{kind.kind} '{name}' of namespace '{namespace}'")
        found.append(cleaned(one))
    return found


def cleaned(manifest: Manifest) -> Manifest:
    """Without what only the API server needs."""
    metadata = {k: v for k, v in mapping(manifest.get("metadata")).items() if k != "managedFields"}
    return {**manifest, "metadata": metadata}


def as_list(objects: Sequence[Manifest]) -> Manifest:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def full_name(kind: str, name: str) -> str:
    """As kubectl's `--output name` has it."""
    return f"{kind.lower()}.{GROUP}/{name}"


def name_of(manifest: Manifest) -> str:
    return full_name(str(manifest.get("kind")), str(mapping(manifest.get("metadata")).get("name")))


def kind_in(word: str) -> Kind | None:
    return next((kind for kind in KINDS if kind.kind == word), None)


Table = tuple[list[str], list[list[str]]]


def cells_of(
    table: Mapping[str, Any], names: Sequence[str], *, wide: bool, namespaces: bool
) -> Table:
    """Head and rows of a server's table; with ``names``, of these alone."""
    columns = mappings(table.get("columnDefinitions"))
    shown = [at for at, one in enumerate(columns) if wide or not one.get("priority")]
    head = [printable(str(columns[at].get("name"))).upper() for at in shown]
    rows = list[list[str]]()
    for row in mappings(table.get("rows")):
        metadata = mapping(mapping(row.get("object")).get("metadata"))
        if names and metadata.get("name") not in names:
            continue
        content = row.get("cells")
        cells = content if isinstance(content, list) else []
        texts = [_cell(cells[at]) if at < len(cells) else "" for at in shown]
        rows.append([_cell(metadata.get("namespace")), *texts] if namespaces else texts)
    return (["NAMESPACE", *head] if namespaces else head), rows


def _cell(content: object) -> str:
    text = " ".join(printable("" if content is None else str(content)).split())
    return text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}…"
