"""How much memory the bodies of all requests take together: whose is read, and whose must wait.

Pure: its clock, and what calls it later, are passed in. Each body has a *claim* to a number of
bytes. A body whose length is known claims all of it before it is read on. One that comes in chunks
claims more as it grows, and goes before those that have not begun: it holds what they wait for.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

SMALL_BYTES = 65536  # a claim up to this size is not kept behind larger ones
WAITING_SHARE = 8  # 1/8 of the budget: what those that wait may have sent already, all together
PACE_GRACE_S = 2.0  # before a body must come at all, while others wait for the room that it has
PACE_S = 30.0  # from then on, until all of it must have come
PACE_CHECK_INTERVAL_S = 0.5
CallLater = Callable[[float, Callable[[], None]], object]


class BodyOwner(ABC):
    """Whoever reads a body, and asks for room before it does."""

    @abstractmethod
    def on_room(self) -> None:
        """The body may be read on."""

    @abstractmethod
    def on_no_room(self) -> None:
        """There is no room for the body, and waiting is of no use."""

    @abstractmethod
    def on_too_slow(self) -> None:
        """The body comes too slowly while others wait for the room that it has."""


class BodyClaim:
    """``size`` bytes of the budget, of which ``received`` have come.

    It is returned when nothing refers to it any more: a body that somebody still holds in memory is
    counted, whatever has become of its request.
    """

    __slots__ = ("__weakref__", "_budget", "_pace_from", "owner", "received", "size", "wanted")

    def __init__(self, budget: "BodyBudget", owner: BodyOwner | None) -> None:
        self._budget = budget
        self._pace_from = (0.0, 0)
        self.owner = owner
        self.size = self.wanted = self.received = 0

    def __del__(self) -> None:
        self._budget.put_back(self.size)

    def covers(self, wanted: int, held: int) -> bool:
        """Return whether ``wanted`` bytes, no fewer than before, are there for the body; if not,
        it waits, and its owner is called. ``held`` of them are in memory already."""
        return wanted <= self.size or self._budget.enlarge(self, wanted, held - self.size)

    def complete(self) -> None:
        """Return what is not needed: the whole body has come."""
        self.give_up()
        self._budget.put_back(self.size - self.received)
        self.size = self.received

    def give_up(self) -> None:
        """Nothing more is read of the body."""
        self._budget.forget(self)
        self.owner = None

    def restart_pace(self, now: float) -> None:
        self._pace_from = now, self.received

    def is_behind(self, now: float) -> bool:
        """Whether less has come than would have at a steady pace."""
        began, before = self._pace_from
        due = (self.size - before) * (now - began - PACE_GRACE_S) / PACE_S
        return self.received < self.size and self.received - before < due


class BodyBudget:
    """``used`` of ``limit`` bytes are claimed. ``call_later`` is that of an event loop."""

    def __init__(self, limit: int, clock: Callable[[], float], call_later: CallLater) -> None:
        self.limit = limit
        self.used = 0
        self._clock = clock
        self._call_later = call_later
        self._reading: dict[BodyClaim, None] = {}
        self._growing: dict[BodyClaim, int] = {}  # those that wait, with what they hold unclaimed
        self._beginning: dict[BodyClaim, int] = {}
        self._waiting_bytes = 0
        self._is_grant_due = self._checks_pace = False

    @property
    def waiting(self) -> int:
        """How many bodies wait for room."""
        return len(self._growing) + len(self._beginning)

    def take(self, size: int) -> "BodyClaim | None":
        """Return a claim to so many bytes at once, or None if there is no room for it."""
        if self.used + size > self.limit:
            return None
        claim = BodyClaim(self, None)
        claim.size = claim.wanted = size
        self.used += size
        return claim

    def take_small(self, size: int) -> "BodyClaim | None":
        """Return a claim of a small body that is complete, or None if it is to ask as others do."""
        return None if size > SMALL_BYTES or self._growing else self.take(size)

    def enlarge(self, claim: BodyClaim, wanted: int, held: int) -> bool:
        """Give a claim ``wanted`` bytes, or let it wait for them."""
        if claim.wanted > claim.size:
            return False  # it waits already
        claim.wanted = wanted
        begins_behind = not claim.size and wanted > SMALL_BYTES and self._beginning
        if self._fits(claim) and not begins_behind and not self._growing:
            self._give(claim)
            return True
        self._wait(claim, held)
        return False

    def forget(self, claim: BodyClaim) -> None:
        """The claim waits no more, and is not expected to grow."""
        self._reading.pop(claim, None)
        self._stop_waiting(claim)

    def put_back(self, size: int) -> None:
        """This many bytes are free again."""
        self.used -= size
        if self._growing or self._beginning:
            self._grant_soon()

    def _fits(self, claim: BodyClaim) -> bool:
        return self.used + claim.wanted - claim.size <= self.limit

    def _give(self, claim: BodyClaim) -> None:
        self.used += claim.wanted - claim.size
        claim.size = claim.wanted
        claim.restart_pace(self._clock())
        self._reading[claim] = None

    def _wait(self, claim: BodyClaim, held: int) -> None:
        line = self._growing if claim.size else self._beginning
        line[claim] = max(0, held)
        self._waiting_bytes += line[claim]
        self._grant_soon()
        if not self._checks_pace:
            self._checks_pace = True
            self._call_later(PACE_CHECK_INTERVAL_S, self._check_pace)

    def _stop_waiting(self, claim: BodyClaim) -> None:
        line = self._growing if claim in self._growing else self._beginning
        self._waiting_bytes -= line.pop(claim, 0)

    def _grant_soon(self) -> None:
        """Not at once: a claim may be returned anywhere, where no owner expects to be called."""
        if not self._is_grant_due:
            self._is_grant_due = True
            self._call_later(0.0, self._grant)

    def _grant(self) -> None:
        self._is_grant_due = False
        while claim := next(iter(self._growing or self._beginning), None):
            if not self._fits(claim):
                break
            self._stop_waiting(claim)
            self._give(claim)
            if claim.owner:
                claim.owner.on_room()
        refused = self._hopeless()
        if refused and refused.owner:
            self._stop_waiting(refused)
            refused.owner.on_no_room()
            self._grant_soon()

    def _hopeless(self) -> BodyClaim | None:
        """Return the latest to wait, if all room is held by others that wait for more of it, or if
        those that wait have sent too much already."""
        deadlock = self._growing and self.used == sum(claim.size for claim in self._growing)
        if deadlock or self._waiting_bytes > self.limit // WAITING_SHARE:
            return next(reversed(self._growing if deadlock else self._beginning or self._growing))
        return None

    def _check_pace(self) -> None:
        """Refuse as many as it takes to make room for the first that waits, the largest first."""
        self._checks_pace = bool(self.waiting)
        if not self._checks_pace:
            return
        self._call_later(PACE_CHECK_INTERVAL_S, self._check_pace)
        first = next(iter(self._growing or self._beginning))
        now, missing = self._clock(), self.used + first.wanted - first.size - self.limit
        behind = [one for one in self._reading if one.wanted == one.size and one.is_behind(now)]
        for claim in sorted(behind, key=lambda one: one.size, reverse=True):
            if missing <= 0 or claim.owner is None:
                return
            missing -= claim.size
            claim.owner.on_too_slow()
