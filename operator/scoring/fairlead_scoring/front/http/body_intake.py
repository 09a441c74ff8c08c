"""Between a connection and the budget of all bodies: the body that is read now, and its claim."""

from collections.abc import Callable

from fairlead_scoring.front.http.incoming import IncomingRequest, UnreadableError
from fairlead_scoring.front.http.messages import Body
from fairlead_scoring.front.queue.body_budget import BodyBudget, BodyClaim, BodyOwner

TOO_SLOW = "The body of the request came too slowly while others waited for room."
NO_BODY = Body()


class BodyIntake(BodyOwner):
    """Claims room for the body of a connection's first request.

    ``waits`` is whether there is none yet; ``on_room`` is called when there is, ``on_no_room`` when
    there will be none, ``on_too_slow`` when the body must make room for others.
    """

    def __init__(
        self,
        budget: BodyBudget,
        max_body_bytes: int,
        on_room: Callable[[], None],
        on_no_room: Callable[[], None],
        on_too_slow: Callable[[UnreadableError], None],
    ) -> None:
        self._budget = budget
        self._max_body_bytes = max_body_bytes
        self._on_room, self._on_no_room, self._on_too_slow = on_room, on_no_room, on_too_slow
        self._claim: BodyClaim | None = None
        self.waits = False

    def has_room(self, incoming: IncomingRequest, unparsed_bytes: int) -> bool:
        """Return whether the body may be read on, or, complete, be passed on; else it waits."""
        needed = incoming.room_needed(self._max_body_bytes)
        if self._claim is None:
            if not needed:
                return True
            if incoming.complete:
                self._claim = self._budget.take_small(needed)
                if self._claim:
                    return True
            self._claim = BodyClaim(self._budget, self)
        self._claim.received = incoming.received_bytes
        held = incoming.received_bytes + unparsed_bytes
        self.waits = not self._claim.covers(needed, held)
        return not self.waits

    def take_body(self, incoming: IncomingRequest) -> Body:
        """Return the complete body; the claim is its own from now on."""
        claim, self._claim = self._claim, None
        body, incoming.body = incoming.body, None
        if claim is None or body is None:
            return NO_BODY
        if claim.owner:
            claim.complete()
        body.claim = claim
        return body

    def give_up(self) -> None:
        """Nothing more is read of the body."""
        self.waits = False
        if self._claim:
            self._claim.give_up()
            self._claim = None

    def close(self) -> None:
        """Give up, and refer to nobody any more."""
        self.give_up()
        del self._on_room, self._on_no_room, self._on_too_slow

    # Called by the budget

    def on_room(self) -> None:
        self.waits = False
        self._on_room()

    def on_no_room(self) -> None:
        self._on_no_room()

    def on_too_slow(self) -> None:
        self._on_too_slow(UnreadableError(408, TOO_SLOW))
