"""One exchange after another with a web server, for every kind of source: each hop of the way is
checked before a byte is sent, each answer is bounded, and what was cut off goes on where it ended.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Self
from urllib.parse import urlencode

import httpcore

from fairlead.connection import why
from fairlead.registry.addresses import AddressRefusedError, NamedHosts
from fairlead.registry.connections import GuardedPool, Trust
from fairlead.sources.addresses import checked, next_hop, not_reached, origin, refused, shown
from fairlead.sources.answers import (
    BY_ADDRESS,
    MAX_ANSWER_BYTES,
    Remedies,
    changed,
    is_transient,
    not_a_file,
    unreachable,
)
from fairlead.sources.base import Limits, SourceError

MAX_REDIRECTS = 5
REDIRECT_STATUSES = {301, 302, 303, 307, 308}
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0  # seconds without a byte, and with hardly any
RETRY_DELAYS_S = (0.2, 1.0, 3.0)  # seconds before each retry that nothing has come since
MAX_DIGITS = 19  # of a number of bytes
MAX_RESUMES = 100  # of one file, however much comes in between
MAX_LISTING_BYTES = 8 * 1024 * 1024  # of one page of a listing
HEADERS: Mapping[str, str] = {
    "User-Agent": "fairlead",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}
BROKEN = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
Authorize = Callable[[str, str, Mapping[str, str]], Mapping[str, str]]
"""The headers that let one in, for a method, an address and the other headers; asked anew for each
request."""


def unexplained(*_: object) -> None:
    return None


def anonymous(*_: object) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Asked:
    """One request: ``what`` is how people know what is at ``url``.

    ``authorize`` is asked for the origin of ``url`` alone, never for where that leads. ``tag`` is
    the entity tag that the content must have; empty for any. ``pinned``: there is one content only
    that ``url`` ever stands for. ``explain`` tells what an answer that is not the wanted one means
    to this kind of source, from its beginning; None where it means what it means everywhere.
    """

    what: str
    url: str
    authorize: Authorize = anonymous
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    remedies: Remedies = BY_ADDRESS
    tag: str = ""
    pinned: bool = False
    explain: Callable[["Answer", bytes], SourceError | None] = unexplained


def posted_form(
    what: str, url: str, form: Mapping[str, str], remedies: Remedies = BY_ADDRESS
) -> Asked:
    """A form, as services that give out tokens want it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    content = urlencode(form).encode()
    return Asked(what, url, method="POST", headers=headers, content=content, remedies=remedies)


@dataclass(frozen=True)
class Answer:
    """``what`` names the way that led to it; ``headers`` have names in lower case; ``url`` is the
    address that answers, after all redirects."""

    what: str
    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes]
    url: str = ""

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def length(self) -> int | None:
        length = self.headers.get("content-length", "")
        return bounded_number(length)


class TransientError(Exception):
    """The server asks to come back later; ``error`` is what is told when that was in vain."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(str(error))
        self.error = error


class Exchange:
    """Connections of one fetch, for one thread. Raises ``SourceError``."""

    def __init__(self, trust: Trust, named: NamedHosts, limits: Limits) -> None:
        self._pool = GuardedPool(trust, named)
        self._named, self._limits = named, limits

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def read(self, asked: Asked, expect: frozenset[int] = frozenset({200})) -> tuple[Answer, bytes]:
        """One answer of a bounded size, whole; its status is among ``expect``."""
        answer, body = self._answer(asked, expect, MAX_LISTING_BYTES + 1)
        if len(body) > MAX_LISTING_BYTES:
            raise unreachable(f"{asked.what} answers with more than {MAX_LISTING_BYTES:,} bytes.")
        return answer, body

    def head(self, asked: Asked, expect: frozenset[int]) -> Answer:
        """The status and the headers of an answer, whatever its body."""
        return self._answer(asked, expect, 0)[0]

    def _answer(self, asked: Asked, expect: frozenset[int], most: int) -> tuple[Answer, bytes]:
        tries = _Tries(self._limits)
        while True:
            try:
                with self.open(asked) as answer:
                    if answer.status not in expect:
                        raise self.refusal(asked, answer)
                    return answer, beginning(answer.body, most)
            except (TransientError, *BROKEN) as error:
                tries.again(asked, error, progress=False)

    def body(self, asked: Asked, look: Callable[[Answer], Iterator[bytes]]) -> Iterator[bytes]:
        """A file, piece by piece; where it is cut off it goes on if the server can.

        ``look`` sees the first answer before anything is taken from it, and returns its body.
        """
        got, resumes, tag, tries = 0, 0, asked.tag, _Tries(self._limits)
        whole = False
        while not whole:
            before = got
            try:
                with self.open(_ranged(asked, got, tag)) as answer:
                    tag = self._fits(asked, answer, got, tag)
                    pieces = _rest(answer, got) if got else look(answer)
                    for piece in pieces:
                        got += len(piece)
                        yield piece
                whole = True
            except (TransientError, *BROKEN) as error:
                resumes += 1
                goes_on = bool(tag) or asked.pinned
                progress = got > before and goes_on and resumes < MAX_RESUMES
                tries.again(asked, error, progress=progress, lasting=bool(got) and not goes_on)

    @contextmanager
    def open(self, asked: Asked) -> Iterator[Answer]:
        """The answer at the end of all redirects, which what has a body never follows: that may be
        a secret. Raises what httpcore does, too."""
        url, via = asked.url, None
        for _ in range(MAX_REDIRECTS + 1):
            self._limits.check_time(asked.what)  # pages without files have nothing else to end them
            checked(url, self._named, via)
            with self._sent(asked, url, via) as answer:
                leads = answer.headers.get("location")
                follows = answer.status in REDIRECT_STATUSES and asked.content is None
                if leads is None or not follows:
                    yield answer
                    return
            url, via = next_hop(url, leads), asked.url
        raise refused(
            asked.url, f"redirects more than {MAX_REDIRECTS} times", "Give the last address."
        )

    def refusal(self, asked: Asked, answer: Answer) -> SourceError | TransientError:
        """What an answer that is not the wanted one means."""
        try:
            said = beginning(answer.body, MAX_ANSWER_BYTES)
        except BROKEN:
            said = b""  # the status says enough
        error = asked.explain(answer, said) or not_a_file(
            answer.what, answer.status, answer.kind, said, asked.remedies
        )
        return TransientError(error) if is_transient(answer.status) else error

    @contextmanager
    def _sent(self, asked: Asked, url: str, via: str | None) -> Iterator[Answer]:
        seconds = max(min(READ_TIMEOUT_S, self._limits.seconds_left), 1.0)
        self._pool.budget.begin(seconds, grows=True)
        timeout = {"connect": CONNECT_TIMEOUT_S, "read": seconds, "write": seconds, "pool": seconds}
        own = origin(url) == origin(asked.url)
        ours = asked.authorize(asked.method, url, asked.headers) if own else {}
        headers = {**HEADERS, **asked.headers, **ours}
        what = asked.what if via is None else f"{shown(url)} (where {asked.what} leads)"
        try:
            with self._pool.stream(
                asked.method,
                url,
                headers=list(headers.items()),
                content=asked.content,
                extensions={"timeout": timeout},
            ) as found:
                yield Answer(what, found.status, _headers(found), found.iter_stream(), url)
        except AddressRefusedError as error:
            raise not_reached(url, error, via) from error

    def _fits(self, asked: Asked, answer: Answer, got: int, tag: str) -> str:
        """The tag of what is sent, where it is the file, or what is missing of it."""
        new = answer.headers.get("etag", "")
        strong = "" if new.startswith("W/") or asked.pinned else new
        if answer.status == HTTPStatus.PRECONDITION_FAILED or (tag and strong and strong != tag):
            raise changed(asked.what)
        if answer.status == HTTPStatus.PARTIAL_CONTENT and got and _begins_at(answer, got):
            return tag
        if answer.status != HTTPStatus.OK:
            raise self.refusal(asked, answer)
        return tag or strong


class _Tries:
    """Waits before each retry, and gives up when nothing has come for all of them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = list(RETRY_DELAYS_S)

    def again(
        self, asked: Asked, error: Exception, *, progress: bool, lasting: bool = False
    ) -> None:
        if progress:
            self._left = list(RETRY_DELAYS_S)
        delay = self._left.pop(0) if self._left and not lasting else None
        if delay is None or self._limits.seconds_left < delay + 1.0:
            if isinstance(error, TransientError):
                raise error.error from error
            said = f"{asked.what} does not answer as it should: {why(error)}."
            raise unreachable(said) from error
        time.sleep(delay)


def bounded_number(text: str) -> int | None:
    """A number of bytes in a header; None where it is none."""
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None


def beginning(body: Iterator[bytes], size: int) -> bytes:
    """The first pieces of a body: ``size`` bytes or a little more, or all that there are."""
    pieces, missing = [], size
    while missing > 0 and (piece := next(body, None)) is not None:
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _ranged(asked: Asked, got: int, tag: str) -> Asked:
    headers = dict(asked.headers)
    if tag:
        headers["If-Match"] = tag
    if got:
        headers["Range"] = f"bytes={got}-"
    return replace(asked, headers=headers)


def _begins_at(answer: Answer, got: int) -> bool:
    return answer.headers.get("content-range", "").startswith(f"bytes {got}-")


def _rest(answer: Answer, got: int) -> Iterator[bytes]:
    """What is missing: a server that knows no ranges sends everything again."""
    skipped = 0 if answer.status == HTTPStatus.PARTIAL_CONTENT else got
    for piece in answer.body:
        rest = piece[skipped:]
        skipped = max(skipped - len(piece), 0)
        if rest:
            yield rest


def _headers(answer: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in answer.headers}
