"""Requests in, answers out: on the main thread, or on several threads of one process."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import closing
from queue import SimpleQueue
from typing import Generator, NoReturn, Tuple

from .request import Request
from .scoring import Scorer, log_failure
from .wire import Channel, Head

Frame = Tuple[Head, bytes]


def serve(scorer: Scorer, channel: Channel, threads: int) -> None:
    """Answer requests until the front closes the pipe: one after the other, or ``threads`` at once.

    What is no ``Exception`` (``sys.exit()`` in ``run()``) ends the process, the pipe first.
    """
    try:
        if threads > 1:
            _distribute(scorer, channel, threads)
        while True:
            answer(scorer, channel, channel.receive())
    except (EOFError, OSError):
        channel.close()  # the front has closed the pipe: that is how it says good-bye
    except BaseException as error:  # noqa: BLE001 - it has been logged, and ends the process
        end(channel, error)


def answer(scorer: Scorer, channel: Channel, frame: Frame) -> None:
    """Raise ``OSError`` when the front is gone, and what is no ``Exception`` in user code."""
    head, body = frame
    request = Request(head, body)
    found = scorer.answer(request)
    channel.send(found.head(head["seq"]), found.body)
    if found.pieces is not None:
        with closing(found.pieces) as pieces:
            _send_rest(pieces, channel, request, head["seq"])


def end(channel: Channel, error: BaseException) -> NoReturn:
    """End the process as user code wants it, whatever threads it has left behind."""
    channel.close()
    sys.stdout.flush()
    os._exit(error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1)


def _send_rest(
    pieces: Generator[bytes, None, None], channel: Channel, request: Request, seq: int
) -> None:
    more = True
    while more:
        try:
            piece = next(pieces, None)
        except Exception as error:  # noqa: BLE001 - a generator of user code may raise anything
            log_failure("run() broke off its answer", request, error)
            channel.send({"type": "abort", "seq": seq})
            return
        more = piece is not None
        channel.send({"type": "chunk", "seq": seq, "more": more}, piece or b"")


def _distribute(scorer: Scorer, channel: Channel, threads: int) -> NoReturn:
    """Receive on this thread, answer on others. Raise ``EOFError`` when the front is gone."""
    frames: SimpleQueue[Frame] = SimpleQueue()
    for number in range(threads):
        name, work = f"fairlead-slot-{number}", (scorer, channel, frames)
        threading.Thread(target=_work, args=work, name=name, daemon=True).start()
    while True:
        frames.put(channel.receive())


def _work(scorer: Scorer, channel: Channel, frames: SimpleQueue[Frame]) -> None:
    try:
        while True:
            answer(scorer, channel, frames.get())
    except OSError:
        return  # the front is gone, and the main thread will find out, too
    except BaseException as error:  # noqa: BLE001 - as on the main thread
        end(channel, error)
