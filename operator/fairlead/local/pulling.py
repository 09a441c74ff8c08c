"""An image of a registry, fetched into this machine's Docker Engine to be run by hand.

Docker Engine fetches it, with the credentials that `docker login` and Docker's credential helpers
keep: the client reads ``config.json`` as Docker's own programs do.
"""

from pathlib import PurePosixPath

from docker.errors import APIError

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.engines.docker_stream import follow
from fairlead.finding import shown
from fairlead.images.debugger import PORT as DEBUG_PORT
from fairlead.images.debugger import WAIT_S
from fairlead.images.layout import PORT
from fairlead.local.engine import client
from fairlead.local.errors import LocalError, refusal
from fairlead.local.host import HOST, Log
from fairlead.registry.reference import (
    InvalidReferenceError,
    Reference,
    parse_reference,
)

HOST_PORT = 8000  # the guide's
MAX_SAID_CHARS = 400
LOGIN_WORDS = ("unauthorized", "denied", "no basic auth", "authentication required")


def image_reference(text: str) -> Reference:
    """Raises ``LocalError``."""
    try:
        return parse_reference(text)
    except InvalidReferenceError as error:
        message = f"'{shown(text)}' is not the name of an image: {error}."
        remedy = "Name it as REGISTRY/REPOSITORY:TAG, or an InferenceImage as image/NAME."
        raise refusal(Reason.INVALID_SPEC, message, remedy) from error


def default_tag(reference: Reference) -> str:
    """`credit:3` of `myregistry.azurecr.io/team/credit:3`: short, and the same each time."""
    return f"{PurePosixPath(reference.repository.path).name}:{reference.tag or 'pulled'}"


def pull(reference: Reference, tag: str, log: Log) -> None:
    """Fetch the image, and call it ``tag``, too. Raises ``LocalError``."""
    repository, _, own = tag.partition(":")
    with client() as engine:
        log.phase(f"Fetching {reference}")
        try:
            entries = engine.api.pull(
                str(reference.repository), tag=reference.wanted, stream=True, decode=True
            )
            ending = follow(entries, log.write)
        except APIError as error:
            raise _refused(reference, str(error.explanation or error)) from error
        if ending.error:
            raise _refused(reference, ending.error)
        engine.images.get(str(reference)).tag(repository, own or "latest")


def _refused(reference: Reference, said: str) -> LocalError:
    """What the registry says, by way of Docker Engine."""
    what = f"{reference} cannot be fetched: {shown(said, MAX_SAID_CHARS)}"
    registry = reference.repository.registry
    if any(words in said.lower() for words in LOGIN_WORDS):
        remedy = (
            f"Log in: docker login {registry} (Azure: az acr login --name "
            f"{registry.partition('.')[0]}); a login may have expired. See that the name is right."
        )
        return refusal(Reason.REGISTRY_AUTH, what, remedy, FailureClass.AUTH)
    remedy = "See that the name is right, and that Docker Engine reaches the registry."
    return refusal(Reason.IMAGE_PULL_FAILED, what, remedy)


def run_command(tag: str, *, debugger: bool) -> str:
    """The `docker run` that serves the image at port 8000, as a pod does; with a ``debugger``, that
    attaches at 5678 of this machine."""
    debug = (
        f"-p {HOST}:{DEBUG_PORT}:{DEBUG_PORT} -e FAIRLEAD_DEBUG=true "
        f"-e FAIRLEAD_DEBUG_HOST=0.0.0.0 -e FAIRLEAD_DEBUG_WAIT_SECONDS={WAIT_S} "
        if debugger
        else ""
    )
    return f"docker run --rm -p {HOST_PORT}:{PORT} {debug}{tag}"
