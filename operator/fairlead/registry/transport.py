"""One exchange with a registry: as who we are, with quick retries, errors translated."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlencode

import httpcore
import httpx

from fairlead.connection import trust
from fairlead.registry.addresses import DEFAULT_PORTS, AddressRefusedError, NamedHosts, shown
from fairlead.registry.authorization import REFUSED, Authorizer
from fairlead.registry.call import READING, Answer, Call
from fairlead.registry.connections import GuardedPool, TimeBudget
from fairlead.registry.errors import RegistryError, RegistryFaultError, RegistryRefusedError
from fairlead.registry.keychain import Keychain
from fairlead.registry.reference import Repository, endpoint
from fairlead.registry.refusals import Asked, no_answer, refusal
from fairlead.registry.token_request import TokenRequest
from fairlead.settings import Settings

MAX_REDIRECTS = 5
RETRY_DELAYS_S = (0.2, 0.5, 1.0)  # seconds before each quick retry
RETRY_WITHIN_S = 20.0  # seconds since the first try: who is silent for longer is not asked again
CONNECT_TIMEOUT_S = 5.0
ISSUER_TIMEOUT_S = 30.0  # seconds for the whole answer of an issuer of tokens
MAX_ANSWER_BYTES = 4 * 1024 * 1024  # of an answer that is read into memory: a manifest's own limit
MAX_LOCATION_CHARS = 300  # of where an answer leads, in a message
UNREACHABLE = (httpx.RequestError, httpx.InvalidURL)
RETRIED = READING | {"DELETE"}


class Transport:
    """Sends calls to any registry. Raises ``RegistryError``, nothing else.

    ``inner`` stands in for the network in tests, ``keychain`` for what this process was given.
    """

    def __init__(
        self,
        settings: Settings,
        inner: httpx.BaseTransport | None = None,
        keychain: Keychain | None = None,
    ) -> None:
        self._insecure = frozenset(settings.insecure_hosts)
        pool = GuardedPool(partial(trust, settings.ca_bundle), NamedHosts.of(settings))
        self._budget: TimeBudget = pool.budget
        self._client = httpx.Client(
            transport=inner or _Pooled(pool),
            max_redirects=MAX_REDIRECTS,
            headers={"Accept-Encoding": "identity"},
        )
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._keychain = keychain or Keychain.of(settings)
        self._authorizer = Authorizer(self._keychain, self._fetch, self._origin)
        self._secured: dict[str, httpx.URL] = {}

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
                raise self._refusal(call, response)
            yield response
        except UNREACHABLE as error:
            raise no_answer(call.repository, error) from error
        finally:
            response.close()

    def _refusal(self, call: Call, response: httpx.Response) -> RegistryError:
        asked = Asked(self._authorizer.session(call).asked, self._keychain.looked)
        leads = response.headers.get("location", "") if response.is_redirect else ""
        body, status = _read(call, response), response.status_code
        return refusal(call, status, body, asked, leads=leads[:MAX_LOCATION_CHARS])

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
        """Send as who we are so far; where that is refused, as what the registry asks for.

        A streamed body cannot be sent twice: the call before it has brought the token. Where a
        redirect or the address of an upload leads, nobody names an issuer of tokens: what is sent
        to that would be the registry's credentials.
        """
        session, tried = self._authorizer.ready(call), set[int]()
        while True:
            response = self._send(call, session.header, grows=grows)
            asks = same_origin(response.request.url, self._origin(call))
            if response.status_code not in REFUSED or call.streamed or not asks:
                return response
            try:
                if not self._authorizer.improve(call, session, response, tried):
                    return response
            except (RegistryError, *UNREACHABLE):
                response.close()
                raise
            response.close()

    def _send(self, call: Call, authorization: str | None, *, grows: bool) -> httpx.Response:
        """Send once; a registry that leads to itself with TLS is asked there from now on."""
        response = self._sent_once(call, authorization, grows=grows)
        if self._secures(call, response):
            response.close()
            response = self._sent_once(call, authorization, grows=grows)
        following = response.next_request
        if following is None or call.writes:
            return response
        response.close()
        return self._exchange(call, following, follow=True)

    def _sent_once(self, call: Call, authorization: str | None, *, grows: bool) -> httpx.Response:
        base = self._origin(call).join(f"/v2/{call.repository.path}/")
        url = base.join(call.url)
        ours = authorization if same_origin(url, base) else None
        headers = {**call.headers, **({"Authorization": ours} if ours else {})}
        request = self._request(call, call.method, url, headers, call.content)
        self._budget.begin(call.timeout_s, grows=grows)
        return self._exchange(call, request, follow=False)

    def _secures(self, call: Call, response: httpx.Response) -> bool:
        following, asked = response.next_request, response.request.url
        registry = call.repository.registry
        if following is None or call.streamed or registry in self._secured:
            return False
        there = following.url
        if (asked.scheme, there.scheme) != ("http", "https") or asked.host != there.host:
            return False
        if asked.path != there.path:
            return False
        self._secured[registry] = there.copy_with(raw_path=b"/", fragment=None)
        return True

    def _origin(self, call: Call) -> httpx.URL:
        """Where the API of the call's registry is."""
        registry = call.repository.registry
        return self._secured.get(registry) or httpx.URL(f"{endpoint(registry, self._insecure)}/")

    def _fetch(self, call: Call, asked: TokenRequest) -> bytes:
        """Ask an issuer of tokens on behalf of a call. Raises ``RegistryError``."""
        method, content, headers = "GET", None, dict[str, str]()
        if asked.form is not None:
            method, content = "POST", urlencode(asked.form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if asked.authorization:
            headers["Authorization"] = asked.authorization
        request = self._request(call, method, asked.url, headers, content)
        self._budget.begin(ISSUER_TIMEOUT_S)
        response = self._exchange(call, request, follow=False)
        try:
            body = _read(call, response)
        finally:
            response.close()
        if response.status_code == HTTPStatus.OK:
            return body
        given = Asked(asked.words, self._keychain.looked)
        raise refusal(call, response.status_code, body, given, whose=asked.who)

    def _request(
        self,
        call: Call,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        content: bytes | Iterable[bytes] | None,
    ) -> httpx.Request:
        timeout = httpx.Timeout(call.timeout_s, connect=CONNECT_TIMEOUT_S)
        return self._client.build_request(
            method, url, headers=headers, content=content, timeout=timeout
        )

    def _exchange(self, call: Call, request: httpx.Request, *, follow: bool) -> httpx.Response:
        try:
            return self._client.send(request, stream=True, follow_redirects=follow)
        except AddressRefusedError as error:
            raise self._refused(call, request.url, error) from error

    def _refused(
        self, call: Call, asked: httpx.URL, error: AddressRefusedError
    ) -> RegistryRefusedError:
        base, registry = self._origin(call), call.repository.registry
        port = base.port or DEFAULT_PORTS[base.scheme]
        own = same_origin(asked, base) and error.host == shown(base.host, port)
        where = "" if own else f" leads to {error.host}, which"
        said = f"The registry {registry}{where} {error}."
        return RegistryRefusedError(call.repository, said, error.remedy, lasting=error.lasting)


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
