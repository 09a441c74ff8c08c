"""What runs services of which mode. Each is imported only where there is such a service."""

from fairlead.local.host import Keeper, Maker
from fairlead.local.places import Places
from fairlead.local.service import Mode
from fairlead.settings import Settings


def keeper_of(mode: Mode, places: Places) -> Keeper:
    if mode is Mode.MACHINE:
        from fairlead.local.process import Processes

        return Processes(places)
    from fairlead.local.containers import Containers

    return Containers()


def maker_of(mode: Mode, places: Places, settings: Settings) -> Maker:
    if mode is Mode.MACHINE:
        from fairlead.local.machine import Machine

        return Machine(places, settings)
    from fairlead.local.container_maker import ContainerMaker

    return ContainerMaker(settings)
