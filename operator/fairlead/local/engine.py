"""Docker Engine as local services need it: what it is asked, and its refusals as findings."""

from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.engines.base import EngineUnreachableError
from fairlead.engines.docker_client import engine
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal

SERVICE_LABEL = "fairlead.dev/local-service"
MAX_SAID_CHARS = 400


@contextmanager
def client() -> Iterator[docker.DockerClient]:
    """Raises ``LocalError`` for whatever the engine does not do."""
    try:
        with engine() as found:
            yield found
    except EngineUnreachableError as error:
        raise unreachable(str(error)) from error
    except APIError as error:
        said = shown(str(error.explanation or error), MAX_SAID_CHARS)
        raise refusal(
            Reason.ENGINE_UNREACHABLE,
            f"Docker Engine refuses: {said}",
            "See that it has room (`docker system df`), and its own log.",
            FailureClass.INFRASTRUCTURE,
        ) from error


def unreachable(said: str) -> LocalError:
    """No engine, or one that this user may not speak to."""
    denied = "ermission denied" in said
    remedy = (
        "Let your user use its socket (group docker, then log in anew), or"
        if denied
        else "Start Docker Engine or Docker Desktop, or set DOCKER_HOST; or"
    )
    return refusal(
        Reason.ENGINE_UNREACHABLE,
        said,
        f"{remedy} say --no-container: then it runs in a virtual environment.",
        FailureClass.INFRASTRUCTURE,
    )
