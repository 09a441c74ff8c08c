"""From counters of single pods, which come and go and begin anew, to what happened in a round."""

from collections.abc import Mapping

from fairlead.metrics_api.demand import Round
from fairlead.metrics_api.sample import Counted

NOTHING = Counted(0.0, 0.0, 0.0, 0.0)


class Growth:
    """Remembers the counters of each pod of one Webservice, by uid."""

    def __init__(self) -> None:
        self._known: dict[str, Counted] = {}

    def round(
        self, found: Mapping[str, Counted], pods: int, counted_on: float, at_s: float
    ) -> Round:
        """Of ``found``, by uid, at least one; ``pods`` is how many there are: those that answered
        stand for the others."""
        slots = sum(c.slots for c in found.values()) * pods / len(found)
        grown = [self._grown(uid, counted) for uid, counted in found.items()]
        scale = pods / len(found)
        return Round(
            at_s=at_s,
            busy=sum(c.busy for c in found.values()) * scale,
            queued=sum(c.queued for c in found.values()) * scale,
            admitted=sum(c.admitted for c in grown) * scale,
            rejected=sum(c.rejected for c in grown) * scale,
            slots=slots or counted_on,
            counted_on=counted_on,
            run_seconds=_summed(grown),
        )

    def runs(self, found: Mapping[str, Counted]) -> Mapping[float, float]:
        """How many runs of these pods ended since the last look, by bound."""
        return _summed([self._grown(uid, counted) for uid, counted in found.items()])

    def keep(self, uids: set[str]) -> None:
        """Forget all other pods."""
        self._known = {uid: known for uid, known in self._known.items() if uid in uids}

    def _grown(self, uid: str, counted: Counted) -> Counted:
        """What came since the last look; nothing for a pod that is new, or began anew."""
        known = self._known.get(uid)
        if known is None or counted.admitted < known.admitted:
            self._known[uid] = counted
            return NOTHING
        self._known[uid] = counted
        return Counted(
            busy=counted.busy,
            queued=counted.queued,
            admitted=counted.admitted - known.admitted,
            rejected=counted.rejected - known.rejected,
            run_seconds={
                bound: max(count - known.run_seconds.get(bound, 0.0), 0.0)
                for bound, count in counted.run_seconds.items()
            },
        )


def _summed(grown: list[Counted]) -> dict[float, float]:
    found: dict[float, float] = {}
    for one in grown:
        for bound, count in one.run_seconds.items():
            found[bound] = found.get(bound, 0.0) + count
    return found
