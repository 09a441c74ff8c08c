"""What py-rattler's own code dies of, told as an exception like any other."""

from collections.abc import Iterator
from contextlib import contextmanager

PANIC = "PanicException"  # pyo3 makes its class in each library anew: there is none to import


class RattlerPanicError(Exception):
    """py-rattler met something that its authors held impossible, such as an address that is none
    in a channel's list."""


@contextmanager
def panics_told() -> Iterator[None]:
    """Raise ``RattlerPanicError`` where a panic, which is no ``Exception``, comes out."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise RattlerPanicError("py-rattler does not read it") from error
