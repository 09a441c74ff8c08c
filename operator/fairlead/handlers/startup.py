"""How kopf is set up. Each line says which trap it avoids."""

import logging
import random
from collections.abc import Iterator
from typing import Any

import kopf

from fairlead.api.meta import FINALIZER
from fairlead.handlers.kopf_json import read_deep_json
from fairlead.handlers.kopf_watch import keep_watching

RETRY_BACKOFFS_S = (1, 1, 2, 3, 5, 8, 13, 21)  # seconds after a failed request of kopf's own


class Jittered:
    """Back-offs spread by half each way, so that many operators do not return in one moment."""

    def __iter__(self) -> Iterator[float]:
        return (seconds * random.uniform(0.5, 1.5) for seconds in RETRY_BACKOFFS_S)


class Forgetful(kopf.DiffBaseStorage):
    """Remembers nothing on the object: what is done is seen by looking, never from a note.

    A note in an annotation belongs to whoever may write the object: copied to another object it
    would hide that one, malformed it would block it (K4b), too large it would repeat the
    handling for ever, and any foreign annotation would look like a change (K5).
    """

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


@kopf.on.startup()
async def started(settings: kopf.OperatorSettings, memo: Any, **_: Any) -> None:
    configure(settings)
    read_deep_json()
    keep_watching(memo.cache.rights)


def configure(settings: kopf.OperatorSettings) -> None:
    """Set every deadline that is unlimited by default, and keep kopf out of users' objects."""
    settings.watching.server_timeout = 300  # bounds the life of a watch
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = 70  # a silent watch is a dead one
    settings.watching.chunk_size = 500  # not the whole list in one answer
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = Jittered()
    settings.queueing.error_delays = (1, 2, 4, 8, 15, 30, 60)
    settings.execution.default_backoff = 15  # after a bug of ours; what the API says is no bug
    settings.persistence.finalizer = FINALIZER
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix="fairlead.dev")
    settings.persistence.diffbase_storage = Forgetful()
    settings.posting.enabled = False  # Events are transitions of conditions, not log lines
    settings.posting.level = logging.CRITICAL
    settings.peering.standalone = True  # peering pauses all who see a forged peer
    settings.process.ultimate_exiting_timeout = 25  # below a pod's grace period
    settings.scanning.disabled = True  # no right to list CRDs and namespaces is needed
