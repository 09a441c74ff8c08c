"""Requests in, answers out: on the main thread, or on several threads of one process."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import Generator, NoReturn, Set, Tuple

from .console import console
from .request import Request
from .scoring import Scorer, log_failure
from .wire import Channel, FrameHead


def serve(scorer: Scorer, channel: Channel, threads: int) -> None:
    """Answer requests until the front closes the pipe: one after the other, or ``threads`` at once.

    What is no ``Exception`` (``sys.exit()`` in ``run()``) ends the process, the pipe first.
    """
    service = (
        ThreadedServer(scorer, channel, threads)
        if threads > 1
        else SequentialServer(scorer, channel)
    )
    try:
        service.serve()
    except (EOFError, OSError):
        channel.close()  # the front ends a slot by closing its pipe
    except BaseException as error:  # noqa: BLE001 - it has been logged, and ends the process
        end(channel, error)


def end(channel: Channel, error: BaseException) -> NoReturn:
    """End the process as user code wants it, whatever threads it has left behind."""
    channel.close()
    with suppress(Exception):  # they may be the script's own
        sys.stdout.flush()
        sys.stderr.flush()
    console().flush()
    os._exit(error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1)


class SequentialServer:
    """Everything on the main thread, which is where most scripts expect to be."""

    def __init__(self, scorer: Scorer, channel: Channel) -> None:
        self._scorer = scorer
        self._channel = channel
        self._cancelled: Set[int] = set()

    def serve(self) -> NoReturn:
        while True:
            head, body = self._channel.receive()
            if head["type"] == "request":  # else it cancels what is over by now
                self.answer(head, body)

    def answer(self, head: FrameHead, body: bytes) -> None:
        """Raise ``OSError`` when the front is gone, and what is no ``Exception`` in user code."""
        request, seq = Request(head, body), head["seq"]
        found = self._scorer.answer(request)
        self._channel.send(found.head(seq), found.body)
        if found.pieces is not None:
            self._send_rest(found.pieces, request, seq)
            self._cancelled.discard(seq)

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
            except Exception as error:  # noqa: BLE001 - user code's generator may raise anything
                log_failure("run() broke off its answer", request, error)
                self._channel.send({"type": "abort", "seq": seq})
                return
            more = piece is not None
            self._channel.send({"type": "chunk", "seq": seq, "more": more}, piece or b"")


class ThreadedServer(SequentialServer):
    """Receives on the main thread and answers on others."""

    def __init__(self, scorer: Scorer, channel: Channel, threads: int) -> None:
        super().__init__(scorer, channel)
        self._threads = threads
        self._frames: SimpleQueue[Tuple[FrameHead, bytes]] = SimpleQueue()

    def serve(self) -> NoReturn:
        for number in range(self._threads):
            name = f"fairlead-slot-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        while True:
            head, body = self._channel.receive()
            if head["type"] == "cancel":
                self._cancelled.add(head["seq"])
            else:
                self._frames.put((head, body))

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
