"""Who is to be looked at again: events only wake, they never decide."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fairlead.api.meta import Kind


@dataclass(frozen=True)
class Key:
    """One object of ours."""

    kind: Kind
    namespace: str
    name: str


class Wakes:
    """One alarm for each object that is looked after, and who refers to whom.

    References are hints, learnt from events that may be missed: whoever waits looks again by
    itself after a while.
    """

    def __init__(self) -> None:
        self._alarms: dict[Key, asyncio.Event] = {}
        self._owners: dict[str, Key] = {}
        self._referrers: defaultdict[Key, set[Key]] = defaultdict(set)
        self._references: dict[Key, frozenset[Key]] = {}

    def attend(self, key: Key, uid: str) -> asyncio.Event:
        """Begin to look after an object; the alarm rings whenever it should be looked at."""
        self._owners[uid] = key
        return self._alarms.setdefault(key, asyncio.Event())

    def leave(self, key: Key, uid: str) -> None:
        self._owners.pop(uid, None)
        if key not in self._owners.values():  # a successor of the same name may be there already
            self._alarms.pop(key, None)
            self.refers(key, ())

    def wake(self, key: Key) -> None:
        if key in self._alarms:
            self._alarms[key].set()

    def wake_owners(self, uids: Iterable[str]) -> None:
        for uid in uids:
            if uid in self._owners:
                self.wake(self._owners[uid])

    def wake_referrers(self, key: Key) -> None:
        for referrer in tuple(self._referrers.get(key, ())):
            self.wake(referrer)

    def refers(self, key: Key, to: Iterable[Key]) -> None:
        """Note that ``key`` refers to these, and to no others any more."""
        for old in self._references.pop(key, frozenset()):
            self._referrers[old].discard(key)
            if not self._referrers[old]:
                del self._referrers[old]
        if references := frozenset(to):
            self._references[key] = references
            for new in references:
                self._referrers[new].add(key)
