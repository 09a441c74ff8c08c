"""On which port of this machine a service listens."""

import errno
import socket
from collections.abc import Callable, Collection

from fairlead.api.reasons import Reason
from fairlead.images.debugger import PORT as DEBUG_PORT
from fairlead.local.errors import LocalError, refusal
from fairlead.local.host import HOST

FIRST_PORT = 8890  # v1's example
TRIES = 100
MAX_PORT = 65_535


def is_free(port: int) -> bool:
    """Whether nobody on this machine listens there."""
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return False
        raise


def choose_port(
    asked: int | None, taken: Collection[int], free: Callable[[int], bool] = is_free
) -> int:
    """The port that is asked for, or the first free one from 8890 on.

    ``taken``: those of other local services, which may not run just now. Raises ``LocalError``.
    """
    candidates = range(FIRST_PORT, min(FIRST_PORT + TRIES, MAX_PORT))
    usable = (port for port in candidates if port not in taken and free(port))
    if asked is None:
        found = next(usable, None)
        if found is not None:
            return found
        message = f"The ports from {FIRST_PORT} to {candidates[-1]} are all taken."
        raise refusal(Reason.PORT_TAKEN, message, "Name another one: --port.")
    if free(asked):
        return asked
    other = next(usable, None)
    hint = f" {other} is free." if other else ""
    raise port_taken(asked, f"Name another one (--port), or leave it out.{hint}")


def choose_debug_port(taken: Collection[int], free: Callable[[int], bool] = is_free) -> int:
    """5678, or the next free one. Raises ``LocalError``."""
    candidates = range(DEBUG_PORT, DEBUG_PORT + TRIES)
    found = next((port for port in candidates if port not in taken and free(port)), None)
    if found is not None:
        return found
    message = f"The ports from {DEBUG_PORT} to {candidates[-1]} are all taken."
    raise refusal(Reason.PORT_TAKEN, message, "End what listens there: a debugger needs one.")


def port_taken(port: int, remedy: str = "Name another one: --port.") -> LocalError:
    message = f"Port {port} is taken by another program of this machine."
    return refusal(Reason.PORT_TAKEN, message, remedy)
