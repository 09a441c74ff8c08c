"""``spec.debug``: a debugger in the image, and a service that one may attach to."""

from typing import Annotated

from pydantic import Field

from fairlead.api.wire import Wire

WAIT_S = 30  # as long as the guide's script waits for a debugger
MAX_WAIT_S = 3600


class ImageDebug(Wire):
    """A debugger beside the scoring runtime."""

    enabled: bool = True
    """False: the image has none, which is the default, too."""


class ServiceDebug(Wire):
    """A debugger may attach to the one replica that there is then."""

    enabled: bool = True
    """False: none may, which is the default, too."""
    wait_seconds: Annotated[int, Field(ge=0, le=MAX_WAIT_S)] = WAIT_S
    """How long the script waits for a debugger before it is loaded."""
