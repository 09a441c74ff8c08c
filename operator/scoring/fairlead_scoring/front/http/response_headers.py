"""What every answer of a route carries: the request's ids, our version, CORS."""

from collections.abc import Mapping

from fairlead_scoring import __version__
from fairlead_scoring.front.config.values import AllowedOrigins
from fairlead_scoring.front.http.ids import RequestIds
from fairlead_scoring.front.http.messages import Header, Request, Response

VERSION_HEADER = ("x-ms-server-version", f"fairlead-scoring/{__version__}")
CORS_METHODS = ("GET", "POST")


class ResponseHeaders:
    """``cors_origins`` is None where no answer carries CORS headers."""

    def __init__(self, *, send_version: bool, cors_origins: AllowedOrigins | None) -> None:
        self._send_version = send_version
        self._cors_origins = cors_origins

    def add(self, request: Request, ids: RequestIds, response: Response) -> Response:
        """Return the response with these headers added; a script cannot choose the ids itself."""
        headers = response.headers
        if len(headers) > 1:
            names = ids.names
            headers[:] = [one for one in headers if one[0].lower() not in names]
        headers.extend(ids.headers)
        if self._send_version:
            headers.append(VERSION_HEADER)
        if "traceid" in request.headers:
            headers.append(("TraceId", request.headers["traceid"]))
        if self._cors_origins:
            headers.extend(cors_headers(self._cors_origins, request.method, request.headers))
        return response


def cors_headers(
    origins: AllowedOrigins, method: str, request: Mapping[str, str]
) -> tuple[Header, ...]:
    """Return the CORS headers that the reference server sends where flask-cors is installed.

    ``request`` are the request's headers, names in lower case.
    """
    allowed = origins.allowed(request.get("origin", ""))
    if not allowed:
        return ()
    headers = [("Access-Control-Allow-Origin", allowed)]
    if method == "OPTIONS":
        headers += _preflight(request)
    if allowed != "*" and origins.several:
        headers.append(("Vary", "Origin"))
    return tuple(headers)


def _preflight(request: Mapping[str, str]) -> list[Header]:
    if request.get("access-control-request-method", "").upper() not in CORS_METHODS:
        return []
    names = [name.strip() for name in request.get("access-control-request-headers", "").split(",")]
    allowed = ", ".join(sorted(filter(None, names)))
    headers = [("Access-Control-Allow-Methods", ", ".join(CORS_METHODS))]
    return [("Access-Control-Allow-Headers", allowed), *headers] if allowed else headers
