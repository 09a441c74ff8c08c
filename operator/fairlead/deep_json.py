"""JSON as the API server sends it, however deep.

Whoever may write one object can nest its ``metadata.managedFields`` to ten thousand levels, which
the API server keeps; Python's parser ends at a thousand with a RecursionError. In the answer to a
list that would hide all other objects, too. So what lies too deep is cut out.
"""

import json
import re
from typing import Any

MAX_LEVELS = 100  # of an object that is read whole where one is deeper; real ones have about 20
TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
OPENING, CLOSING = b"[{", b"]}"


def read_json(content: bytes) -> Any:
    """Return the document; containers below ``MAX_LEVELS`` are empty where it is too deep.

    Raises ``ValueError`` where it is no JSON.
    """
    try:
        return json.loads(content)
    except RecursionError:
        return json.loads(without_depth(content))


def without_depth(content: bytes) -> bytes:
    """The same document with every container below ``MAX_LEVELS`` emptied; linear."""
    kept, start, level = list[bytes](), 0, 0
    for token in TOKENS.finditer(content):
        sign = content[token.start() : token.start() + 1]
        if sign in OPENING:
            level += 1
            if level == MAX_LEVELS + 1:
                kept.append(content[start : token.end()])
        elif sign in CLOSING:
            if level == MAX_LEVELS + 1:
                start = token.start()
            level -= 1
    return b"".join((*kept, content[start:]))
