"""One request, from the front's frame to the answer, by the reference server's rules."""

import json
from time import perf_counter
from typing import Callable, NamedTuple, Optional

from . import frameworks, trace
from .interrupt import ScoringTimeout
from .own_log import log
from .request import RefusedError, Request
from .responses import (
    INTERNAL_ERROR_MESSAGE,
    RUN_FAILED_MESSAGE,
    TIMEOUT_MESSAGE,
    Answer,
    from_response,
    with_first_piece,
)
from .script import REQUEST_HEADERS, Script

INVALID_RESPONSE_MESSAGE = (
    "The server encountered an internal error and was unable to complete your request. Either the "
    "server is overloaded or there is an error in the application."
)


class Scorer(NamedTuple):
    """``timeout_ms`` is what a script's own ``TimeoutError`` is reported with.

    With ``debug`` the answer of a failed ``run()`` has its traceback. ``report`` is told what a
    request failed with.
    """

    script: Script
    timeout_ms: int
    debug: bool
    report: Optional[Callable[[BaseException], None]] = None

    def answer(self, request: Request) -> Answer:
        """Return the answer for the client; details are logged with the request's id."""
        try:
            with frameworks.context(request):
                found = self._answer(request)
        except BaseException as error:  # noqa: BLE001 - flask may be of any version
            self._log("flask failed", request, error)
            return refusal(500, INTERNAL_ERROR_MESSAGE)
        try:
            return with_first_piece(found)
        except BaseException as error:  # noqa: BLE001 - user code may raise anything
            return self._failed("run() failed in its first piece", request, error)

    def _answer(self, request: Request) -> Answer:
        try:
            arguments = self.script.input.arguments(request)
        except RefusedError as error:
            log.info("Request %s was refused with %d: %s", request.id, error.status, error)
            return refusal(error.status, str(error))
        except BaseException as error:  # noqa: BLE001 - any parser may be involved
            self._log("The input could not be read", request, error)
            return refusal(500, INTERNAL_ERROR_MESSAGE)
        if self.script.takes_headers:
            arguments[REQUEST_HEADERS] = request.headers()
        began = perf_counter()
        try:
            result = self.script.run(**arguments)
        except BaseException as error:  # noqa: BLE001 - sys.exit() of one request ends no others
            return self._failed("run() failed", request, error)
        return self._encoded(result, request, (perf_counter() - began) * 1000)

    def _encoded(self, result: object, request: Request, elapsed: float) -> Answer:
        if frameworks.is_response(result):
            return self._complete(result, request, elapsed)
        try:
            text = json.dumps({} if result is None else result)
        except BaseException as error:  # noqa: BLE001 - encoding may run user code
            self._log("run() returned what is no JSON", request, error)
            return refusal(500, INTERNAL_ERROR_MESSAGE)
        response = frameworks.json_response(text)
        if response is not None:
            return self._complete(response, request, elapsed)
        return Answer(200, text.encode(), elapsed=elapsed)

    def timed_out(self) -> Answer:
        return refusal(500, TIMEOUT_MESSAGE.format(self.timeout_ms), failed=True)

    def _failed(self, what: str, request: Request, error: BaseException) -> Answer:
        self._log(what, request, error)
        if isinstance(error, ScoringTimeout):
            return self.timed_out()
        timed_out = isinstance(error, TimeoutError)
        message = TIMEOUT_MESSAGE.format(self.timeout_ms) if timed_out else RUN_FAILED_MESSAGE
        if self.debug:
            return refusal(500, message, failed=True, traceback=trace.formatted(error))
        return refusal(500, message, failed=True)

    def _complete(self, response: object, request: Request, elapsed: float) -> Answer:
        try:
            return from_response(frameworks.processed(response), request, elapsed)
        except BaseException as error:  # noqa: BLE001 - the body may be user code, too
            self._log("run() returned a response that cannot be sent", request, error)
            return refusal(500, INVALID_RESPONSE_MESSAGE)

    def _log(self, what: str, request: Request, error: BaseException) -> None:
        log_failure(what, request, error)
        if self.report is not None:
            self.report(error)


def refusal(status: int, message: str, *, failed: bool = False, **more: str) -> Answer:
    return Answer(status, json.dumps({"message": message, **more}).encode(), failed)


def log_failure(what: str, request: Request, error: BaseException) -> None:
    if isinstance(error, ScoringTimeout):  # it is in the log by now, with the stack
        return
    log.error(
        "%s in request %s. Encountered Exception: %s", what, request.id, trace.formatted(error)
    )
