"""The record of a start-up failure, which the operator reads from the termination message.

Format ``fairlead.dev/startup-failure/v1``; ``tests/contract/startup-record.json`` is an example.
``stage`` is ``import`` (the script could not be read or executed), ``script`` (it has no fitting
``init()`` or ``run()``), ``init`` (which raised, died or was interrupted) or, of a smoke test,
``run``. ``exception`` is a class, or what ended the process: ``OutOfMemory``, ``ProcessKilled``,
``ProcessExited``, ``InitInterrupted``; of a ``run()`` also ``RunTimedOut``, ``AnsweredWithError``,
``AnswerBrokenOff``, ``SampleUnreadable``.
"""

import json
import platform
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from . import trace
from .redaction import clean
from .shims.azureml.core.inventory import inventory

SCHEMA = "fairlead.dev/startup-failure/v1"
# The kubelet cuts a longer termination message off, and it is no JSON then: it divides 12 KiB among
# all containers of a pod, which others may add to.
MAX_RECORD_BYTES = 2048
SHORTENED_FIELDS = ("traceback", "models", "causes", "frames")  # in this order
SHORT_TEXT_CHARS = 100  # of the exception and its location, before the message is shortened, too
MAX_MESSAGE_CHARS = 1000  # it must not displace everything else
MAX_TRACEBACK_CHARS = 16_000  # more never fits, so more is not even sent over the pipe
MAX_CAUSES = 5
Record = Dict[str, Any]


class Failure(NamedTuple):
    """What keeps the script from serving, as far as this process or the front can tell."""

    stage: str
    exception: str
    message: str
    location: Optional[trace.Location] = None
    causes: Sequence[Dict[str, str]] = ()
    frames: Sequence[str] = ()
    traceback: str = ""


def explain(error: BaseException, stage: str, app_root: Path) -> Failure:
    return Failure(
        stage,
        class_name(error),
        message(error),
        trace.location(error, app_root),
        [{"exception": class_name(e), "message": message(e)} for e in causes(error)],
        trace.short_frames(error, app_root),
        _traceback(error),
    )


def make_record(
    failure: Failure, models_dir: Path, elapsed: float, python: Optional[str] = None
) -> Record:
    """Return the record; ``elapsed`` is in seconds since the process was started.

    ``python`` is the version that user code runs on where that is not this process's own.
    """
    models = inventory(models_dir).items()
    return {
        "schema": SCHEMA,
        "stage": failure.stage,
        "exception": trace.printable(failure.exception),
        "message": shortened(clean(failure.message), MAX_MESSAGE_CHARS),
        "causes": [
            {"exception": trace.printable(c["exception"]), "message": trace.printable(c["message"])}
            for c in failure.causes
        ],
        "location": failure.location,
        "frames": list(failure.frames),
        "models": [
            {"name": trace.printable(name), "versions": versions} for name, versions in models
        ],
        "python": python or platform.python_version(),
        "elapsedSeconds": round(elapsed, 1),
        "traceback": shortened(clean(failure.traceback), MAX_TRACEBACK_CHARS),
    }


def fit(record: Record, max_bytes: int = MAX_RECORD_BYTES) -> bytes:
    """Return the record as JSON in UTF-8, its longest parts shortened until it fits."""
    for field in SHORTENED_FIELDS:
        if len(encoded(record)) <= max_bytes:
            return encoded(record)
        record = {**record, field: _longest_that_fits(record, field, max_bytes)}
    if len(encoded(record)) > max_bytes:
        record = _with_short_texts(record)
        record = {**record, "message": _longest_that_fits(record, "message", max_bytes)}
    return encoded(record)


def encoded(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")


def shortened(value: Any, kept: int) -> Any:
    """Keep the first ``kept`` items of a list; of a text the same number from its two ends."""
    if len(value) <= kept:
        return value
    if isinstance(value, list):
        return value[:kept]
    tail = kept // 2
    return f"{value[: kept - tail]}\n…\n{value[len(value) - tail :]}"


def causes(error: BaseException) -> List[BaseException]:
    """Return the chain behind ``error``, the nearest first, in the order of a traceback."""
    chain = [error]
    while len(chain) <= MAX_CAUSES:
        last = chain[-1]
        before = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if before is None or any(before is known for known in chain):
            break
        chain.append(before)
    return chain[1:]


def class_name(error: BaseException) -> str:
    """Return ``azureml.exceptions.ModelNotFoundException``, whatever private module it is from."""
    parts = f"{type(error).__module__}.{type(error).__qualname__}".split(".")
    return ".".join(part for part in parts if part != "builtins" and not part.startswith("_"))


def message(error: BaseException) -> str:
    """Return the message of the error."""
    if _is_sdks(error):
        return str(getattr(error, "message", error))
    return trace.error_text(error)


def _is_sdks(error: BaseException) -> bool:
    """Whether its ``str()`` is a page of JSON, which says the message twice."""
    return type(error).__module__.startswith("azureml.")


def _traceback(error: BaseException) -> str:
    text = trace.formatted(error)
    return text.replace(trace.error_text(error), message(error)) if _is_sdks(error) else text


def _with_short_texts(record: Record) -> Record:
    """Cut the exception's name and the texts of its location."""
    location = record["location"] and {
        name: text[:SHORT_TEXT_CHARS] if isinstance(text, str) else text
        for name, text in record["location"].items()
    }
    return {**record, "exception": record["exception"][:SHORT_TEXT_CHARS], "location": location}


def _longest_that_fits(record: Record, field: str, max_bytes: int) -> Any:
    """Return the longest value of ``field`` within the limit; nearly nothing, if none is."""
    low, high = 0, len(record[field])
    while low < high:
        middle = (low + high + 1) // 2
        if len(encoded({**record, field: shortened(record[field], middle)})) <= max_bytes:
            low = middle
        else:
            high = middle - 1
    return shortened(record[field], low)
