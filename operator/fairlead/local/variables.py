"""What a local service's process is told: what a pod's is, and what is other here. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from fairlead.api.variables import SLOTS
from fairlead.desired.deployment import service_variables
from fairlead.local.preparation import Prepared
from fairlead.local.service import LocalService

KEYS = "FAIRLEAD_KEYS_DIR"
NO_DEBUGGER: Mapping[str, str] = {"FAIRLEAD_DEBUG_PORT": "0"}


def debugger_of(service: LocalService, host: str, port: int | None) -> Mapping[str, str]:
    """Where a debugger attaches, as the service itself sees it, and how long the script waits.

    One request runs at a time: each slot is a process, and one of them has the port.
    """
    if service.debug_port is None:
        return NO_DEBUGGER
    return {
        "FAIRLEAD_DEBUG_HOST": host,
        "FAIRLEAD_DEBUG_PORT": str(port),
        "FAIRLEAD_DEBUG_WAIT_SECONDS": f"{service.asked.debug_wait_s:g}",
        SLOTS: "1",
    }


def local_variables(
    prepared: Prepared,
    port: int,
    host: str,
    termination_log: str,
    debugger: Mapping[str, str] = NO_DEBUGGER,
) -> Mapping[str, str]:
    """Variables of image and service; a changed script is taken over, nobody is asked for a key,
    and the end is not waited for.

    ``debugger``: what ``debugger_of()`` makes."""
    wanted = prepared.wanted.service_object
    alone = replace(wanted, spec=wanted.spec.model_copy(update={"front": None}))
    service = service_variables(alone)
    ours = {
        "FAIRLEAD_PORT": str(port),
        "FAIRLEAD_HOST": host,
        "FAIRLEAD_TERMINATION_LOG": termination_log,
        "FAIRLEAD_DRAIN_SECONDS": "0",
        "FAIRLEAD_DEBUG": "true",
        **debugger,
    }
    whole = {**prepared.variables, **service, **ours}
    return {name: value for name, value in whole.items() if value and name != KEYS}


def moved(variables: Mapping[str, str], app_root: str, here: str) -> dict[str, str]:
    """The same, where the app root of an image is the folder ``here``."""
    return {
        name: value.replace(app_root, here, 1) if value.startswith(app_root) else value
        for name, value in variables.items()
    }
