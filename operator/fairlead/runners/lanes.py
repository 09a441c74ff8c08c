"""Which task begins next: a lane has slots, and namespaces take turns for them. Pure.

A lane never gives its last slot to a namespace that holds all the others: whatever one namespace
has running, for however long, the next one finds a slot. (A lane of one slot cannot promise that.)
Within a namespace the order is first come, first served.
"""

from collections.abc import Iterator


class Lane:
    """Tasks by id, waiting or running. Not safe for threads."""

    def __init__(self, slots: int, most: int | None = None) -> None:
        """``most``: of one namespace; by default all slots but one."""
        self._slots = slots
        self._most = most
        self._waiting: dict[str, dict[str, None]] = {}  # namespaces in the order of their turns
        self._running: dict[str, str] = {}  # id to namespace
        self._held_up: dict[str, str] = {}  # of those that began and cannot run; alike

    @property
    def share(self) -> int:
        """The most slots that one namespace may hold."""
        share = max(self._slots - 1, 1)
        return share if self._most is None else min(self._most, share)

    def add(self, identifier: str, namespace: str) -> None:
        """Put a task at the end of its namespace's line."""
        self._waiting.setdefault(namespace, {})[identifier] = None

    def hold(self, identifier: str, namespace: str) -> None:
        """A task runs already, whether or not there was a slot for it."""
        self.remove(identifier)
        self._running[identifier] = namespace

    def hold_up(self, identifier: str, namespace: str) -> None:
        """A task that began cannot run: its slot is free for others, but for its own namespace."""
        self.remove(identifier)
        self._held_up[identifier] = namespace

    def holds(self, identifier: str) -> bool:
        """Whether the task has a slot."""
        return identifier in self._running

    def remove(self, identifier: str) -> None:
        """Forget a task that has ended, or that need not begin any more."""
        self._running.pop(identifier, None)
        self._held_up.pop(identifier, None)
        for namespace, line in list(self._waiting.items()):
            line.pop(identifier, None)
            if not line:
                del self._waiting[namespace]

    def begin(self) -> tuple[str, ...]:
        """Give out the free slots; return the tasks that have one now."""
        return tuple(self._next_ones())

    def position(self, identifier: str) -> int | None:
        """The place of a waiting task: 1 is the next to begin. None for any other task.

        Later arrivals in other namespaces may still come before it, each by one turn.
        """
        for namespace, line in self._waiting.items():
            if identifier in line:
                return self._place(namespace, list(line).index(identifier))
        return None

    def position_of_new(self, namespace: str) -> int:
        """The place that a new task of a namespace would get: 0 if it would begin at once."""
        line = self._waiting.get(namespace, {})
        if not line and self._may_begin(namespace) and len(self._running) < self._slots:
            return 0
        return self._place(namespace, len(line))

    def _next_ones(self) -> Iterator[str]:
        while len(self._running) < self._slots:
            namespace = next(filter(self._may_begin, self._waiting), None)
            if namespace is None:
                return
            line = self._waiting.pop(namespace)
            identifier = next(iter(line))
            del line[identifier]
            if line:
                self._waiting[namespace] = line  # at the end: the others' turn
            self._running[identifier] = namespace
            yield identifier

    def _may_begin(self, namespace: str) -> bool:
        begun = (*self._running.values(), *self._held_up.values())
        return begun.count(namespace) < self.share

    def _place(self, namespace: str, index: int) -> int:
        """Those before it: ``index`` of its own line, and as many turns of each other line."""
        place, turns = index + 1, index + 1
        for other, line in self._waiting.items():
            if other == namespace:
                turns = index  # whose turn comes after ours has had one less
            else:
                place += min(len(line), turns)
        return place
