"""What is known of each Webservice now: the rounds of the last minute. Served from memory."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from fairlead.evidence import Answering
from fairlead.metrics_api.demand import RATE_WINDOW_S, Measures, Round, measures

Name = tuple[str, str]
"""Namespace and name."""


@dataclass
class Measured:
    """By Webservice; the clock is the monotonic one, so that a change of the time is none here."""

    _rounds: dict[Name, deque[Round]] = field(default_factory=dict)
    _answering: dict[Name, Answering] = field(default_factory=dict)

    def add(self, name: Name, one: Round) -> None:
        rounds = self._rounds.setdefault(name, deque())
        rounds.append(one)
        while rounds[0].at_s < one.at_s - RATE_WINDOW_S:
            rounds.popleft()

    def of(self, name: Name) -> Measures | None:
        """None where nothing recent is known."""
        rounds = self._rounds.get(name)
        return measures(list(rounds), time.monotonic()) if rounds else None

    def note(self, name: Name, answering: Answering) -> None:
        """Who answers, whether that is enough for a number or not."""
        self._answering[name] = answering

    def answering(self, name: Name) -> Answering:
        return self._answering.get(name, Answering())

    def names(self, namespace: str) -> Iterator[Name]:
        known = self._answering | self._rounds
        return iter([name for name in known if name[0] == namespace])

    def forget(self, name: Name) -> None:
        self._rounds.pop(name, None)
        self._answering.pop(name, None)

    def keep(self, names: set[Name]) -> None:
        """Forget all others."""
        for gone in (self._rounds.keys() | self._answering.keys()) - names:
            self.forget(gone)
