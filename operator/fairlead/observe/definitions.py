"""Are the CustomResourceDefinitions in the cluster as new as this operator?

Where they are older the API server drops the fields that they lack, from specs and from statuses,
without a word. It publishes its schemas to everybody, so no right is needed to see that.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence

import structlog

from fairlead.api.meta import API_VERSION
from fairlead.api.published import missing_fields
from fairlead.cluster import Cluster
from fairlead.errors import OperatorError

logger = structlog.get_logger("fairlead")
CONFIRM_S = 5.0  # the API server publishes a change a few seconds after it
PERIOD_S = 300.0
MAX_FIELDS = 8  # of one definition, that are named
REMEDY = (
    "Apply those of this release: `helm upgrade` with crds.enabled=true, or "
    "`kubectl apply --server-side -f crds/`."
)
Missing = Mapping[str, tuple[str, ...]]


class Definitions:
    """Looks at start and now and then; says once what is missing, and once that it is there."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._said: Missing = {}

    def counts(self) -> Mapping[tuple[str, ...], int]:
        """How many fields each definition lacks; 1 for one that is not there."""
        return {(name,): max(len(fields), 1) for name, fields in self._said.items()}

    async def run(self) -> None:
        """Look until cancelled; what is news is looked at twice before it is said."""
        seen: Missing = {}
        while True:
            before, seen = seen, await self._look(seen)
            if seen == before and seen != self._said:
                self._say(seen)
            wait_s = PERIOD_S if seen == self._said else CONFIRM_S
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.0))

    async def _look(self, before: Missing) -> Missing:
        try:
            return missing_fields(await self._cluster.published_schemas(API_VERSION))
        except OperatorError as error:
            logger.warning("definitions not read", why=str(error))
            return before

    def _say(self, missing: Missing) -> None:
        self._said = missing
        if not missing:
            logger.info("the CustomResourceDefinitions are as this operator expects them now")
            return
        absent = [name for name, fields in missing.items() if not fields]
        older = [f"{name} lacks {_named(fields)}" for name, fields in missing.items() if fields]
        not_there = [f"{', '.join(absent)}: not installed"] if absent else []
        what = "; ".join([*not_there, *older])
        logger.error(
            f"CustomResourceDefinitions are older than this operator: {what}.", remedy=REMEDY
        )


def _named(fields: Sequence[str]) -> str:
    more = len(fields) - MAX_FIELDS
    return ", ".join(fields[:MAX_FIELDS]) + (f" and {more} more" if more > 0 else "")
