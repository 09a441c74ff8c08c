"""What this process remembers of its own writes to children: it is in no object.

Lost with the process: then each child that admission changes is applied once more.
"""

from collections.abc import Sequence
from dataclasses import replace

from fairlead.evidence import Accepted, ChildEvidence, PutBack

MAX_KEPT = 4  # of one child, more than decisions count


class ChildWrites:
    """By the child's uid."""

    def __init__(self) -> None:
        self._accepted: dict[str, Accepted] = {}
        self._put_backs: dict[str, Sequence[PutBack]] = {}

    def note_accepted(self, uid: str, accepted: Accepted) -> None:
        self._accepted[uid] = accepted

    def note_put_back(self, uid: str, put_back: PutBack) -> None:
        self._put_backs[uid] = (*self._put_backs.get(uid, ()), put_back)[-MAX_KEPT:]

    def forget(self, uid: str) -> None:
        """The child is gone."""
        self._accepted.pop(uid, None)
        self._put_backs.pop(uid, None)

    def known_of(self, child: ChildEvidence) -> ChildEvidence:
        """The same with what is remembered of it."""
        uid = child.metadata["uid"]
        accepted, put_backs = self._accepted.get(uid), self._put_backs.get(uid, ())
        if accepted is None and not put_backs:
            return child
        return replace(child, accepted=accepted, put_backs=put_backs)
