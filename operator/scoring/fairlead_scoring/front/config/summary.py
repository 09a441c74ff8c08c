"""The settings in force, in a few lines: the first thing that the log says."""

from collections.abc import Iterator

from fairlead_scoring.front.config.settings import Settings

MEBIBYTE = 2**20


def summary(settings: Settings) -> Iterator[str]:
    """Yield lines without secrets."""
    yield f"Script {settings.layout.script_name}; {_ports(settings)}; {_slots(settings)}"
    yield f"Limits: {_limits(settings)}"
    keys = f"read from {settings.keys_dir}" if settings.keys_dir else "none, everybody may call"
    origins = settings.cors_origins
    cors = origins.text if origins else "off"
    debug = "ON: never in production" if settings.debug.enabled else "off"
    yield f"Keys: {keys}; CORS: {cors}; debug mode: {debug}"


def _ports(settings: Settings) -> str:
    text = f"port {settings.port}"
    if settings.health_port:
        text += f", health also at {settings.health_port}"
    if settings.metrics_port:
        text += f", metrics at {settings.metrics_port}"
    return text


def _slots(settings: Settings) -> str:
    what = "thread" if settings.in_threads else "process"
    several = f"{what}s" if settings.in_threads else f"{what}es"
    return f"1 {what}" if settings.slots == 1 else f"{settings.slots} {several}"


def _limits(settings: Settings) -> str:
    read, queue = settings.read_limits, settings.queue_limits
    run_ms = settings.scoring_timeout_ms
    wait = "no limit" if queue.max_wait_s is None else f"{queue.max_wait_s:g} s"
    entries = "no limit" if queue.max_entries is None else f"{queue.max_entries} requests"
    return (
        f"run() {f'{run_ms} ms' if run_ms else 'no limit'}; wait for a slot {wait}, {entries}; "
        f"body {read.largest_body_bytes // MEBIBYTE} MB, all bodies "
        f"{read.body_budget_bytes // MEBIBYTE} MB; head {read.head_timeout_s:g} s, body "
        f"{read.body_timeout_s:g} s, answer {read.write_timeout_s:g} s; drain "
        f"{settings.drain_s:g} s"
    )
