"""The one way to write a document, so that the same content always gives the same bytes."""

import json


def canonical_json(value: object) -> bytes:
    """Return ``value`` as JSON with sorted keys, without spaces, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()
