"""Cross-origin headers as the reference server gives them where flask-cors is installed."""

import re
from collections.abc import Mapping

from fairlead_scoring.front.http.messages import Header

METHODS = ("GET", "POST")
IN_PATTERNS = set("*\\]?$^[]()")  # an origin that has one of these is a regular expression


class Cors:
    """``origins`` as in ``AML_CORS_ORIGINS``: separated by commas, ``*`` for all of them.

    Raise ``ValueError`` if one is a regular expression that cannot be read.
    """

    def __init__(self, origins: str) -> None:
        named = [origin.strip() for origin in origins.split(",")]
        self._any = "*" in named
        self._names = sorted(name for name in named if IN_PATTERNS.isdisjoint(name))
        self._patterns = [_compiled(name) for name in named if not IN_PATTERNS.isdisjoint(name)]

    def headers(self, method: str, request: Mapping[str, str]) -> tuple[Header, ...]:
        """Return what the answer to a request with these (lower-case) headers is to carry."""
        allowed = self._allowed(request.get("origin", ""))
        if not allowed:
            return ()
        headers = [("Access-Control-Allow-Origin", allowed)]
        if method == "OPTIONS":
            headers += _preflight(request)
        if allowed != "*" and (self._patterns or len(self._names) > 1):
            headers.append(("Vary", "Origin"))
        return tuple(headers)

    def _allowed(self, origin: str) -> str:
        """Return the value of ``Access-Control-Allow-Origin``, empty where there is none."""
        if not origin:
            return "*" if self._any else next(iter(self._names), "")
        named = origin.lower() in (name.lower() for name in self._names)
        return origin if named or any(one.match(origin) for one in self._patterns) else ""


def _compiled(origin: str) -> re.Pattern[str]:
    try:
        return re.compile(".*" if origin == "*" else origin, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{origin!r} is no regular expression: {error}") from error


def _preflight(request: Mapping[str, str]) -> list[Header]:
    if request.get("access-control-request-method", "").upper() not in METHODS:
        return []
    asked = [name.strip() for name in request.get("access-control-request-headers", "").split(",")]
    allowed = ", ".join(sorted(filter(None, asked)))
    headers = [("Access-Control-Allow-Methods", ", ".join(METHODS))]
    return [("Access-Control-Allow-Headers", allowed), *headers] if allowed else headers
