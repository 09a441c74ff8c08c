"""Local services for tests: a record, and a stand-in for what runs them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fairlead.local.asked import Asked
from fairlead.local.host import HOST, Exit, Log
from fairlead.local.preparation import Prepared
from fairlead.local.service import LocalService, Mode


def service(name: str = "credit", **fields: object) -> LocalService:
    whole = {
        "name": name,
        "mode": Mode.MACHINE,
        "port": 8890,
        "asked": Asked(entry_script="/a/score.py"),
        "created_at": datetime(2026, 11, 22, 10, 3, 11, tzinfo=UTC),
        "entry_script": "score.py",
        **fields,
    }
    return LocalService.model_validate(whole)


@dataclass
class Standin:
    """A ``Keeper`` and a ``Maker``: nothing runs. ``exit`` is how it ended."""

    exit: Exit | None = None
    printed: bytes = b""
    calls: list[str] = field(default_factory=list)
    code: Mapping[str, bytes] = field(default_factory=dict)
    listening: frozenset[str] = frozenset([HOST])
    stopped: list[LocalService] = field(default_factory=list)

    def make(self, prepared: Prepared, log: Log) -> str:
        log.phase("environment")
        self.calls.append(f"make {prepared.wanted.name}")
        return "0" * 64

    def start(
        self,
        prepared: Prepared,
        service: LocalService,
        folder: Path,  # noqa: ARG002
        log: Log,  # noqa: ARG002
    ) -> LocalService:
        self.calls.append(f"start {service.name} at {service.port}")
        self.code = prepared.wanted.files
        return service.model_copy(update={"pid": 1})

    def ended(self, service: LocalService, folder: Path) -> Exit | None:  # noqa: ARG002
        return self.exit

    def addresses(self, service: LocalService) -> frozenset[str]:  # noqa: ARG002
        return self.listening

    def put_code(self, service: LocalService, folder: Path, files: Mapping[str, bytes]) -> None:  # noqa: ARG002
        self.calls.append(f"put {service.name}")
        self.code = files

    def source(self, service: LocalService, folder: Path) -> Mapping[str, bytes]:  # noqa: ARG002
        return self.code

    def log(self, service: LocalService, folder: Path) -> bytes:  # noqa: ARG002
        return self.printed

    def followed(self, service: LocalService, folder: Path) -> Iterator[bytes]:  # noqa: ARG002
        yield self.printed

    def stop(self, service: LocalService, folder: Path) -> None:  # noqa: ARG002
        self.stopped.append(service)
        self.calls.append(f"stop {service.name}")

    def forget(self, service: LocalService, others: tuple[LocalService, ...]) -> None:  # noqa: ARG002
        self.calls.append(f"forget {service.name}")


@dataclass
class Told:
    """A ``Log`` that remembers."""

    phases: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def write(self, text: str) -> None:
        self.lines.append(text)
