"""Which requests fail, how, and how often. Everything is counted, nothing is drawn by chance."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.proxy.request import ApiRequest

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """Answered by the proxy with a Status object; the API server never sees the request."""

    status: int
    retry_after_s: int | None = None


@dataclass(frozen=True)
class Hang:
    """Accepted, and never answered."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset; ``forwarded``: only after the API server has done what was asked."""

    forwarded: bool = False


@dataclass(frozen=True)
class Slow:
    """Forwarded only after a while."""

    seconds: float


@dataclass(frozen=True)
class WatchFault:
    """What happens in the stream of a watch. Counts are events, bookmarks included.

    ``cut_after``: the stream ends in the middle of a line. ``gone_after``: an ERROR event with code
    410, and the end. ``silent_after``: open, but nothing more arrives. ``copies``: how often each
    event is sent. ``delay_s``: how long each is held back. ``lost``: true for events that are never
    sent.
    """

    cut_after: int | None = None
    gone_after: int | None = None
    silent_after: int | None = None
    copies: int = 1
    delay_s: float = 0.0
    lost: Callable[[Event], bool] = field(default=lambda _: False)


Fault = Answer | Hang | Reset | Slow | WatchFault


@dataclass(frozen=True)
class Match:
    """Which requests are meant; what is left empty matches everything.

    ``path`` is a regular expression, searched for.
    """

    verbs: frozenset[str] = frozenset()
    plurals: frozenset[str] = frozenset()
    path: str = ""

    def __call__(self, request: ApiRequest) -> bool:
        return (
            (not self.verbs or request.verb in self.verbs)
            and (not self.plurals or request.plural in self.plurals)
            and (not self.path or re.search(self.path, request.path) is not None)
        )


@dataclass
class Rule:
    """``fault`` for the requests that ``match``: each ``every``-th of the same verb and path, after
    the first ``skip`` of these, up to ``times`` times in all (None: for ever).

    So every retry is another one: no request fails for ever, and each fails as often as the others.
    """

    match: Match
    fault: Fault
    times: int | None = 1
    skip: int = 0
    every: int = 1
    seen: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    done: int = field(default=0, init=False)

    def applies(self, request: ApiRequest) -> bool:
        """Count the request, and say whether it gets the fault."""
        if not self.match(request) or self.times == self.done:
            return False
        asked = request.verb, request.path
        self.seen[asked] += 1
        number = self.seen[asked] - self.skip
        if number < 1 or (number - 1) % self.every:
            return False
        self.done += 1
        return True
