"""An image tried by Docker Engine, where tasks are child processes: as its pod would be.

The container has no more than a pod's: the image's own user without rights, the order and a file
for the result, limits where there are any. It carries a label, by which what an attempt that was
killed has left is removed.
"""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound
from docker.models.containers import Container
from docker.models.images import Image

from fairlead.api.quantity import amount
from fairlead.engines.base import Log
from fairlead.engines.docker_client import engine
from fairlead.images.layout import USER_ID

TRIAL_LABEL = "fairlead.dev/trial"
FOLDER = "fairlead-trial"  # in the container's root
ORDER, RESULT = "order.json", "result"
MAX_RESULT_BYTES = 64 * 1024  # a container is foreign: what it leaves is read within bounds
TAIL_LINES = 80  # of its log, where it leaves no result
NANO = 10**9


@dataclass(frozen=True)
class Trial:
    """``image`` is by digest, as the engine reaches it; ``option`` is the runtime's, without
    dashes; ``limits`` are quantities by Kubernetes' names."""

    image: str
    option: str
    order: bytes
    variables: Mapping[str, str]
    limits: Mapping[str, str]
    docker_config: Path | None = None


@dataclass(frozen=True)
class TrialEnd:
    """``message`` is what a pod would have as its termination message."""

    exit_code: int
    message: str
    out_of_memory: bool = False


class ImageNotPulledError(Exception):
    """The engine does not get the image; the text says why."""


def result_path() -> str:
    """Where the runtime is to leave its result, in the container."""
    return f"/{FOLDER}/{RESULT}"


def run_trial(trial: Trial, log: Log) -> TrialEnd:
    """Run the image to its end, and leave nothing behind.

    Raises ``EngineUnreachableError`` and ``ImageNotPulledError``.
    """
    with engine(trial.docker_config) as client:
        log.phase("image")
        with _image(client, trial, log) as image, _container(client, image, trial) as container:
            log.phase(trial.option)
            container.put_archive("/", handed(trial.order))
            container.start()
            for line in container.logs(stream=True, follow=True):
                log.write(line.decode(errors="replace").rstrip("\n"))
            code = int(container.wait()["StatusCode"])
            container.reload()
            killed = bool(container.attrs["State"].get("OOMKilled"))
            return TrialEnd(code, _result(container) or _tail(container), out_of_memory=killed)


@contextmanager
def _image(client: docker.DockerClient, trial: Trial, log: Log) -> Iterator[Image]:
    """Removed afterwards, unless it was there before; the environment's layers stay in use."""
    known = _known(client, trial.image)
    if known is not None:
        yield known
        return
    log.write(f"Pulling {trial.image}")
    repository, _, digest = trial.image.partition("@")
    try:
        image = client.images.pull(repository, tag=digest)
    except APIError as error:
        said = str(error.explanation or error)
        raise ImageNotPulledError(f"{trial.image} was not pulled: {said}") from error
    try:
        yield image
    finally:
        with suppress(APIError):  # somebody else runs it
            client.images.remove(trial.image)


def _known(client: docker.DockerClient, name: str) -> Image | None:
    try:
        return client.images.get(name)
    except ImageNotFound:
        return None


@contextmanager
def _container(client: docker.DockerClient, image: Image, trial: Trial) -> Iterator[Container]:
    label = f"{TRIAL_LABEL}={trial.option}.{trial.image.rpartition(':')[2]}"
    for left in client.containers.list(all=True, filters={"label": label}):
        left.remove(force=True, v=True)
    name, _, value = label.partition("=")
    container = client.containers.create(
        image,
        [f"--{trial.option}", f"/{FOLDER}/{ORDER}"],
        environment=dict(trial.variables),
        labels={name: value},
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        **limits_of(trial.limits),
    )
    try:
        yield container
    finally:
        container.remove(force=True, v=True)


def limits_of(limits: Mapping[str, str]) -> dict[str, Any]:
    """Quantities as Docker Engine takes them; no swap beside the memory, as in a pod."""
    found = dict[str, Any]()
    if memory := limits.get("memory"):
        found["mem_limit"] = found["memswap_limit"] = int(amount(memory))
    if cpu := limits.get("cpu"):
        found["nano_cpus"] = int(amount(cpu) * NANO)
    return found


def handed(order: bytes) -> bytes:
    """An archive with the order, and an empty file for the result, which is the user's."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        folder = tarfile.TarInfo(FOLDER)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        for name, content, owner in ((ORDER, order, 0), (RESULT, b"", USER_ID)):
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size, member.uid, member.gid = len(content), owner, owner
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def _result(container: Container) -> str:
    """Empty where it left none."""
    try:
        pieces, _ = container.get_archive(result_path())
        return left_result(pieces)
    except APIError:
        return ""


def left_result(pieces: Iterator[bytes]) -> str:
    """The text in the archive of the result; empty where there is none, or far too much."""
    content = b""
    for piece in pieces:
        content += piece
        if len(content) > MAX_RESULT_BYTES:
            return ""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            member = archive.next()
            file = archive.extractfile(member) if member and member.isreg() else None
            return file.read().decode(errors="replace") if file else ""
    except tarfile.TarError:
        return ""


def _tail(container: Container) -> str:
    """As the kubelet falls back to the log."""
    tail: bytes = container.logs(tail=TAIL_LINES)
    return tail[-MAX_RESULT_BYTES:].decode(errors="replace")
