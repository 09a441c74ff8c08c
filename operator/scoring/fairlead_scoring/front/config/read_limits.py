"""How much a client may send, how long it may take for it, and how long for taking its answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead_scoring.front.config.values import read_int, read_seconds

MEBIBYTE = 2**20
MAX_MB = 2**20
MAX_BODY_MB = 100  # as in front of Azure ML v1
BODY_BUDGET_MB = 512
MEMORY_SHARE = 4  # of the container's memory: a quarter is the most that bodies may take
HEAD_TIMEOUT_S = 30.0
BODY_TIMEOUT_S = 300.0  # the reference server's WORKER_TIMEOUT ends such a request, too
WRITE_TIMEOUT_S = 30.0
MAX_BODY_SETTING, BUDGET_SETTING = "FAIRLEAD_MAX_BODY_MB", "FAIRLEAD_BODY_BUDGET_MB"


@dataclass(frozen=True)
class ReadLimits:
    """``body_budget_bytes`` is for the bodies of all requests together.

    A head, and the trailer of a body, may take ``head_timeout_s`` seconds, a body
    ``body_timeout_s``; it waits for room in the budget no longer than ``room_timeout_s``. A client
    may stop taking its answer for ``write_timeout_s``.
    """

    max_body_bytes: int = MAX_BODY_MB * MEBIBYTE
    body_budget_bytes: int = BODY_BUDGET_MB * MEBIBYTE
    head_timeout_s: float = HEAD_TIMEOUT_S
    body_timeout_s: float = BODY_TIMEOUT_S
    room_timeout_s: float = BODY_TIMEOUT_S
    write_timeout_s: float = WRITE_TIMEOUT_S

    @property
    def largest_body_bytes(self) -> int:
        return min(self.max_body_bytes, self.body_budget_bytes)

    def seconds_for(self, part: str) -> float:
        """Return how long a client may take for a ``head``, a ``body`` or a ``trailer``, and a body
        may wait for ``room``."""
        if part == "room":
            return self.room_timeout_s
        return self.body_timeout_s if part == "body" else self.head_timeout_s

    @property
    def largest_body_setting(self) -> str:
        """The name of the setting that a larger body is refused for."""
        by_budget = self.body_budget_bytes < self.max_body_bytes
        return BUDGET_SETTING if by_budget else MAX_BODY_SETTING


def read_read_limits(
    environ: Mapping[str, str], max_wait_s: float | None, memory_bytes: int | None
) -> ReadLimits:
    """``max_wait_s`` is how long a request may wait in the queue, and for room as well;
    ``memory_bytes`` what the container may have, None for no limit. Raise ``SettingsError``.
    """
    budget = read_int(environ, BUDGET_SETTING, BODY_BUDGET_MB, maximum=MAX_MB) * MEBIBYTE
    body_timeout_s = read_seconds(environ, "FAIRLEAD_BODY_SECONDS", BODY_TIMEOUT_S, minimum=0.1)
    return ReadLimits(
        read_int(environ, MAX_BODY_SETTING, MAX_BODY_MB, maximum=MAX_MB) * MEBIBYTE,
        min(budget, memory_bytes // MEMORY_SHARE) if memory_bytes else budget,
        read_seconds(environ, "FAIRLEAD_HEAD_SECONDS", HEAD_TIMEOUT_S, minimum=0.1),
        body_timeout_s,
        body_timeout_s if max_wait_s is None else max_wait_s,
        read_seconds(environ, "FAIRLEAD_WRITE_SECONDS", WRITE_TIMEOUT_S, minimum=0.1),
    )
