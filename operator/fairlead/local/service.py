"""What is remembered of a local service: one JSON document in its folder of the state folder."""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureStatus
from fairlead.api.wire import StatusWire
from fairlead.finding import Finding, shown
from fairlead.local.asked import Asked
from fairlead.local.errors import LocalError, refusal
from fairlead.local.places import Places, make_private, new_private

RECORD = "service.json"
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?")


class Mode(StrEnum):
    """Where the service runs."""

    CONTAINER = "container"
    MACHINE = "machine"


def failure_of(error: LocalError) -> FailureStatus:
    found = error.finding
    return FailureStatus(
        reason=found.reason.value,
        class_=found.class_,
        message=found.message,
        remedy=found.remedy,
        location=found.location,
        log_tail=error.log_tail or None,
    )


def error_of(failure: FailureStatus) -> LocalError:
    """The error that was kept. What another version wrote is told, too."""
    known = failure.reason in list(Reason)
    reason = Reason(failure.reason) if known else Reason.SERVICE_NOT_RUNNING
    told = (failure.class_, failure.message, failure.remedy, failure.location)
    return LocalError(Finding(reason, *told), failure.log_tail or "")


class LocalService(StatusWire):
    """A service that was deployed, whether or not it runs now."""

    name: str
    mode: Mode
    port: int = Field(ge=1, le=65535)
    asked: Asked
    created_at: datetime
    entry_script: str
    python: str = ""
    environment: str = ""
    """The hash of its environment."""
    code: str = ""
    """The hash of the code that it was given last."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """The files that decide its environment, with their digests."""
    models: tuple[str, ...] = ()
    """`NAME:VERSION` of each."""
    differences: tuple[str, ...] = ()
    """What the cluster does, and this service does not: sentences."""
    pid: int | None = None
    started: float | None = None
    """When the process began (seconds since 1970): with the pid it names one process."""
    container: str | None = None
    """The id of its container."""
    image: str | None = None
    """The image of its container."""
    debug_port: int | None = Field(default=None, ge=1, le=65535)
    """Where a debugger attaches."""
    launch_json: str | None = None
    """The file that has the configuration for it."""
    source: dict[str, str] = Field(default_factory=dict)
    """The files that it was given last, with their digests."""
    startup_budget_s: int = 310
    failure: FailureStatus | None = None
    """Why the last start, reload or update failed."""

    @property
    def scoring_uri(self) -> str:
        return f"http://localhost:{self.port}/score"


class Services:
    """All services of this user on this machine."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def all(self) -> Iterator[LocalService]:
        """By name; what cannot be read is left out, as is what is only begun."""
        return (one for _, one in self._records() if isinstance(one, LocalService))

    def broken(self) -> Iterator[tuple[str, LocalError]]:
        """The names of those whose record cannot be read, and why not."""
        return ((name, one) for name, one in self._records() if isinstance(one, LocalError))

    def _records(self) -> Iterator[tuple[str, LocalService | LocalError]]:
        for path in sorted(self._places.state.glob(f"*/{RECORD}")):
            try:
                yield path.parent.name, self._read(path)
            except LocalError as error:
                yield path.parent.name, error

    def get(self, name: str) -> LocalService:
        """Raises ``LocalError``: there is none of that name."""
        found = self.find(name)
        if found:
            return found
        there = ", ".join(service.name for service in self.all())
        has = f"there is {there}" if there else "there is none at all"
        message = f"There is no local web service '{name}'; {has}."
        remedy = "`fairlead local ls` shows them, `fairlead local deploy` makes one."
        raise refusal(Reason.SERVICE_NOT_FOUND, message, remedy)

    def find(self, name: str) -> LocalService | None:
        """Raises ``LocalError`` where what is there cannot be read."""
        path = self._path(name)
        return self._read(path) if NAME.fullmatch(name) and path.is_file() else None

    def only(self, name: str | None) -> LocalService:
        """The one that is named; without a name, the only one that there is."""
        if name:
            return self.get(name)
        there = list(self.all())
        if len(there) == 1:
            return there[0]
        unreadable = None if there else next(self.broken(), None)
        if unreadable:
            raise unreadable[1]
        names = ", ".join(service.name for service in there)
        message = f"Which one? There is {names}." if there else "There is no local web service."
        remedy = "Name it." if there else "`fairlead local deploy` makes one."
        raise refusal(Reason.SERVICE_NOT_FOUND, message, remedy)

    def keep(self, service: LocalService) -> None:
        """Written whole, or not at all."""
        path = self._path(service.name)
        make_private(path.parent.parent)
        make_private(path.parent)
        draft = new_private(path.with_suffix(".new"))
        draft.write_text(service.model_dump_json(by_alias=True, exclude_none=True, indent=2))
        os.replace(draft, path)  # noqa: PTH105  (the same call, and said to be atomic)

    def forget(self, name: str) -> None:
        shutil.rmtree(self._places.service(name), ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self._places.service(name) / RECORD

    @staticmethod
    def _read(path: Path) -> LocalService:
        """A record is that of its folder: what is done by its name is done there."""
        remedy = f"Remove the folder {path.parent}, and deploy the service again."
        try:
            found = LocalService.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            message = f"{path} cannot be read: {type(error).__name__}."
            raise refusal(Reason.FILE_UNREADABLE, message, remedy) from error
        if found.name != path.parent.name or not NAME.fullmatch(found.name):
            message = f"{path} is the record of another service, '{shown(found.name)}'."
            raise refusal(Reason.FILE_UNREADABLE, message, remedy)
        return found
