"""One request and its answer: from the connection through the queue into a slot, and back."""

import asyncio
import logging
import time
from dataclasses import dataclass

from fairlead_scoring.front.http.endpoints import Endpoints
from fairlead_scoring.front.http.ids import IdTooLongError, RequestIds, read_ids
from fairlead_scoring.front.http.messages import Body, Request, Response, json_error
from fairlead_scoring.front.http.protocols import ClientConnection
from fairlead_scoring.front.http.request_log import RequestLog
from fairlead_scoring.front.http.response_headers import ResponseHeaders
from fairlead_scoring.front.http.router import RELOAD, Router
from fairlead_scoring.front.http.slot_messages import (
    InvalidHeaderError,
    failure_response,
    read_answer,
    request_head,
)
from fairlead_scoring.front.queue.admission import QueueEntry, RejectionReason
from fairlead_scoring.front.slots.in_flight import InFlightRequest, Outcome
from fairlead_scoring.front.slots.pool import SlotPool
from fairlead_scoring.front.slots.reload import ScriptReloader
from fairlead_scoring.front.slots.slot import Slot
from fairlead_scoring.slot.console import LOGGER_NAME
from fairlead_scoring.slot.responses import INTERNAL_ERROR_MESSAGE
from fairlead_scoring.slot.wire import FrameHead

logger = logging.getLogger(LOGGER_NAME)

HANDED_BACK_AFTER_S = 0.5
"""So long a request that came by a front waits for a slot's ``init()``. HAProxy before 3.1 takes a
replica for ready for the two seconds until it has asked it, and gives a request up that was handed
back ten times: at once, that took it a few milliseconds where the others were busy."""


@dataclass(frozen=True)
class Services:
    """What every request is answered with."""

    pool: SlotPool
    router: Router
    endpoints: Endpoints
    response_headers: ResponseHeaders
    request_log: RequestLog
    reloader: ScriptReloader | None
    scoring_timeout_ms: int


class HttpRequestHandler(QueueEntry[Slot]):
    """Nothing of it is awaited: connection, pool and slot call it.

    ``queued`` is whether it waits in the queue.
    """

    def __init__(self, services: Services, request: Request, connection: ClientConnection) -> None:
        self._services = services
        self._request = request
        self._connection: ClientConnection | None = connection
        self._ids = RequestIds()
        self._started_at = self._enqueued_at = time.monotonic()
        self._body: Body | None = None
        self._slot: Slot | None = None
        self._in_flight: InFlightRequest | None = None
        self._streams = False
        self.queued = False

    def start(self) -> None:
        """Answer at once what needs neither a slot nor the body."""
        refusal = self._services.router.routing_error(self._request)
        if refusal:  # the reference server adds ids to the answers of its routes only
            self._services.request_log.refused(self._request, *refusal)
            self._send(json_error(*refusal))
            return
        response: Response | None = None
        try:
            self._ids = read_ids(self._request.headers)
        except IdTooLongError as error:
            self._ids, response = error.ids, json_error(431, str(error))
        response = response or self._services.router.immediate_response(self._request)
        if response:
            self.respond(response)

    def respond(self, response: Response) -> None:
        """Answer with this, and the headers of every answer."""
        self._send(self._services.response_headers.add(self._request, self._ids, response))

    # Called by the connection

    def on_body(self, body: Body) -> None:
        if self._request.path == RELOAD and self._services.reloader:
            self._services.reloader.start(self._reloaded)
            return
        self._body = body
        self._enqueued_at = time.monotonic()
        self.queued = True
        self._services.pool.enqueue(self)
        if self.queued and self._connection:
            self._connection.probe_client()
        if self.queued and self._request.has_another_replica and self._services.pool.script is None:
            asyncio.get_running_loop().call_later(HANDED_BACK_AFTER_S, self._hand_back)

    def on_disconnect(self) -> None:
        self._connection = None
        self._services.request_log.disconnected(self._request)
        if self.queued:
            self.queued, self._body = False, None
            self._services.pool.cancel(self)
        if self._streams:
            self._cancel()

    def pause(self) -> None:
        if self._streams and self._slot:
            self._slot.pause()

    def resume(self) -> None:
        if self._streams and self._slot:
            self._slot.resume()

    # Called by the pool

    def on_admitted(self, place: Slot) -> None:
        self.queued = False
        router = self._services.router
        if router.needs_script(self._request):
            response = router.scripts_response(self._request)
            if response:  # it had to wait for init() to end
                self._services.pool.give_back(place)
                self.respond(response)
                return
        self._slot = place
        body, self._body = self._body or b"", None  # it is the pipe's until it has been sent
        head = request_head(self._request, self._ids)
        self._in_flight = place.send(head, body, self)
        self._services.request_log.admitted(self._in_flight.started_at - self._enqueued_at)

    def on_rejected(self, reason: RejectionReason) -> None:
        self.queued, self._body = False, None
        elsewhere = self._request.has_another_replica
        self.respond(self._services.endpoints.rejected(reason, elsewhere=elsewhere))

    # Called by the slot

    def on_answer(self, head: FrameHead, body: bytes) -> None:
        self._streams = head["more"]
        if not self._streams:
            self._in_flight = None  # breaks the reference cycle, which only the collector would
        if head["failed"]:
            self._services.request_log.run_failed()
        response = self._read_answer(head, body)
        if not self._streams:
            self.respond(response)
        elif self._connection:
            response = self._services.response_headers.add(self._request, self._ids, response)
            self._connection.start_response(response)
            self._log(response.status, self._elapsed_s, "N/A")

    def on_failure(self, outcome: Outcome) -> None:
        self._services.request_log.run_failed()
        logger.error("The script did not answer request %s: %s", self._ids.loggable, outcome.value)
        self.respond(failure_response(outcome, self._services.scoring_timeout_ms))

    def on_chunk(self, body: bytes, *, more: bool) -> None:
        if self._connection is None or not self._streams:
            return
        self._connection.send_chunk(body)
        if not more:
            self._end_stream()
            self._connection.end_response()

    def on_abort(self) -> None:
        if self._connection and self._streams:
            logger.error("The answer to request %s was broken off", self._ids.loggable)
            self._end_stream()
            self._connection.abort_response()

    # Internal

    def _hand_back(self) -> None:
        """Another replica may be ready."""
        if self.queued and self._services.pool.script is None:
            self._services.pool.cancel(self)
            self.on_rejected(RejectionReason.STARTING)

    def _read_answer(self, head: FrameHead, body: bytes) -> Response:
        try:
            return read_answer(head, body)
        except InvalidHeaderError as error:
            logger.error(  # noqa: TRY400 - no traceback
                "The script answered request %s with a header that HTTP does not allow: %s",
                self._ids.loggable,
                error,
            )
            if self._streams:
                self._cancel()
            self._streams = False
            return json_error(500, INTERNAL_ERROR_MESSAGE)

    def _cancel(self) -> None:
        if self._slot and self._in_flight:
            self._slot.cancel(self._in_flight)

    def _end_stream(self) -> None:
        """Release the slot's pipe: how slowly the client reads the rest delays nobody else."""
        self._streams = False
        if self._slot:
            self._slot.resume()

    def _reloaded(self, failure: str | None) -> None:
        self.respond(self._services.endpoints.reloaded(failure))

    def _send(self, response: Response) -> None:
        if self._connection:
            seconds = self._elapsed_s
            self._connection.respond(response)
            self._log(response.status, seconds, str(len(response.body)))

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started_at

    def _log(self, status: int, seconds: float, size: str) -> None:
        self._services.request_log.answered(self._request, status, seconds, size)
