"""A request as the front sends it, and its form in the reference server's framework."""

import io
import sys
from typing import Any, Dict, List
from urllib.parse import unquote_to_bytes

from .wire import FrameHead

SERVER_SOFTWARE = "fairlead-scoring"
OPTIONAL_WHITESPACE = " \t"


class RefusedError(Exception):
    """The request cannot be passed to ``run()``; the message is for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request:
    """``body`` is whole; names of headers are lower-case, in the order they came in."""

    __slots__ = ("_head", "body", "id", "method", "query")

    def __init__(self, head: FrameHead, body: bytes) -> None:
        self._head = head
        self.body = body
        self.id: str = head["id"]
        self.method: str = head["method"]
        self.query: str = head["query"]

    @property
    def content_type(self) -> str:
        found = ""
        for name, value in self._head["headers"]:
            if name == "content-type":
                found = value
        return found.strip(OPTIONAL_WHITESPACE)

    def headers(self) -> Dict[str, str]:
        """What ``run()`` gets as ``request_headers``: ``X-Ms-Request-Id``, in order."""
        variables = _variables(self._head["headers"])
        return {
            (key.partition("HTTP_")[2] or key).replace("_", "-").title(): value
            for key, value in variables.items()
            if value or key.startswith("HTTP_")
        }

    def environ(self) -> Dict[str, Any]:
        """Return the request as WSGI's variables (PEP 3333)."""
        path = self._head["path"]
        variables = _variables(self._head["headers"])
        host, _, port = variables.get("HTTP_HOST", "").partition(":")
        client = self._head["client"] or ("", "")
        return {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": self.query,
            "RAW_URI": f"{path}?{self.query}" if self.query else path,
            "SERVER_PROTOCOL": f"HTTP/{self._head['version']}",
            "SERVER_SOFTWARE": SERVER_SOFTWARE,
            "SERVER_NAME": host,
            "SERVER_PORT": port or "80",
            "REMOTE_ADDR": client[0],
            "REMOTE_PORT": str(client[1]),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self._head["scheme"],
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **variables,
        }


def _variables(pairs: List[List[str]]) -> Dict[str, str]:
    """CGI's variables for the headers: repeated ones joined, those with an underscore dropped.

    (``X_Key`` and ``X-Key`` would become one; so gunicorn drops the former.)
    """
    found: Dict[str, str] = {}
    for name, padded in pairs:
        value = padded.strip(OPTIONAL_WHITESPACE)
        if name in ("content-type", "content-length"):
            found[name.upper().replace("-", "_")] = value
        elif "_" not in name:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            found[key] = f"{found[key]},{value}" if key in found else value
    return found
