"""What a local service's process is told: what a pod's is, and what is other here. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from fairlead.desired.deployment import service_variables
from fairlead.local.preparation import Prepared

KEYS = "FAIRLEAD_KEYS_DIR"


def local_variables(
    prepared: Prepared, port: int, host: str, termination_log: str
) -> Mapping[str, str]:
    """Variables of image and service; a changed script is taken over, nobody is asked for a key,
    and the end is not waited for."""
    wanted = prepared.wanted.service_object
    alone = replace(wanted, spec=wanted.spec.model_copy(update={"front": None}))
    service = service_variables(alone)
    ours = {
        "FAIRLEAD_PORT": str(port),
        "FAIRLEAD_HOST": host,
        "FAIRLEAD_TERMINATION_LOG": termination_log,
        "FAIRLEAD_DRAIN_SECONDS": "0",
        "FAIRLEAD_DEBUG": "true",
        "FAIRLEAD_DEBUG_PORT": "0",
    }
    whole = {**prepared.variables, **service, **ours}
    return {name: value for name, value in whole.items() if value and name != KEYS}


def moved(variables: Mapping[str, str], app_root: str, here: str) -> dict[str, str]:
    """The same, where the app root of an image is the folder ``here``."""
    return {
        name: value.replace(app_root, here, 1) if value.startswith(app_root) else value
        for name, value in variables.items()
    }
