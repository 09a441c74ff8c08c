"""Which pods do not answer, as opposed to those that have missed one question. Pure."""

from collections.abc import Collection

from fairlead.evidence import Answering

SILENT_AFTER_S = 10.0


class Silence:
    """Remembers when each pod of one Webservice answered last, by uid."""

    def __init__(self) -> None:
        self._heard_s: dict[str, float] = {}

    def round(self, asked: Collection[str], answered: Collection[str], now_s: float) -> Answering:
        """A pod that is new has its time, too."""
        self._heard_s = {
            uid: now_s if uid in answered else self._heard_s.get(uid, now_s) for uid in asked
        }
        silent = [uid for uid, at_s in self._heard_s.items() if now_s - at_s >= SILENT_AFTER_S]
        return Answering(len(asked), len(silent))
