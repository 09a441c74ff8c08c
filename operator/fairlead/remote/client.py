"""Requests to the API server. Each raises ``LocalError``, nothing else, and is made once."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import HTTPError

from fairlead.api.meta import GROUP
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.finding import shown
from fairlead.local.errors import refusal
from fairlead.remote.access import Access
from fairlead.remote.answers import (
    definitions_missing,
    names_object,
    refused,
    unreachable,
)
from fairlead.remote.targets import NAME, NAMESPACE

FIELD_MANAGER = "fairlead-cli"
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 30.0
PAGE_ITEMS = 500
CONNECTIONS = 16  # those of followed logs are held
MAX_ANSWER_BYTES = 64 * 1024**2
JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
_SEGMENT, _LABEL = NAME.pattern, NAMESPACE.pattern
_COLLECTION = rf"/(api/v1|apis/{_SEGMENT}/{_SEGMENT})(/namespaces/{_LABEL})?/{_SEGMENT}"
COLLECTION_PATH = re.compile(_COLLECTION)
OBJECT_PATH = re.compile(f"{_COLLECTION}/{_SEGMENT}")
Query = Mapping[str, str | int | None]


class Client:
    """One cluster, as one person."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._pool = _pool(access)

    # --- verbs

    def get(self, ref: Ref) -> Manifest | None:
        """The object; None where there is none of that name."""
        _check_object(ref)
        what = f"Reading {ref.plural} {ref.name}"
        status, body = self._answer("GET", ref.path)
        if status == HTTPStatus.NOT_FOUND and (names_object(body) or not _ours(ref.path)):
            return None
        return self._read(status, body, ref.path, what)

    def items(self, ref: Ref, **query: str) -> list[Manifest]:
        """All objects of a collection, page by page."""
        check_names(ref)
        found, token = list[Manifest](), ""
        while True:
            asked = {**query, "limit": PAGE_ITEMS, "continue": token or None}
            page = self.json("GET", ref.path, f"Listing {ref.plural}", query=asked)
            found += page.get("items") or []
            token = str((page.get("metadata") or {}).get("continue") or "")
            if not token:
                return found

    def table(self, ref: Ref, **query: str) -> Manifest:
        """A collection, or one object, as kubectl shows it: the server makes the cells."""
        check_names(ref)
        return self.json("GET", ref.path, f"Listing {ref.plural}", query=query, media=(TABLE, JSON))

    def apply(self, path: str, manifest: Manifest, what: str, **query: str) -> Manifest:
        """Server-side apply; fields that belong to others are a conflict unless it is forced."""
        _check_path(path, OBJECT_PATH)
        asked = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **query}
        return self.json("PATCH", path, what, body=manifest, media=(JSON, APPLY), query=asked)

    def merge(self, ref: Ref, patch: Manifest) -> Manifest:
        _check_object(ref)
        what = f"Changing {ref.plural} {ref.name}"
        asked = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return self.json("PATCH", ref.path, what, body=patch, media=(JSON, MERGE), query=asked)

    def create(self, path: str, manifest: Manifest, what: str) -> Manifest:
        _check_path(path, COLLECTION_PATH)
        return self.json("POST", path, what, body=manifest)

    def delete(self, ref: Ref) -> bool:
        """False where it was gone already."""
        _check_object(ref)
        body = {"propagationPolicy": "Background"}
        status, answer = self._answer("DELETE", ref.path, body=body)
        if status == HTTPStatus.NOT_FOUND and (names_object(answer) or not _ours(ref.path)):
            return False
        self._read(status, answer, ref.path, f"Deleting {ref.plural} {ref.name}")
        return True

    def json(
        self, method: str, path: str, what: str, *, query: Query | None = None, **more: Any
    ) -> Manifest:
        status, body = self._answer(method, path, query=query, **more)
        return self._read(status, body, path, what)

    @contextmanager
    def stream(
        self, path: str, what: str, query: Query | None = None, *, silence_s: float | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Bytes as they come; ``silence_s`` without any ends it."""
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=silence_s)
        with self._translated():
            answer = self._send("GET", path, query=query, media=("*/*", JSON), timeout=timeout)
            try:
                if answer.status != HTTPStatus.OK:
                    body = answer.read(MAX_ANSWER_BYTES)
                    raise refused(answer.status, body, what, self.access.source)
                yield answer.stream(8192, decode_content=True)
            finally:
                answer.close()

    # --- how

    def _answer(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
        with self._translated():
            answer = self._send(method, path, timeout=timeout, **more)
            try:
                return answer.status, answer.read(MAX_ANSWER_BYTES)
            finally:
                answer.drain_conn()
                answer.release_conn()

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Manifest | None = None,
        media: tuple[str, str] = (JSON, JSON),
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse:
        asked = {name: str(value) for name, value in (query or {}).items() if value is not None}
        mark = "&" if "?" in path else "?"
        shown, (accept, content_type) = self.access.authorization, media
        headers = {
            "Accept": accept,
            **({"Authorization": shown} if shown else {}),
            **({"Content-Type": content_type} if body is not None else {}),
        }
        return self._pool.request(
            method,
            self.access.server + path + (mark + urlencode(asked, quote_via=quote) if asked else ""),
            body=json.dumps(body).encode() if body is not None else None,
            headers=headers,
            preload_content=False,
            redirect=False,
            retries=False,
            timeout=timeout,
        )

    def _read(self, status: int, body: bytes, path: str, what: str) -> Manifest:
        if status == HTTPStatus.NOT_FOUND and _ours(path) and not names_object(body):
            raise definitions_missing(self.access.source)
        if status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
            raise refused(status, body, what, self.access.source)
        try:
            found = json.loads(body)
        except ValueError as error:
            why = "its answer is not the API's"
            raise unreachable(self.access.server, self.access.source, why) from error
        return found if isinstance(found, dict) else {}

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (HTTPError, OSError) as error:
            raise unreachable(self.access.server, self.access.source, why_of(error)) from error


def check_names(ref: Ref) -> None:
    """Names come from objects and files that others wrote: none of them is a path.

    Raises ``LocalError``.
    """
    if ref.namespace and not NAMESPACE.fullmatch(ref.namespace):
        message = f"'{shown(ref.namespace)}' cannot be the name of a namespace."
        raise refusal(Reason.INVALID_SPEC, message, "Correct the namespace.")
    if ref.name and not NAME.fullmatch(ref.name):
        message = f"'{shown(ref.name)}' cannot be the name of an object ({ref.plural})."
        raise refusal(Reason.INVALID_SPEC, message, "Correct what names it.")


def _check_object(ref: Ref) -> None:
    """One object is meant, never its whole collection. Raises ``LocalError``."""
    check_names(ref)
    if not ref.name:
        message = f"An object of {ref.plural} is to be named: its name is empty."
        raise refusal(Reason.INVALID_SPEC, message, "Give its name.")


def _check_path(path: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(path):
        message = f"'{shown(path)}' is no path of the API: a name or a namespace cannot be one."
        raise refusal(Reason.INVALID_SPEC, message, "Correct the name, or the namespace.")


def why_of(error: BaseException) -> str:
    """The innermost cause that says something."""
    inner = error.__cause__ or getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        return why_of(inner)
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)


def _ours(path: str) -> bool:
    return path.startswith(f"/apis/{GROUP}/")


def _pool(access: Access) -> urllib3.PoolManager:
    options: dict[str, Any] = {"maxsize": CONNECTIONS, "ssl_context": access.tls}
    if access.tls_server_name:
        options |= {"server_hostname": access.tls_server_name}
        options |= {"assert_hostname": access.tls_server_name}
    if access.proxy:
        return urllib3.ProxyManager(access.proxy, **options)
    return urllib3.PoolManager(**options)
