"""What the command line, the environment and ``config.json`` say; in this order of precedence."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairlead_scoring.front.config.config_file import configuration_error, with_config_file
from fairlead_scoring.front.config.debug import DebugSettings, read_debug_settings
from fairlead_scoring.front.config.options import read_options
from fairlead_scoring.front.config.read_limits import ReadLimits, read_read_limits
from fairlead_scoring.front.config.remarks import remarks
from fairlead_scoring.front.config.values import (
    MAX_PORT,
    AllowedOrigins,
    SettingsError,
    read_bool,
    read_host,
    read_int,
    read_optional_int,
    read_seconds,
)
from fairlead_scoring.slot.layout import Layout, read_layout

PORT, HEALTH_PORT = 5001, 5000
MAX_SLOTS = 1000
QUEUE_ENTRIES_PER_SLOT = 10
SCORING_TIMEOUT_MS = 3_600_000
WHOLE_NUMBER = re.compile(
    r"[+-]?[0-9]{1,12}(_[0-9]{1,12}){0,3}(\.0+)?"
)  # as the reference server reads one
DRAIN_S = 5.0
INIT_WARNING_S = 30.0
TERMINATION_LOG = "/dev/termination-log"
SLOT_MODES = ("process", "thread")


@dataclass(frozen=True)
class QueueLimits:
    """How long a request may wait, in seconds, and how many may; None is no limit."""

    max_wait_s: float | None = None
    max_entries: int | None = None


@dataclass(frozen=True)
class Settings:
    """``metrics_port`` is where metrics and state are served alone, None for where all the rest is.

    ``keys_dir`` is the folder of the two keys, None where requests need no key.

    ``environ`` is what user code sees. ``slots`` requests run at once, in as many processes or,
    with ``in_threads``, in as many threads of one. ``scoring_timeout_ms`` is 0 for none.
    ``remarks`` are sentences about settings that do nothing, for the log. With
    ``reports_failures`` a slot sends the record of a ``run()`` that fails.
    """

    layout: Layout
    port: int = PORT
    health_port: int | None = None
    host: str = ""
    metrics_port: int | None = None
    slots: int = 1
    in_threads: bool = False
    queue_limits: QueueLimits = field(default_factory=QueueLimits)
    scoring_timeout_ms: int = SCORING_TIMEOUT_MS
    init_warning_s: float = INIT_WARNING_S
    drain_s: float = DRAIN_S
    read_limits: ReadLimits = field(default_factory=ReadLimits)
    keys_dir: Path | None = None
    cors_origins: AllowedOrigins | None = None
    send_version: bool = True
    termination_log: Path = Path(TERMINATION_LOG)
    swagger: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    debug: DebugSettings = field(default_factory=DebugSettings)
    remarks: tuple[str, ...] = ()
    reports_failures: bool = False

    @property
    def ports(self) -> list[int]:
        return [self.port, *filter(None, [self.health_port, self.metrics_port])]

    @property
    def processes(self) -> int:
        return 1 if self.in_threads else self.slots

    @property
    def threads(self) -> int:
        """The number of threads in each of the processes."""
        return self.slots if self.in_threads else 1

    @property
    def edits(self) -> Path | None:
        """The folder that the script is loaded from now in the place of the app root, if any."""
        folder = self.debug.edits
        return folder if folder and folder.is_dir() else None

    @property
    def start_frame(self) -> dict[str, Any]:
        """The first frame that each slot gets; it reads no settings of its own."""
        return {
            "type": "start",
            "layout": (self.layout.moved(self.edits) if self.edits else self.layout).as_json(),
            "swagger": self.swagger,
            "threads": self.threads,
            "timeout_ms": self.scoring_timeout_ms,
            "debug": self.debug.as_json(),
            "reports_failures": self.reports_failures,
        }


def read_settings(
    arguments: Sequence[str], environ: Mapping[str, str], memory_bytes: int | None = None
) -> Settings:
    """``memory_bytes`` is what the container may have, None for no limit.

    Raise ``SettingsError`` with a message that names the setting.
    """
    visible = read_options(arguments, environ)
    merged = with_config_file(visible)
    slots = _slots(merged)
    queue_limits = _queue_limits(merged, slots)
    keys_dir = merged.get("FAIRLEAD_KEYS_DIR")
    port = read_int(merged, "FAIRLEAD_PORT", PORT, maximum=MAX_PORT)
    health_port = _health_port(merged)
    return Settings(
        layout=read_layout(merged),
        port=port,
        health_port=health_port,
        host=read_host(merged),
        metrics_port=read_optional_int(merged, "FAIRLEAD_METRICS_PORT", maximum=MAX_PORT),
        slots=slots,
        in_threads=_in_threads(merged),
        queue_limits=queue_limits,
        scoring_timeout_ms=_scoring_timeout_ms(merged),
        init_warning_s=read_seconds(
            merged, "FAIRLEAD_INIT_WARNING_SECONDS", INIT_WARNING_S, minimum=0.1
        ),
        drain_s=read_seconds(merged, "FAIRLEAD_DRAIN_SECONDS", DRAIN_S),
        read_limits=read_read_limits(merged, queue_limits.max_wait_s, memory_bytes),
        keys_dir=Path(keys_dir) if keys_dir else None,
        cors_origins=_cors_origins(visible.get("AML_CORS_ORIGINS")),
        send_version=read_bool(merged, "SERVER_VERSION_LOG_RESPONSE_ENABLED", default=True),
        termination_log=Path(merged.get("FAIRLEAD_TERMINATION_LOG") or TERMINATION_LOG),
        swagger=_swagger(merged),
        environ={
            **visible,
            "WORKER_COUNT": str(slots),
            "SERVER_PORT": str(port),
            "HEALTH_PORT": str(health_port or port),
            "AML_APP_INSIGHTS_ENABLED": "false",
        },
        debug=read_debug_settings(merged),
        remarks=tuple(remarks(merged)),
    )


def _slots(environ: Mapping[str, str]) -> int:
    workers = read_int(environ, "WORKER_COUNT", 1, maximum=MAX_SLOTS)
    return read_int(environ, "FAIRLEAD_MAX_CONCURRENT_REQUESTS", workers, maximum=MAX_SLOTS)


def _health_port(environ: Mapping[str, str]) -> int | None:
    if not read_bool(environ, "SEPERATE_HEALTH_ENDPOINT", default=False):
        return None
    return read_int(environ, "HEALTH_PORT", HEALTH_PORT, maximum=MAX_PORT)


def _in_threads(environ: Mapping[str, str]) -> bool:
    mode = environ.get("FAIRLEAD_SLOT_MODE") or SLOT_MODES[0]
    if mode not in SLOT_MODES:
        raise SettingsError(
            f"FAIRLEAD_SLOT_MODE is {mode!r}, but must be {' or '.join(SLOT_MODES)}."
        )
    return mode == SLOT_MODES[1]


def _queue_limits(environ: Mapping[str, str], slots: int) -> QueueLimits:
    max_wait_ms = read_optional_int(environ, "FAIRLEAD_MAX_QUEUE_WAIT_MS", minimum=0)
    max_entries = read_optional_int(environ, "FAIRLEAD_QUEUE_LIMIT", minimum=0)
    if max_wait_ms is None:
        return QueueLimits(max_entries=max_entries)
    default = QUEUE_ENTRIES_PER_SLOT * slots
    return QueueLimits(max_wait_ms / 1000, default if max_entries is None else max_entries)


def _scoring_timeout_ms(environ: Mapping[str, str]) -> int:
    """Return the lower of the two limits for ``run()``, 0 if there is none."""
    text = environ.get("SCORING_TIMEOUT_MS") or str(SCORING_TIMEOUT_MS)
    if not WHOLE_NUMBER.fullmatch(text.strip()):
        problem = "Input should be a valid integer, unable to parse string as an integer"
        raise configuration_error("SCORING_TIMEOUT_MS", problem)
    scoring_ms = max(0, int(text.partition(".")[0]))
    worker_ms = 1000 * (read_optional_int(environ, "WORKER_TIMEOUT", minimum=0) or 0)
    return min(scoring_ms, worker_ms) if scoring_ms and worker_ms else scoring_ms or worker_ms


def _cors_origins(text: str | None) -> AllowedOrigins | None:
    try:
        return AllowedOrigins(text) if text else None
    except ValueError as error:
        raise SettingsError(f"AML_CORS_ORIGINS cannot be used: {error}.") from error


def _swagger(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        "title": environ.get("SERVICE_NAME", "ML service"),
        "version": environ.get("SERVICE_VERSION", "1.0"),
        "prefix": environ.get("SERVICE_PATH_PREFIX", ""),
    }
