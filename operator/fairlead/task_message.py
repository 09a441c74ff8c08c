"""A task's result as the termination message of its container: at most 2 048 bytes.

The kubelet divides 12 KiB among all containers of a pod, injected ones too, and cuts what is longer
at its end. So a result is made to fit by rule before it is written: of the versions that it lists
the oldest are left out, of what a failure says the end of its log goes first. What was left out of
an ``ok`` lies in the registry. A failure that was cut nevertheless is read as far as it goes; an
``ok`` is read whole or not at all, for half of a digest is none. Pure.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from fairlead.contract import TaskFailure, TaskResult, read_result

MAX_MESSAGE_BYTES = 2048
MAX_READ_CHARS = 16_384  # of a message; the kubelet keeps no more than 4 096 bytes
FIRST = ("reason", "class", "retryable", "location")  # of a failure: these survive a cut
TEXTS = {"location": 200, "requirement": 300, "message": 800, "remedy": 400}  # bytes of JSON
HEAD = '{"failure":'
DIGITS = "0123456789"
ELLIPSIS = "…"


def written_message(result: TaskResult) -> bytes:
    """Return the message, made to fit by rule."""
    if result.failure is not None:
        return _json({"failure": _short_failure(result.failure)})
    ok = result.ok or {}
    versions = ok.get("versions")
    if isinstance(versions, Sequence) and not isinstance(versions, str):
        ok = _with_fewer_versions(ok, versions)
    return _json({"ok": ok})


def read_message(program: str, message: str) -> TaskResult:
    """Return the result that a container of ``program`` left as its termination message.

    Raises ``ValueError`` where the message is something else, such as the end of a log.
    """
    text = message[:MAX_READ_CHARS]
    try:
        return read_result(program, text.encode(errors="replace"))
    except ValueError:
        if not text.startswith(HEAD):
            raise
    found = from_json(text.rstrip(DIGITS), allow_partial="trailing-strings")
    return read_result(program, json.dumps(found).encode())


def _with_fewer_versions(ok: Mapping[str, object], versions: Sequence[Any]) -> dict[str, object]:
    """``ok`` with as many versions as fit, the newest; the one that it is about is among them."""
    own = [version for version in versions if version["version"] == ok.get("version")]
    others = [version for version in versions if version["version"] != ok.get("version")]
    kept, room = (
        own,
        MAX_MESSAGE_BYTES - len(_json({"ok": {**ok, "versions": own, "partial": True}})),
    )
    for version in sorted(others, key=lambda version: version["version"], reverse=True):
        room -= len(_json(version)) + len(",")
        if room < 0:
            break
        kept = [*kept, version]
    if len(kept) == len(versions):
        return {**ok}
    shown = [version for version in versions if version in kept]
    short = {**ok, "versions": shown, "partial": True}
    excess = len(_json({"ok": short})) - MAX_MESSAGE_BYTES
    if excess <= 0:
        return short
    slim = [{key: value for key, value in v.items() if key != "mlflow"} for v in own]
    excess = len(_json({"ok": {**short, "versions": slim}})) - MAX_MESSAGE_BYTES
    if excess <= 0:
        return {**short, "versions": slim}
    return {**short, "versions": [_with_short_source(version, excess) for version in slim]}


def _with_short_source(version: dict[str, Any], excess: int) -> dict[str, Any]:
    """The address that a version came from may be long; the registry has it whole."""
    source = str(version.get("source", ""))
    return {**version, "source": _start(source, len(_text(source)) - excess)}


def _short_failure(failure: TaskFailure) -> dict[str, object]:
    whole = failure.to_wire()
    tail = str(whole.pop("logTail", ""))
    short = {key: whole[key] for key in FIRST if key in whole}
    short |= {key: value for key, value in whole.items() if key not in short}
    for key, most in TEXTS.items():
        if key in short:
            short[key] = _start(str(short[key]), most)
    if short.get("requirement") != whole.get("requirement"):
        del short["requirement"]  # it names a line of the user's file: half of it names none
    room = MAX_MESSAGE_BYTES - len(_json({"failure": {**short, "logTail": ""}}))
    tail = _end(tail, room + len(_text("")))
    return {**short, "logTail": tail} if tail else short


def _start(text: str, most: int) -> str:
    """As much of the beginning as takes ``most`` bytes of JSON."""
    if len(_text(text)) <= most:
        return text
    kept = text[: max(most, 0)]
    while kept and len(_text(kept + ELLIPSIS)) > most:
        kept = kept[: len(kept) - 1 - (len(_text(kept + ELLIPSIS)) - most) // 6]
    return kept + ELLIPSIS


def _end(text: str, most: int) -> str:
    """As much of the end as takes ``most`` bytes of JSON."""
    kept = text[-max(most, 1) :]
    while kept and len(_text(kept)) > most:
        kept = kept[1 + (len(_text(kept)) - most) // 6 :]
    return kept


def _text(text: str) -> bytes:
    return _json(text)


def _json(value: object) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace")
