"""``/swagger.json``: which of the documents that the slot has made is asked for."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from fairlead_scoring.front.http.messages import Response, document, problem
from fairlead_scoring.slot.words import INTERNAL

ALIASES = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
DEFAULT = "2"


def swagger(query: str, documents: Mapping[str, str | bool | None]) -> Response:
    """``documents`` are by version; None is for one that the script's types do not allow, False
    for one that the script's author wrote and that is no JSON."""
    version = parse_qs(query, keep_blank_values=True).get("version", [DEFAULT])[0]
    made = sorted(name for name, text in documents.items() if text is not None)
    name = ALIASES.get(version)
    if name is None:
        supported = f"Supported versions: [{', '.join(made)}]."
        return problem(404, f"Swagger version [{version}] is not valid. {supported}")
    found = documents.get(name)
    if found is None:
        return problem(
            404,
            f"Swagger version [{version}] is not supported for the scoring script. Supported "
            f"swagger versions: [{', '.join(made)}].",
        )
    return document(found.encode()) if isinstance(found, str) else problem(500, INTERNAL)
