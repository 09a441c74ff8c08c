"""What runs services of which mode. Each is imported only where there is such a service."""

from fairlead.api.reasons import Reason
from fairlead.local.errors import LocalError, refusal
from fairlead.local.host import Keeper, Maker
from fairlead.local.places import Places
from fairlead.local.service import Mode
from fairlead.settings import Settings


def no_containers() -> LocalError:
    message = "This version runs local services in virtual environments only."
    return refusal(Reason.ENGINE_UNSUPPORTED, message, "Say --no-container.")


def keeper_of(mode: Mode, places: Places) -> Keeper:
    if mode is Mode.MACHINE:
        from fairlead.local.process import Processes

        return Processes(places)
    raise no_containers()


def maker_of(mode: Mode, places: Places, settings: Settings) -> Maker:
    if mode is Mode.MACHINE:
        from fairlead.local.machine import Machine

        return Machine(places, settings)
    raise no_containers()
