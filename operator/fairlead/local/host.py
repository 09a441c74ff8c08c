"""What runs local services: containers of Docker Engine, or processes of this machine.

What looks after a service that runs is apart from what makes one, which takes long to import.
``folder`` is the service's own in the state folder. All of it raises ``LocalError``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fairlead.local.service import LocalService

if TYPE_CHECKING:
    from fairlead.local.preparation import Prepared

HOST = "127.0.0.1"  # where local services listen: nobody else reaches them
TERMINATION_LOG = "termination-log"
LOG, PREVIOUS_LOG = "log", "previous.log"


class Log(Protocol):
    """Where is told what is done, as it is done."""

    def phase(self, name: str) -> None: ...
    def write(self, text: str) -> None: ...


@dataclass(frozen=True)
class Exit:
    """How a service ended; ``record`` is what the runtime left behind."""

    code: int | None
    record: str


class Keeper(Protocol):
    """Looks after services that were started."""

    def ended(self, service: LocalService, folder: Path) -> Exit | None:
        """How it ended; None while it runs."""
        ...

    def addresses(self, service: LocalService) -> frozenset[str]:
        """At which this service itself listens at its port: none where another program has it."""
        ...

    def put_code(self, service: LocalService, folder: Path, files: Mapping[str, bytes]) -> None:
        """Replace the source of a service that runs."""
        ...

    def source(self, service: LocalService, folder: Path) -> Mapping[str, bytes]:
        """The source that a service which runs has now, without models and what Python compiles."""
        ...

    def log(self, service: LocalService, folder: Path) -> bytes:
        """All that it has printed."""
        ...

    def followed(self, service: LocalService, folder: Path) -> Iterator[bytes]:
        """What it has printed, and what it prints from now on, until it ends."""
        ...

    def stop(self, service: LocalService, folder: Path) -> None:
        """End it; what it printed is kept as the previous log."""
        ...

    def forget(self, service: LocalService, others: tuple[LocalService, ...]) -> None:
        """Remove what only this service needs."""
        ...


class Maker(Protocol):
    """Makes services and starts them."""

    def make(self, prepared: "Prepared", log: Log) -> str:
        """Make the environment, or find it; return its hash."""
        ...

    def start(
        self, prepared: "Prepared", service: LocalService, folder: Path, log: Log
    ) -> LocalService:
        """Start it; what ran under the name has been ended."""
        ...
