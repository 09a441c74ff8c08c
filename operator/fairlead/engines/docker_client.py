"""Docker Engine as we reach it: ``DOCKER_HOST`` or the usual socket, and what its silence means."""

import io
import os
import re
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from fairlead.connection import why
from fairlead.engines.base import EngineUnreachableError
from fairlead.images.recipe import LINKED
from fairlead.redact import redacted

RESPONSE_TIMEOUT_S = 300  # seconds of silence; a build may be silent for longer and has none
_ERRNO = re.compile(r"\(\d+, '([^']+)'\)")
NO_ANSWER = (RequestException, HTTPError, ConnectionError, TimeoutError)


@contextmanager
def engine(docker_config: Path | None = None) -> Iterator[docker.DockerClient]:
    """Yield a client; whatever it meets but an answer is an ``EngineUnreachableError``.

    ``docker_config``: what it pulls and pushes with. Default: what Docker's own programs use.
    """
    try:
        client = docker.from_env(timeout=RESPONSE_TIMEOUT_S)
        if docker_config is not None:
            client.api.reload_config(str(docker_config))
    except DockerException as error:  # it asked for the engine's version
        raise _unreachable(error) from error
    try:
        yield client
    except APIError:  # an answer, though the SDK derives it from a RequestException
        raise
    except NO_ANSWER as error:
        raise _unreachable(error) from error
    finally:
        client.close()


def _unreachable(error: Exception) -> EngineUnreachableError:
    host = redacted(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    system = _ERRNO.search(str(error))  # deep inside what requests and urllib3 make of it
    said = system[1] if system else why(error)
    return EngineUnreachableError(f"Docker Engine does not answer at {host}: {said}.")


def context(
    files: Mapping[str, bytes], linked: Path | None = None, programs: Collection[str] = ()
) -> IO[bytes]:
    """Return a build context as the tar archive that Docker Engine takes.

    ``linked``: an archive on disk that goes into it, too; the whole is then on disk. ``programs``:
    the files that may be run.
    """
    if linked is None:
        archive: IO[bytes] = io.BytesIO()
    else:
        archive = tempfile.TemporaryFile(dir=linked.parent)  # noqa: SIM115  (whoever reads closes)
    with tarfile.open(fileobj=archive, mode="w") as tar:
        if linked is not None:
            tar.add(linked, LINKED)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if name in programs else 0o644
            tar.addfile(member, io.BytesIO(content))
    archive.seek(0)
    return archive
