"""Requests in, answers out: on the main thread, or on several threads of one process."""

import os
import queue
import sys
import threading
from contextlib import suppress
from typing import Any, Callable, Dict, Generator, NoReturn, Set, Tuple

from . import trace
from .console import console
from .interrupt import Interrupter, ScoringTimeout, log_overdue
from .own_log import log
from .request import Request
from .responses import Answer
from .scoring import Scorer, log_failure
from .wire import Channel, FrameHead

# The simple one is faster; Python 3.6 has the other one only.
NEW_QUEUE: Callable[[], "queue.Queue[Any]"] = getattr(queue, "SimpleQueue", queue.Queue)


def serve(scorer: Scorer, channel: Channel, threads: int) -> None:
    """Answer requests until the front closes the pipe: one after the other, or ``threads`` at once.

    Whatever ``run()`` raises ends its request, not the process.
    """
    service = (
        ThreadedServer(scorer, channel, threads)
        if threads > 1
        else SequentialServer(scorer, channel)
    )
    try:
        service.serve()
    except (EOFError, ConnectionError):
        channel.close()  # the front ends a slot by closing its pipe


def end(channel: Channel, error: BaseException) -> NoReturn:
    """End the process, whatever threads user code has left behind; the pipe first.

    ``error`` came between two requests, a signal for example, or is a fault of ours.
    """
    log.error("The process that runs the script ends: %s", trace.formatted(error))
    channel.close()
    with suppress(Exception):  # they may be the script's own
        sys.stdout.flush()
        sys.stderr.flush()
    console().flush()
    os._exit(1)


def end_forked(request: Request) -> NoReturn:
    """End a process that user code forked and did not end: else it would answer requests, too."""
    log.warning("A process that run() forked in request %s has returned from run().", request.id)
    console().flush()
    os._exit(0)


class SequentialServer:
    """Everything on the main thread, which is where most scripts expect to be."""

    def __init__(self, scorer: Scorer, channel: Channel) -> None:
        self._scorer = scorer
        self._channel = channel
        self._interrupter = Interrupter(channel)
        self._process = os.getpid()
        self._cancelled: Set[int] = set()

    def serve(self) -> NoReturn:
        self._interrupter.install()
        while True:
            head, body = self._channel.receive()
            if head["type"] == "request":  # else it is about a request that is over by now
                self.answer(head, body)

    def answer(self, head: FrameHead, body: bytes) -> None:
        """Raise ``OSError`` when the front is gone."""
        request, seq = Request(head, body), head["seq"]
        found = self.scored(request, seq)
        if os.getpid() != self._process:
            end_forked(request)
        self._channel.send(found.head(seq), found.body)
        if found.pieces is not None:
            self._send_rest(found.pieces, request, seq)
            self._cancelled.discard(seq)

    def scored(self, request: Request, seq: int) -> Answer:
        try:
            self._interrupter.begin(seq, request)
            found = self._scorer.answer(request)
            self._interrupter.end()
        except ScoringTimeout:  # it came while another failure was being reported
            return self._scorer.timed_out()
        return found

    def is_cancelled(self, seq: int) -> bool:
        """Whether the front wants no more of a streamed answer: its client has gone away."""
        while self._channel.waiting:
            head, _ = self._channel.receive()
            self._cancelled.add(head["seq"])
        return seq in self._cancelled

    def _send_rest(self, pieces: Generator[bytes, None, None], request: Request, seq: int) -> None:
        more = True
        while more:
            cancelled = self.is_cancelled(seq)
            try:
                if cancelled:
                    pieces.close()
                piece = next(pieces, None)
            except BaseException as error:  # noqa: BLE001 - user code's generator may raise anything
                log_failure("run() broke off its answer", request, error)
                self._channel.send({"type": "abort", "seq": seq})
                return
            more = piece is not None
            self._channel.send({"type": "chunk", "seq": seq, "more": more}, piece or b"")


class ThreadedServer(SequentialServer):
    """Receives on the main thread and answers on others, where nothing can be interrupted."""

    def __init__(self, scorer: Scorer, channel: Channel, threads: int) -> None:
        super().__init__(scorer, channel)
        self._threads = threads
        self._frames: "queue.Queue[Tuple[FrameHead, bytes]]" = NEW_QUEUE()
        self._running: Dict[int, Tuple[Request, int]] = {}  # with its thread

    def serve(self) -> NoReturn:
        for number in range(self._threads):
            name = f"fairlead-slot-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        while True:
            head, body = self._channel.receive()
            if head["type"] == "request":
                self._frames.put((head, body))
            elif head["type"] == "cancel":
                self._cancelled.add(head["seq"])
            elif head["seq"] in self._running:
                log_overdue(*self._running[head["seq"]])

    def scored(self, request: Request, seq: int) -> Answer:
        self._running[seq] = request, threading.get_ident()
        try:
            return self._scorer.answer(request)
        finally:
            del self._running[seq]

    def is_cancelled(self, seq: int) -> bool:
        return seq in self._cancelled

    def _work(self) -> None:
        try:
            while True:
                self.answer(*self._frames.get())
        except OSError:
            return  # the front is gone, and the main thread will find out, too
        except BaseException as error:  # noqa: BLE001 - as on the main thread
            end(self._channel, error)
