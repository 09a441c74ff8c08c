"""Places for so many at a time, of which no namespace takes all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Shares:
    """``most`` in all, and of one namespace ``most_of_one``."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._taken = Counter[str]()

    @contextmanager
    def place(self, namespace: str) -> Iterator[bool]:
        """Whether there is a place; it is given back at the end."""
        room = self._taken.total() < self._most and self._taken[namespace] < self._most_of_one
        self._taken[namespace] += room
        try:
            yield room
        finally:
            self._taken[namespace] -= room
            if not self._taken[namespace]:
                del self._taken[namespace]
