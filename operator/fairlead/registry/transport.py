"""One exchange with a registry: tokens for anonymous readers, quick retries, errors translated."""

import json
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.request import parse_http_list, parse_keqv_list

import httpx

from fairlead.registry.errors import RegistryFaultError, no_answer, refusal
from fairlead.registry.reference import Repository, endpoint, is_plain

MAX_REDIRECTS = 5
LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")  # never through a proxy
RETRY_DELAYS_S = (0.2, 0.5, 1.0)  # seconds before each quick retry
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 60.0
MAX_ANSWER_BYTES = (
    4 * 1024 * 1024
)  # bytes of an answer that is read into memory: a manifest's own limit
UNREACHABLE = (httpx.RequestError, httpx.InvalidURL)
RETRIED = frozenset({"GET", "HEAD", "DELETE"})


@dataclass(frozen=True)
class Call:
    """One request. ``what`` completes "could not"; ``expect`` are the answers to hand back."""

    method: str
    repository: Repository
    url: str
    """Absolute, or the part after ``/v2/<repository>/``."""
    what: str
    expect: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Iterable[bytes] | None = None
    read_timeout_s: float = READ_TIMEOUT_S
    """Seconds without a byte from the registry."""
    again: bool = False
    """Whether sending it twice does no harm, though its method is not one of ``RETRIED``."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL


class Transport:
    """Sends calls to any registry. Raises ``RegistryError``, nothing else."""

    def __init__(self, trust: ssl.SSLContext, insecure_hosts: Iterable[str]) -> None:
        self._insecure = frozenset(insecure_hosts)
        self._client = httpx.Client(
            verify=trust,
            timeout=READ_TIMEOUT_S,
            max_redirects=MAX_REDIRECTS,
            headers={"Accept-Encoding": "identity"},
            mounts=dict.fromkeys(LOOPBACK, None),
        )
        self._tokens: dict[tuple[str, str], str] = {}

    def close(self) -> None:
        self._client.close()

    def ask(self, call: Call) -> Answer:
        """Send a call and read the whole answer."""
        with self.open(call) as response:
            body = _read(call, response)
            return Answer(response.status_code, response.headers, body, response.url)

    @contextmanager
    def open(self, call: Call) -> Iterator[httpx.Response]:
        """Send a call; the caller reads the body, as long as it likes."""
        response = self._send_with_retries(call)
        try:
            if response.status_code not in call.expect:
                body = _read(call, response)
                raise refusal(call.repository, call.what, response.status_code, body)
            yield response
        except UNREACHABLE as error:
            raise no_answer(call.repository, error) from error
        finally:
            response.close()

    def _send_with_retries(self, call: Call) -> httpx.Response:
        pauses = RETRY_DELAYS_S if call.again or call.method in RETRIED else ()
        for pause in pauses:
            try:
                response = self._send_authorised(call)
            except UNREACHABLE:
                time.sleep(pause)
                continue
            if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return response
            response.close()
            time.sleep(pause)
        try:
            return self._send_authorised(call)
        except UNREACHABLE as error:
            raise no_answer(call.repository, error) from error

    def _send_authorised(self, call: Call) -> httpx.Response:
        """Send with the token we have; where the registry names an issuer, get one and send again.

        A streamed body cannot be sent twice: the call before it has brought the token.
        """
        response = self._send(call)
        challenge = response.headers.get("www-authenticate", "")
        streamed = call.content is not None and not isinstance(call.content, bytes)
        if response.status_code != HTTPStatus.UNAUTHORIZED or streamed:
            return response
        scheme, _, parameters = challenge.partition(" ")
        if scheme.lower() != "bearer":
            return response
        response.close()
        self._tokens[_scope(call)] = self._token(call, _challenge(call, parameters))
        return self._send(call)

    def _send(self, call: Call) -> httpx.Response:
        repository = call.repository
        base = f"{endpoint(repository.registry, self._insecure)}/v2/{repository.path}/"
        token = self._tokens.get(_scope(call))
        request = self._client.build_request(
            call.method,
            httpx.URL(base).join(call.url),
            headers={**call.headers, **({"Authorization": f"Bearer {token}"} if token else {})},
            content=call.content,
            timeout=httpx.Timeout(call.read_timeout_s, connect=CONNECT_TIMEOUT_S),
        )
        follow = call.method in ("GET", "HEAD")
        return self._client.send(request, stream=True, follow_redirects=follow)

    def _token(self, call: Call, challenge: Mapping[str, str]) -> str:
        """Get an anonymous token, as https://distribution.github.io/distribution/spec/auth/token."""
        realm, repository = challenge.get("realm", ""), call.repository
        if not realm.startswith("https://") and not is_plain(repository.registry, self._insecure):
            said = f"The registry {repository.registry} names a token issuer without TLS."
            raise RegistryFaultError(repository, said)
        fields = {name: challenge[name] for name in ("service", "scope") if name in challenge}
        url = httpx.URL(realm).copy_merge_params(fields)
        response = self._client.send(self._client.build_request("GET", url), stream=True)
        try:
            body = _read(call, response)
        finally:
            response.close()
        if response.status_code != HTTPStatus.OK:
            what = f"{call.what}, its token issuer says"
            raise refusal(repository, what, response.status_code, body)
        return _token_in(call, body)


def _challenge(call: Call, parameters: str) -> Mapping[str, str]:
    """The parameters of a ``WWW-Authenticate`` header (RFC 9110, section 11.6.1)."""
    try:
        return parse_keqv_list(parse_http_list(parameters))
    except (ValueError, IndexError) as error:
        said = f"The registry {call.repository.registry} asks for a token in an unknown way."
        raise RegistryFaultError(call.repository, said) from error


def _token_in(call: Call, body: bytes) -> str:
    try:
        document = json.loads(body)
        return str(document.get("token") or document["access_token"])
    except (ValueError, KeyError, AttributeError) as error:
        said = f"The token issuer of the registry {call.repository.registry} sends no token."
        raise RegistryFaultError(call.repository, said) from error


def _scope(call: Call) -> tuple[str, str]:
    return str(call.repository), "pull" if call.method in ("GET", "HEAD") else "push"


def _read(call: Call, response: httpx.Response) -> bytes:
    """Read the body, however it is cut, up to ``MAX_ANSWER_BYTES`` bytes."""
    body = bytearray()
    for chunk in response.iter_raw(64 * 1024):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            registry = call.repository.registry
            said = (
                f"The registry {registry} could not {call.what}: its answer is larger than 4 MiB."
            )
            raise RegistryFaultError(call.repository, said)
    return bytes(body)
