"""What the command line, the environment and ``config.json`` say; in this order of precedence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairlead_scoring.front.config.config_file import configuration_error, with_config_file
from fairlead_scoring.front.config.debug import Debugging, read_debugging
from fairlead_scoring.front.config.options import read_options
from fairlead_scoring.front.config.values import (
    SettingsError,
    optional_whole,
    seconds,
    switch,
    whole,
)
from fairlead_scoring.front.http.cors import Cors
from fairlead_scoring.front.queue.admission import Limits
from fairlead_scoring.slot.layout import Layout, read_layout

PORT, HEALTH_PORT = 5001, 5000
HIGHEST_PORT = 65535
MOST_SLOTS = 1000
QUEUE_PER_SLOT = 10
SCORING_TIMEOUT_MS = 3_600_000
DRAIN_SECONDS = 5.0
INIT_WARNING_SECONDS = 30.0
MAX_BODY_MB = 100  # as in front of Azure ML v1 (contract §10)
HEAD_SECONDS = 30.0
BODY_SECONDS = 300.0  # the reference server's WORKER_TIMEOUT ends such a request, too
TERMINATION_LOG = "/dev/termination-log"
MODES = ("process", "thread")


@dataclass(frozen=True)
class Reading:
    """How much of a request is taken in, in bytes, and how long that may last, in seconds."""

    largest_body: int = MAX_BODY_MB * 2**20
    head_seconds: float = HEAD_SECONDS
    body_seconds: float = BODY_SECONDS


@dataclass(frozen=True)
class Settings:
    """``keys`` is the folder of the two keys, None where no key is asked for.

    ``environ`` is what user code sees. ``slots`` requests run at once, in as many processes or,
    with ``in_threads``, in as many threads of one. ``scoring_timeout_ms`` is 0 for none.
    """

    layout: Layout
    port: int = PORT
    health_port: int | None = None
    slots: int = 1
    in_threads: bool = False
    limits: Limits = field(default_factory=Limits)
    scoring_timeout_ms: int = SCORING_TIMEOUT_MS
    init_warning_seconds: float = INIT_WARNING_SECONDS
    drain_seconds: float = DRAIN_SECONDS
    reading: Reading = field(default_factory=Reading)
    keys: Path | None = None
    cors: Cors | None = None
    tells_version: bool = True
    termination_log: Path = Path(TERMINATION_LOG)
    swagger: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    debugging: Debugging = field(default_factory=Debugging)

    @property
    def ports(self) -> list[int]:
        return [self.port, *filter(None, [self.health_port])]

    @property
    def processes(self) -> int:
        return 1 if self.in_threads else self.slots

    @property
    def threads(self) -> int:
        """In each of the processes."""
        return self.slots if self.in_threads else 1

    @property
    def start_frame(self) -> dict[str, Any]:
        """The first frame that each slot gets; it reads no settings of its own."""
        return {
            "type": "start",
            "layout": self.layout.as_json(),
            "swagger": self.swagger,
            "threads": self.threads,
            "timeout_ms": self.scoring_timeout_ms,
            "debug": self.debugging.as_json(),
        }


def read_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Raise ``SettingsError`` with a sentence that names the setting."""
    visible = read_options(arguments, environ)
    merged = with_config_file(visible)
    slots = _slots(merged)
    keys = merged.get("FAIRLEAD_KEYS_DIR")
    port = whole(merged, "FAIRLEAD_PORT", PORT, most=HIGHEST_PORT)
    health_port = _health_port(merged)
    return Settings(
        layout=read_layout(merged),
        port=port,
        health_port=health_port,
        slots=slots,
        in_threads=_in_threads(merged),
        limits=_limits(merged, slots),
        scoring_timeout_ms=_scoring_timeout_ms(merged),
        init_warning_seconds=seconds(
            merged, "FAIRLEAD_INIT_WARNING_SECONDS", INIT_WARNING_SECONDS, least=0.1
        ),
        drain_seconds=seconds(merged, "FAIRLEAD_DRAIN_SECONDS", DRAIN_SECONDS),
        reading=_reading(merged),
        keys=Path(keys) if keys else None,
        cors=_cors(visible.get("AML_CORS_ORIGINS")),
        tells_version=switch(merged, "SERVER_VERSION_LOG_RESPONSE_ENABLED", default=True),
        termination_log=Path(merged.get("FAIRLEAD_TERMINATION_LOG") or TERMINATION_LOG),
        swagger=_swagger(merged),
        environ={
            **visible,
            "WORKER_COUNT": str(slots),
            "SERVER_PORT": str(port),
            "HEALTH_PORT": str(health_port or port),
        },
        debugging=read_debugging(merged),
    )


def _slots(environ: Mapping[str, str]) -> int:
    workers = whole(environ, "WORKER_COUNT", 1, most=MOST_SLOTS)
    return whole(environ, "FAIRLEAD_MAX_CONCURRENT_REQUESTS", workers, most=MOST_SLOTS)


def _health_port(environ: Mapping[str, str]) -> int | None:
    if not switch(environ, "SEPERATE_HEALTH_ENDPOINT", default=False):
        return None
    return whole(environ, "HEALTH_PORT", HEALTH_PORT, most=HIGHEST_PORT)


def _in_threads(environ: Mapping[str, str]) -> bool:
    mode = environ.get("FAIRLEAD_SLOT_MODE") or MODES[0]
    if mode not in MODES:
        raise SettingsError(f"FAIRLEAD_SLOT_MODE is {mode!r}, but must be {' or '.join(MODES)}.")
    return mode == MODES[1]


def _limits(environ: Mapping[str, str], slots: int) -> Limits:
    wait = optional_whole(environ, "FAIRLEAD_MAX_QUEUE_WAIT_MS", least=0)
    queue = optional_whole(environ, "FAIRLEAD_QUEUE_LIMIT", least=0)
    if wait is None:
        return Limits(queue=queue)
    return Limits(wait / 1000, QUEUE_PER_SLOT * slots if queue is None else queue)


def _scoring_timeout_ms(environ: Mapping[str, str]) -> int:
    text = environ.get("SCORING_TIMEOUT_MS") or str(SCORING_TIMEOUT_MS)
    try:
        return max(0, int(text))
    except ValueError as error:
        what = "Input should be a valid integer, unable to parse string as an integer"
        raise configuration_error("SCORING_TIMEOUT_MS", what) from error


def _reading(environ: Mapping[str, str]) -> Reading:
    return Reading(
        whole(environ, "FAIRLEAD_MAX_BODY_MB", MAX_BODY_MB, most=2**20) * 2**20,
        seconds(environ, "FAIRLEAD_HEAD_SECONDS", HEAD_SECONDS, least=0.1),
        seconds(environ, "FAIRLEAD_BODY_SECONDS", BODY_SECONDS, least=0.1),
    )


def _cors(origins: str | None) -> Cors | None:
    try:
        return Cors(origins) if origins else None
    except ValueError as error:
        raise SettingsError(f"AML_CORS_ORIGINS cannot be used: {error}.") from error


def _swagger(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        "title": environ.get("SERVICE_NAME", "ML service"),
        "version": environ.get("SERVICE_VERSION", "1.0"),
        "prefix": environ.get("SERVICE_PATH_PREFIX", ""),
    }
