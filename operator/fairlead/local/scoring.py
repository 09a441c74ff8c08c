"""One request to a local service, and what is told where it fails."""

from http import HTTPStatus
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.finding import Finding, shown
from fairlead.local.answers import SCORE_TIMEOUT_S, Answer, NoAnswerError, ask
from fairlead.local.errors import LocalError
from fairlead.local.host import Keeper
from fairlead.local.service import LocalService, error_of

LOG_LINES = 20
OUTCOMES = ("x-fairlead-503-reason", "x-fairlead-outcome")
MAX_SHOWN_CHARS = 600


def score(service: LocalService, body: bytes, keeper: Keeper, folder: Path) -> Answer:
    """Raises ``LocalError``, with the body of the answer and the end of the log."""
    try:
        answer = ask(service.port, "POST", "/score", body, timeout_s=SCORE_TIMEOUT_S)
    except NoAnswerError as error:
        raise not_running(service, str(error)) from error
    if answer.status == HTTPStatus.OK:
        return answer
    said = (answer.headers.get(name) for name in OUTCOMES)
    outcome = next(filter(None, said), None)
    because = f" ({outcome})" if outcome else ""
    finding = Finding(
        Reason.SCORING_FAILED,
        FailureClass.USER,
        f"The service answered {answer.status}{because}: {shown(answer.text, MAX_SHOWN_CHARS)}",
        f"The log tells more: fairlead local logs {service.name}. A changed script is loaded by "
        f"fairlead local reload {service.name}.",
    )
    tail = keeper.log(service, folder).decode(errors="replace").splitlines()[-LOG_LINES:]
    raise LocalError(finding, "\n".join(tail))


def not_running(service: LocalService, why: str) -> LocalError:
    """Nobody answers: the failure that is known, or that it has ended."""
    if service.failure is not None:
        return error_of(service.failure)
    return LocalError(
        Finding(
            Reason.SERVICE_NOT_RUNNING,
            FailureClass.USER,
            f"'{service.name}' does not answer at port {service.port}: {why}.",
            f"Start it again: fairlead local update {service.name}; or see its log: "
            f"fairlead local logs {service.name}.",
        )
    )
