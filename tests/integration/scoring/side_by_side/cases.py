"""What both servers are asked, script by script."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

LONG = "r" * 101  # an id of a character too many
HOST = "model.example:5001"
TEXT = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=XX"}
MULTIPART = (
    b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\n'
    b"Content-Type: image/png\r\n\r\n\x00\xff\r\n--XX--\r\n"
)


@dataclass(frozen=True)
class Case:
    """A request; ``headers`` may be pairs, where one name comes twice."""

    name: str
    method: str = "POST"
    target: str = "/score"
    body: bytes = b""
    headers: Any = field(default_factory=dict)
    version: str = "1.1"

    @property
    def bytes(self) -> bytes:
        pairs = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        lines = [f"{self.method} {self.target} HTTP/{self.version}", f"Host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in pairs]
        if self.body and not any(name.lower() == "transfer-encoding" for name, _ in pairs):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


@dataclass(frozen=True)
class Group:
    """One start of both servers: a script, more files, an environment, and what is asked then.

    ``bare``: our server is also asked where neither flask nor any package of Microsoft's is.
    """

    script: str
    cases: tuple[Case, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    bare: bool = True


def text(body: str, **more: Any) -> Case:
    return Case(f"text {body!r}", body=body.encode(), **{"headers": TEXT, **more})


def answer(name: str, body: bytes = b"x", **more: Any) -> Case:
    """Ask the raw script for its answer of this name."""
    sent = {"headers": TEXT, **more}
    how = "" if sent == {"headers": TEXT} and body == b"x" else f", sent {body[:20]!r} {more}"
    return Case(f"{name}{how}", target=f"/score?answer={quote(name)}", body=body, **sent)


def given(name: str, value: Any, **more: Any) -> Case:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Case(name, body=body, **{"headers": JSON, **more})


def get(target: str, **more: Any) -> Case:
    return Case(f"GET {target}", method="GET", target=target, **more)
