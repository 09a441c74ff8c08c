"""How a local service stands now."""

from dataclasses import dataclass
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.local.answers import is_ready
from fairlead.local.host import Keeper
from fairlead.local.service import LocalService

HEALTHY, TRANSITIONING, FAILED = "Healthy", "Transitioning", "Failed"  # v1's words


@dataclass(frozen=True)
class Standing:
    state: str
    reason: str


def standing(service: LocalService, keeper: Keeper, folder: Path) -> Standing:
    """Asks what runs it, and the service itself."""
    if keeper.ended(service, folder):
        failed = service.failure.reason if service.failure else Reason.SERVICE_NOT_RUNNING
        return Standing(FAILED, str(failed))
    if is_ready(service.port):
        return Standing(HEALTHY, Reason.SERVING.value)
    return Standing(TRANSITIONING, Reason.STARTING.value)
