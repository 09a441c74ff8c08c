"""Waiting for what a cluster shows, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.cluster.errors import ClusterError

Seen = TypeVar("Seen")
POLL_S = 0.3


def until(look: Callable[[], Seen], holds: Callable[[Seen], object], patience: float) -> Seen:
    """Look until it holds, and return what was seen; after ``patience`` seconds fail with that.

    A look that kubectl is refused is one more look: what it asks for may go, or not be there yet,
    between two of its requests, as a pod that a rollout replaces is gone before its log is read.
    """
    deadline = time.monotonic() + patience
    last: object = None
    while True:
        try:
            last = seen = look()
            if holds(seen):
                return seen
        except ClusterError as error:
            last = (str(error), error.tail)
        assert time.monotonic() < deadline, f"not so after {patience:.0f} s; last seen: {last}"
        time.sleep(POLL_S)  # poll
