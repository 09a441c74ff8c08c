"""One request and its answer: from the connection through the queue into a slot, and back."""

import logging
import time
import uuid
from typing import Protocol

from fairlead_scoring.front.config.settings import Settings
from fairlead_scoring.front.http.ids import IdTooLongError, RequestIds, read_ids
from fairlead_scoring.front.http.incoming import Client
from fairlead_scoring.front.http.messages import Request, Response, problem
from fairlead_scoring.front.http.slot_messages import BadHeaderError, frame, read_answer, unanswered
from fairlead_scoring.front.metrics import Figures
from fairlead_scoring.front.queue.admission import Reason, Turn
from fairlead_scoring.front.slots.in_flight import Exchange, Outcome
from fairlead_scoring.front.slots.pool import Pool
from fairlead_scoring.front.slots.slot import Slot
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.wire import Head
from fairlead_scoring.slot.words import INTERNAL

logger = logging.getLogger(NAME)


class Host(Protocol):
    """The application, as far as a visit has to do with it."""

    pool: Pool
    settings: Settings
    figures: Figures

    def unrouted(self, request: Request) -> Response | None: ...
    def early(self, request: Request) -> Response | None: ...
    def enter(self, visit: "Visit", request: Request) -> None: ...
    def refused(self, reason: Reason) -> Response: ...
    def completed(self, request: Request, ids: RequestIds, response: Response) -> Response: ...
    def note(self, request: Request, status: int, seconds: float, size: str) -> None: ...
    def gave_up(self, request: Request) -> None: ...


class Visit(Turn[Slot]):
    """Nothing of it is awaited: whoever has news of the request calls it."""

    def __init__(self, app: Host, request: Request, client: Client) -> None:
        self._app = app
        self._request = request
        self._client: Client | None = client
        self._ids = RequestIds()
        self._began = self._entered = time.monotonic()
        self._body = b""
        self._slot: Slot | None = None
        self._exchange: Exchange | None = None
        self._streams = False
        self.waiting = False

    def open(self) -> None:
        """Answer at once what needs no slot; anything else is answered when its body is here."""
        early = self._app.unrouted(self._request)
        if early:  # the reference server gives ids to its routes only
            self._send(early)
            return
        try:
            self._ids = read_ids(self._request.headers, str(uuid.uuid4()))
        except IdTooLongError as error:
            self._ids, early = error.ids, problem(431, str(error))
        early = early or self._app.early(self._request)
        if early:
            self.reply(early)

    def reply(self, response: Response) -> None:
        """Answer with this, and what every answer carries."""
        self._send(self._app.completed(self._request, self._ids, response))

    # What the connection calls

    def take(self, body: bytes) -> None:
        self._body = body
        self._entered = time.monotonic()
        self.waiting = True
        self._app.enter(self, self._request)
        if self.waiting and self._client:
            self._client.look_for_the_client()

    def reject(self, response: Response) -> None:
        self.reply(response)

    def left(self) -> None:
        self._client = None
        self._app.gave_up(self._request)
        if self.waiting:
            self.waiting = False
            self._app.pool.leave(self)
        if self._streams and self._slot and self._exchange:
            self._slot.cancel(self._exchange)

    def pause(self) -> None:
        if self._streams and self._slot:
            self._slot.pause()

    def resume(self) -> None:
        if self._streams and self._slot:
            self._slot.resume()

    # What the pool calls

    def admit(self, place: Slot) -> None:
        self.waiting = False
        self._slot = place
        self._exchange = place.ask(frame(self._request, self._ids), self._body, self)
        self._app.figures.waits.note(self._exchange.began - self._entered)
        self._body = b""  # it may be large, and a copy is on its way

    def refuse(self, reason: Reason) -> None:
        self.waiting = False
        self.reply(self._app.refused(reason))

    # What the slot calls

    def answered(self, head: Head, body: bytes) -> None:
        self._streams = head["more"]
        if not self._streams:
            self._exchange = None  # which knows us: none of it is left to the garbage collector
        if head["failed"]:
            self._app.figures.failures += 1
        try:
            response = read_answer(head, body)
        except BadHeaderError as error:
            logger.error(  # noqa: TRY400 - a sentence, no traceback
                "The script answered request %s with a header that HTTP does not allow: %s",
                self._ids.request,
                error,
            )
            if self._streams and self._slot and self._exchange:
                self._slot.cancel(self._exchange)
            self._streams = False
            response = problem(500, INTERNAL)
        if not self._streams:
            self.reply(response)
        elif self._client:
            response = self._app.completed(self._request, self._ids, response)
            self._client.begin(response)
            self._note(response.status, "N/A")

    def unanswered(self, outcome: Outcome) -> None:
        self._app.figures.failures += 1
        logger.error("The script did not answer request %s: %s", self._ids.request, outcome.value)
        self.reply(unanswered(outcome, self._app.settings.scoring_timeout_ms))

    def chunk(self, body: bytes, *, more: bool) -> None:
        if self._client is None or not self._streams:
            return
        self._client.piece(body)
        if not more:
            self._stop_streaming()
            self._client.finish()

    def broken_off(self) -> None:
        if self._client and self._streams:
            logger.error("The answer to request %s was broken off", self._ids.request)
            self._stop_streaming()
            self._client.break_off()

    def _stop_streaming(self) -> None:
        """Let go of the slot: how slowly the client takes the rest concerns nobody else."""
        self._streams = False
        if self._slot:
            self._slot.resume()

    def _send(self, response: Response) -> None:
        if self._client:
            self._note(response.status, str(len(response.body)))
            self._client.respond(response)

    def _note(self, status: int, size: str) -> None:
        self._app.note(self._request, status, time.monotonic() - self._began, size)
