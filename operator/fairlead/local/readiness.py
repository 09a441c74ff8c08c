"""Whether a service that was started has come up, and why not: in the words of the cluster."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.startup import init_timed_out, startup_failure
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.inputs.startup_record import SCHEMA, StartupRecord, read_record
from fairlead.local.answers import NoAnswerError, is_ready, reload_script
from fairlead.local.errors import LocalError, refusal
from fairlead.local.host import Exit, Keeper
from fairlead.local.service import LocalService
from fairlead.redact import redacted

POLL_S = 0.05  # seconds between two looks
LOG_TAIL_CHARS = 3000
IN_STATUS = "the traceback is in status.failure.logTail."
IN_LOG = "the traceback is in the log: fairlead local logs {name}."
OUT_OF_MEMORY_CODE = 137
Ready = Callable[[int], bool]
Held = Callable[[], bool]
Reload = Callable[[int], Mapping[str, Any] | None]


def await_ready(
    keeper: Keeper,
    service: LocalService,
    folder: Path,
    about: PodContext,
    ready: Ready = is_ready,
    held: Held = lambda: False,
) -> None:
    """Raise ``LocalError`` as soon as it is known that it does not come up.

    Who answers at the port counts only where it is the service that listens there. While ``held``,
    which is what a debugger does, no time passes.
    """
    deadline = time.monotonic() + about.startup_budget
    while not (ready(service.port) and keeper.addresses(service)):
        ended = keeper.ended(service, folder)
        if ended:
            raise start_failed(ended, keeper.log(service, folder), about)
        if held():
            deadline = time.monotonic() + about.startup_budget
        if time.monotonic() > deadline:
            keeper.stop(service, folder)
            raise LocalError(_local(init_timed_out(about, None), about))
        time.sleep(POLL_S)
    exposed = sorted(one for one in keeper.addresses(service) if not ip_address(one).is_loopback)
    if exposed:
        keeper.stop(service, folder)
        raise _exposed(exposed)


def _exposed(addresses: list[str]) -> LocalError:
    """A runtime that does not know the setting for the address listens at all of them."""
    return refusal(
        Reason.IMAGE_BUILD_FAILURE,
        f"The scoring runtime is another version's: it listens at {', '.join(addresses)}, where "
        "others can reach it, and was ended.",
        "Install Fairlead again, from a whole wheel; in a checkout, run `make setup`.",
        FailureClass.INFRASTRUCTURE,
    )


def start_failed(ended: Exit, log: bytes, about: PodContext) -> LocalError:
    """What the runtime left behind says most; where it left nothing, its log and its exit code."""
    tail = redacted(log.decode(errors="replace").strip(), LOG_TAIL_CHARS)
    record = read_record(ended.record)
    if record:
        return LocalError(_local(startup_failure(record, about), about), record.traceback or tail)
    if ended.code == OUT_OF_MEMORY_CODE:
        limit = about.memory_limit or "all of the memory"
        return LocalError(
            Finding(
                Reason.POD_OUT_OF_MEMORY,
                FailureClass.RESOURCE,
                f"The service used more memory than it may ({limit}) and was ended.",
                "Raise spec.resources.limits.memory (--memory), or let the script use less.",
            ),
            tail,
        )
    code = "" if ended.code is None else f" with exit code {ended.code}"
    said = tail.splitlines()[-1] if tail else "it printed nothing"
    return LocalError(
        Finding(
            Reason.CONTAINER_EXITED,
            FailureClass.UNKNOWN,
            f"The service ended{code} before it was ready: {said}",
            f"See its log: fairlead local logs {about.webservice}.",
        ),
        tail,
    )


def load_again(service: LocalService, about: PodContext, reload: Reload = reload_script) -> None:
    """Have the script loaded. Raise ``LocalError`` where that fails: what was loaded before serves
    on."""
    try:
        failure = reload(service.port)
    except NoAnswerError as error:
        message = f"'{service.name}' does not answer at port {service.port}: {error}."
        remedy = f"See its log: fairlead local logs {service.name}."
        raise refusal(Reason.SERVICE_NOT_RUNNING, message, remedy) from error
    if failure is not None:
        raise reload_failed(dict(failure), about)


def reload_failed(failure: dict[str, Any], about: PodContext) -> LocalError:
    """``failure``: the fields of a start-up record that the runtime tells of a reload."""
    known = {name: value for name, value in failure.items() if value is not None}
    whole = {"stage": "import", **known, "schema": SCHEMA}
    record = StartupRecord.model_validate(whole)
    found = _local(startup_failure(record, about), about)
    message = f"{found.message.removesuffix('.')}. What was loaded before serves on."
    return LocalError(replace(found, message=message), record.traceback)


def _local(found: Finding, about: PodContext) -> Finding:
    """The same, but for where to look."""
    remedy = (found.remedy or "").replace(IN_STATUS, IN_LOG.format(name=about.webservice))
    return replace(found, remedy=remedy or None)
