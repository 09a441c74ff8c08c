"""One exchange with a registry: tokens for anonymous readers, quick retries, errors translated."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from urllib.request import parse_http_list

import httpcore
import httpx
from pydantic import BaseModel, ValidationError

from fairlead.connection import trust
from fairlead.registry.addresses import DEFAULT_PORTS, AddressRefusedError, NamedHosts, shown
from fairlead.registry.connections import GuardedPool, TimeBudget
from fairlead.registry.errors import (
    RegistryFaultError,
    RegistryRefusedError,
    no_answer,
    refusal,
)
from fairlead.registry.reference import Repository, endpoint
from fairlead.settings import Settings

MAX_REDIRECTS = 5
RETRY_DELAYS_S = (0.2, 0.5, 1.0)  # seconds before each quick retry
RETRY_WITHIN_S = 20.0  # seconds since the first try: who is silent for longer is not asked again
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0  # seconds for a whole answer, and without a byte of a longer one
MAX_ANSWER_BYTES = 4 * 1024 * 1024  # of an answer that is read into memory: a manifest's own limit
UNREACHABLE = (httpx.RequestError, httpx.InvalidURL)
RETRIED = frozenset({"GET", "HEAD", "DELETE"})
_BEARER = re.compile(r"(?:^|,)\s*bearer\s", re.IGNORECASE)
_TOKEN = re.compile(r"[!-~]{1,16384}")


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
    timeout_s: float = field(default_factory=lambda: ANSWER_TIMEOUT_S)
    """Seconds for the whole answer; of a transfer, to begin with."""
    again: bool = False
    """Whether sending it twice does no harm, though its method is not one of ``RETRIED``."""

    @property
    def streamed(self) -> bool:
        return self.content is not None and not isinstance(self.content, bytes)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL


class TokenAnswer(BaseModel):
    token: str | None = None
    access_token: str | None = None


class Transport:
    """Sends calls to any registry. Raises ``RegistryError``, nothing else.

    ``inner`` stands in for the network in tests.
    """

    def __init__(self, settings: Settings, inner: httpx.BaseTransport | None = None) -> None:
        self._insecure = frozenset(settings.insecure_hosts)
        pool = GuardedPool(trust(settings.ca_bundle), NamedHosts.of(settings))
        self._budget: TimeBudget = pool.budget
        self._client = httpx.Client(
            transport=inner or _Pooled(pool),
            max_redirects=MAX_REDIRECTS,
            headers={"Accept-Encoding": "identity"},
        )
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._tokens: dict[tuple[str, str], str] = {}

    def close(self) -> None:
        self._client.close()

    def ask(self, call: Call) -> Answer:
        """Send a call and read the whole answer."""
        with self._answered(call, grows=call.streamed) as response:
            body = _read(call, response)
            return Answer(response.status_code, response.headers, body, response.url)

    @contextmanager
    def open(self, call: Call) -> Iterator[httpx.Response]:
        """Send a call; the caller reads the body, which may be of any size but must not stand
        still."""
        with self._answered(call, grows=True) as response:
            yield response

    @contextmanager
    def _answered(self, call: Call, *, grows: bool) -> Iterator[httpx.Response]:
        response = self._send_with_retries(call, grows=grows)
        try:
            if response.status_code not in call.expect:
                body = _read(call, response)
                raise refusal(call.repository, call.what, response.status_code, body)
            yield response
        except UNREACHABLE as error:
            raise no_answer(call.repository, error) from error
        finally:
            response.close()

    def _send_with_retries(self, call: Call, *, grows: bool) -> httpx.Response:
        pauses = _Pauses(call)
        while True:
            try:
                response = self._send_authorised(call, grows=grows)
            except UNREACHABLE as error:
                if not pauses.left:
                    raise no_answer(call.repository, error) from error
            else:
                if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR or not pauses.left:
                    return response
                response.close()
            pauses.take()

    def _send_authorised(self, call: Call, *, grows: bool) -> httpx.Response:
        """Send with the token we have; where the registry names an issuer, get one and send again.

        A streamed body cannot be sent twice: the call before it has brought the token.
        """
        response = self._send(call, grows=grows)
        if response.status_code != HTTPStatus.UNAUTHORIZED or call.streamed:
            return response
        challenge = _challenge(response)
        if challenge is None:
            return response
        response.close()
        self._tokens[_scope(call)] = self._token(call, challenge)
        return self._send(call, grows=grows)

    def _send(self, call: Call, *, grows: bool) -> httpx.Response:
        repository = call.repository
        base = httpx.URL(f"{endpoint(repository.registry, self._insecure)}/v2/{repository.path}/")
        url = base.join(call.url)
        token = self._tokens.get(_scope(call)) if same_origin(url, base) else None
        headers = {**call.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        request = self._request(call, call.method, url, headers=headers, content=call.content)
        return self._exchange(call, request, follow=call.method in ("GET", "HEAD"), grows=grows)

    def _token(self, call: Call, challenge: Mapping[str, str]) -> str:
        """Get an anonymous token, as https://distribution.github.io/distribution/spec/auth/token."""
        fields = {name: challenge[name] for name in ("service", "scope") if name in challenge}
        try:
            url = httpx.URL(challenge.get("realm", "")).copy_merge_params(fields)
        except httpx.InvalidURL as error:
            said = f"The registry {call.repository.registry} asks for a token in an unknown way."
            raise RegistryFaultError(call.repository, said) from error
        response = self._exchange(call, self._request(call, "GET", url), follow=False, grows=False)
        try:
            body = _read(call, response)
        finally:
            response.close()
        if response.status_code != HTTPStatus.OK:
            what = f"{call.what}, its token issuer says"
            raise refusal(call.repository, what, response.status_code, body)
        return _token_in(call, body)

    def _request(
        self,
        call: Call,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
    ) -> httpx.Request:
        timeout = httpx.Timeout(call.timeout_s, connect=CONNECT_TIMEOUT_S)
        return self._client.build_request(
            method, url, headers=headers, content=content, timeout=timeout
        )

    def _exchange(
        self, call: Call, request: httpx.Request, *, follow: bool, grows: bool
    ) -> httpx.Response:
        self._budget.begin(call.timeout_s, grows=grows)
        try:
            return self._client.send(request, stream=True, follow_redirects=follow)
        except AddressRefusedError as error:
            raise self._refused(call.repository, request.url, error) from error

    def _refused(
        self, repository: Repository, asked: httpx.URL, error: AddressRefusedError
    ) -> RegistryRefusedError:
        base = httpx.URL(endpoint(repository.registry, self._insecure))
        port = base.port or DEFAULT_PORTS[base.scheme]
        own = same_origin(asked, base) and error.host == shown(base.host, port)
        where = "" if own else f" leads to {error.host}, which"
        said = f"The registry {repository.registry}{where} {error}."
        return RegistryRefusedError(repository, said, error.remedy, lasting=error.lasting)


class _Pooled(httpx.HTTPTransport):
    """httpx's own transport, over a pool of ours."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool


class _Pauses:
    """The quick retries that a call may still have."""

    def __init__(self, call: Call) -> None:
        self._pauses = list(RETRY_DELAYS_S if call.again or call.method in RETRIED else ())
        self._begun = time.monotonic()

    @property
    def left(self) -> bool:
        return bool(self._pauses) and time.monotonic() - self._begun < RETRY_WITHIN_S

    def take(self) -> None:
        time.sleep(self._pauses.pop(0))


def leads_to(repository: Repository, answer: Answer, location: str) -> httpx.URL:
    """Where an answer leads: absolute, or relative to what was asked. Raises ``RegistryError``."""
    try:
        return answer.url.join(location)
    except httpx.InvalidURL as error:
        said = f"The registry {repository.registry} leads to what is no address ({error})."
        raise RegistryFaultError(repository, said) from error


def same_origin(url: httpx.URL, other: httpx.URL) -> bool:
    return (url.scheme, url.host, url.port) == (other.scheme, other.host, other.port)


def _challenge(response: httpx.Response) -> dict[str, str] | None:
    """The parameters of the Bearer challenge (RFC 9110, section 11.6.1), which need not be the
    first; None where there is none."""
    said = response.headers.get("www-authenticate", "")
    bearer = _BEARER.search(said)
    if bearer is None:
        return None
    pairs = (part.partition("=") for part in parse_http_list(said[bearer.end() :]))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _token_in(call: Call, body: bytes) -> str:
    try:
        answer = TokenAnswer.model_validate_json(body)
        token = answer.token or answer.access_token or ""
    except ValidationError:
        token = ""
    if not _TOKEN.fullmatch(token):
        said = f"The token issuer of the registry {call.repository.registry} sends no token."
        raise RegistryFaultError(call.repository, said)
    return token


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
