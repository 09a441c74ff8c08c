"""The person's terminal, while it is another machine's."""

import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fairlead.api.reasons import Reason
from fairlead.local.errors import LocalError, refusal

CONTAINER_SHELL = ("/bin/sh", "-c", "command -v bash >/dev/null && exec bash || exec sh")


def is_terminal() -> bool:
    """Whether a person sits at it, and sees what is printed."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def no_terminal() -> LocalError:
    message = "A shell needs a terminal, and there is none here."
    return refusal(Reason.PROGRAM_FAILED, message, "Give a command: fairlead shell NAME -- ls.")


@contextmanager
def raw() -> Iterator[None]:
    """Every key goes to the other side, ctrl-C, too; the terminal is as before at the end."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed already is not lost
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def resized(tell: Callable[[os.terminal_size], object]) -> Iterator[None]:
    """Tell the other side how large the terminal is, now and whenever that changes."""

    def resize(*_: object) -> None:
        tell(os.get_terminal_size(sys.stdout.fileno()))

    resize()
    before: Callable[..., object] | int | None = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def shown_on(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
