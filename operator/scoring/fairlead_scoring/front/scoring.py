"""``/score``: who may ask, what goes to a slot, and the slot's frame made a response."""

import logging
import re
from dataclasses import dataclass

from fairlead_scoring.front.admission import Reason
from fairlead_scoring.front.connection import Client
from fairlead_scoring.front.exchange import Exchange, NoAnswerError, Outcome
from fairlead_scoring.front.figures import Figures
from fairlead_scoring.front.health import unavailable
from fairlead_scoring.front.ids import RequestIds
from fairlead_scoring.front.messages import (
    FAILED,
    INTERNAL,
    OUTCOME,
    RUN_FAILED,
    BodyTooLargeError,
    Header,
    Receive,
    Request,
    Response,
    problem,
    read_body,
    text,
)
from fairlead_scoring.front.pool import Pool, RefusedError
from fairlead_scoring.front.settings import Settings
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.wire import Head

logger = logging.getLogger(NAME)
BAD_NAME = re.compile(r'[\x00-\x20\x7f-\U0010ffff()<>@,;:\\"/\[\]={}]|^$')
BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u0100-\U0010ffff]")
WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class Reply:
    """``rest`` is the exchange whose further chunks belong to the response, if there are any."""

    response: Response
    rest: Exchange | None = None


class Scoring:
    """Everything about ``/score`` that comes after its keys and ids."""

    def __init__(self, pool: Pool, settings: Settings, figures: Figures) -> None:
        self._pool = pool
        self._settings = settings
        self._figures = figures

    @property
    def raw(self) -> bool:
        """Whether ``run()`` answers OPTIONS and HEAD, too."""
        return self._pool.script is not None and self._pool.script["mode"] == "raw"

    async def reply(
        self, request: Request, ids: RequestIds, receive: Receive, client: Client
    ) -> Reply:
        """Raise ``ClientGoneError`` if there is nobody left to answer."""
        if not self.raw and request.method in UNASKED:
            return Reply(UNASKED[request.method])
        try:
            self._pool.check()  # at once, before the body is read
            body = await read_body(request, receive, self._settings.reading.largest_body)
            return await self._ask(request, ids, body, client)
        except BodyTooLargeError:
            return Reply(problem(413, self._too_large))
        except RefusedError as error:
            return Reply(self._refused(error.reason))
        except NoAnswerError as error:
            return Reply(self._failed(error.outcome, ids))

    async def _ask(self, request: Request, ids: RequestIds, body: bytes, client: Client) -> Reply:
        exchange = await self._pool.ask(frame(request, ids), body, client.watch)
        answer, content = await exchange.answer
        self._figures.failures += answer["failed"] is True
        return Reply(read_answer(answer, content), exchange if answer["more"] else None)

    def _refused(self, reason: Reason) -> Response:
        self._figures.refusals[reason.value] += 1
        return unavailable(reason, self._pool.retry_after(reason))

    def _failed(self, outcome: Outcome, ids: RequestIds) -> Response:
        self._figures.failures += 1
        logger.error("Request %s has no answer: %s", ids.request, outcome.value)
        message = RUN_FAILED
        if outcome is Outcome.TIMEOUT:
            message = f"Scoring timeout after {self._settings.scoring_timeout_ms} ms"
        return problem(500, message, failed=True).with_headers((OUTCOME, outcome.value))

    @property
    def _too_large(self) -> str:
        return (
            f"The request body is larger than {self._settings.reading.largest_body // 2**20} MB, "
            "the most that this service takes. Send less at a time."
        )


def preflight() -> Response:
    """Return the front's own answer to OPTIONS."""
    return text(200, b"", (FAILED, "False"))


UNASKED = {"OPTIONS": preflight(), "HEAD": problem(405, "Method not allowed")}


def frame(request: Request, ids: RequestIds) -> Head:
    """Return the head of the frame that carries the request to a slot."""
    return {
        "id": ids.request,
        "method": request.method,
        "path": request.raw_path,
        "query": request.query,
        "version": request.version,
        "headers": request.pairs,
        "client": request.client,
        "scheme": "http",
        "stream": False,
    }


def read_answer(answer: Head, body: bytes) -> Response:
    """Return the response that the slot's frame stands for, without what the front adds to all."""
    headers: list[Header] = [(name, value) for name, value in answer["headers"]]
    if any(BAD_NAME.search(name) or BAD_VALUE.search(value) for name, value in headers):
        logger.error("The script answered with a header that HTTP does not allow: %s", headers)
        return problem(500, INTERNAL)
    if answer["failed"] is not None:
        headers.append((FAILED, str(answer["failed"])))
    if answer["elapsed"] is not None:
        headers.append(("x-ms-run-fn-exec-ms", f"{answer['elapsed']:.3f}"))
    return Response(answer["status"], body, tuple(headers))
