"""What is odd about the settings, though none of it ends the start: sentences for the log."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from fairlead_scoring.front.config.config_file import OWN_PREFIX
from fairlead_scoring.slot.layout import DEFAULT_SCRIPT, Layout

OWN_NAMES = (
    "FAIRLEAD_BODY_BUDGET_MB",
    "FAIRLEAD_BODY_SECONDS",
    "FAIRLEAD_DEBUG",
    "FAIRLEAD_DEBUG_HOST",
    "FAIRLEAD_DEBUG_PORT",
    "FAIRLEAD_DEBUG_WAIT_SECONDS",
    "FAIRLEAD_DRAIN_SECONDS",
    "FAIRLEAD_HEAD_SECONDS",
    "FAIRLEAD_HOST",
    "FAIRLEAD_INIT_WARNING_SECONDS",
    "FAIRLEAD_KEYS_DIR",
    "FAIRLEAD_MAX_BODY_MB",
    "FAIRLEAD_MAX_CONCURRENT_REQUESTS",
    "FAIRLEAD_MAX_QUEUE_WAIT_MS",
    "FAIRLEAD_METRICS_PORT",
    "FAIRLEAD_PORT",
    "FAIRLEAD_QUEUE_LIMIT",
    "FAIRLEAD_SLOT_MODE",
    "FAIRLEAD_TERMINATION_LOG",
    "FAIRLEAD_WRITE_SECONDS",
)
SWITCHES = ("SEPERATE_HEALTH_ENDPOINT", "SERVER_VERSION_LOG_RESPONSE_ENABLED")
NO_TELEMETRY = "AML_APP_INSIGHTS_{} does nothing: there are metrics at /metrics instead."
NO_PRELOAD = "WORKER_PRELOAD does nothing: each process loads the script for itself."
NO_SCRIPT = (
    "Either provide an entry_script using --entry_script or provide a path to the configuration "
    "file using --config_file: none is named, and there is no {} in {}."
)
MAX_SHOWN_CHARS = 100


def remarks(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each setting that does nothing, or not what it seems to do."""
    for name in sorted(environ):
        if name.startswith(OWN_PREFIX) and name not in OWN_NAMES:
            yield _unknown(name)
    for name in SWITCHES:
        text = environ.get(name, "true").lower()
        if text not in ("true", "false"):
            yield f"{name} is {text[:MAX_SHOWN_CHARS]!r}, but should be true or false; it is false."
    if environ.get("AML_APP_INSIGHTS_ENABLED", "false").lower() == "true":
        yield NO_TELEMETRY.format("ENABLED")
    if environ.get("AML_APP_INSIGHTS_KEY"):
        yield NO_TELEMETRY.format("KEY")
    if environ.get("WORKER_PRELOAD", "false").lower() == "true":
        yield NO_PRELOAD


def layout_remarks(layout: Layout) -> Iterator[str]:
    """Yield a sentence if no script is named, and the default one is not there."""
    if layout.module == DEFAULT_SCRIPT and not layout.script.exists():
        yield NO_SCRIPT.format(layout.script.name, layout.app_root)


def _unknown(name: str) -> str:
    shown = name[:MAX_SHOWN_CHARS]
    known = {own.removeprefix(OWN_PREFIX): own for own in OWN_NAMES}
    meant = get_close_matches(shown.removeprefix(OWN_PREFIX), known, n=1)
    hint = f" Is {known[meant[0]]} meant?" if meant else ""
    return f"{shown} is none of the settings, and does nothing.{hint}"
