"""A shell, or a command, in a pod of a service."""

import os
import sys
import threading
from collections.abc import Sequence
from select import select

from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal
from fairlead.local.terminal import (
    CONTAINER_SHELL,
    is_terminal,
    no_terminal,
    raw,
    resized,
    shown_on,
)
from fairlead.remote.access import Access
from fairlead.remote.execution import STDERR, Ended, Place, Session

READ_BYTES = 64 * 1024


def shell(access: Access, place: Place, command: Sequence[str]) -> int:
    """Return the exit code. Raises ``LocalError``."""
    if is_terminal():
        return _code(place, _interactive(access, place, command or CONTAINER_SHELL))
    if not command:
        raise no_terminal()
    session = Session(access, place, command, stdin=False, tty=False)
    return _code(place, session.follow(_printed, None))


def _printed(channel: int, content: bytes) -> None:
    stream = sys.stderr if channel == STDERR else sys.stdout
    stream.buffer.write(content)
    stream.flush()


def _interactive(access: Access, place: Place, command: Sequence[str]) -> Ended:
    """What is printed is read by a thread of its own: a connection may hold more than `select`
    knows of."""
    session = Session(access, place, command, stdin=True, tty=True)
    reading, ending = os.pipe()
    found = list[Ended | LocalError]()

    def follow() -> None:
        try:
            output = sys.stdout.fileno()
            found.append(session.follow(lambda _, content: shown_on(output, content), None))
        except LocalError as error:
            found.append(error)
        finally:
            os.close(ending)

    with resized(lambda size: resize_beside(session, size)), raw():
        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        _type(session, sys.stdin.fileno(), reading)
        thread.join()
    os.close(reading)
    result = found[0]
    if isinstance(result, LocalError):
        raise result
    return result


def resize_beside(session: Session, size: os.terminal_size) -> threading.Thread:
    """A signal asks for it, perhaps while this very thread is sending something else: it would wait
    for itself."""
    told = (size.columns, size.lines)
    thread = threading.Thread(target=session.resize, args=told, daemon=True)
    thread.start()
    return thread


def _type(session: Session, typed: int, ended: int) -> None:
    """Send what is typed until the other side has ended."""
    sources = [typed, ended]
    while True:
        ready, _, _ = select(sources, [], [])
        if ended in ready:
            return
        data = os.read(typed, READ_BYTES)
        if data:
            session.send(data)
        else:  # nothing will be typed any more
            sources.remove(typed)


def _code(place: Place, ended: Ended) -> int:
    if ended.code is not None:
        return ended.code
    message = f"The command does not run in {place.words}: {shown(ended.message, 400)}."
    remedy = "Name a program that the image has."
    raise refusal(Reason.PROGRAM_NOT_FOUND, message, remedy)
