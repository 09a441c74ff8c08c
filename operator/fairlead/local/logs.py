"""What a local service printed: now, before, and from now on."""

from collections.abc import Iterator
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.local.errors import refusal
from fairlead.local.host import PREVIOUS_LOG, Keeper
from fairlead.local.service import LocalService


def read_log(
    service: LocalService, keeper: Keeper, folder: Path, *, follow: bool, previous: bool
) -> Iterator[bytes]:
    """Raises ``LocalError``: there is no earlier one."""
    if previous:
        path = folder / PREVIOUS_LOG
        if not path.is_file():
            message = f"'{service.name}' was started once: there is no earlier log."
            raise refusal(Reason.FILE_NOT_FOUND, message, "Leave --previous out.")
        return iter([path.read_bytes()])
    if follow:
        return keeper.followed(service, folder)
    return iter([keeper.log(service, folder)])
