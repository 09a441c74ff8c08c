"""Local services that are containers of Docker Engine, while they run."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container

from fairlead.images.layers import Entry, tar
from fairlead.images.layout import APP_ROOT, ENVIRONMENT
from fairlead.local.engine import client
from fairlead.local.host import HOST, PREVIOUS_LOG, Exit
from fairlead.local.places import make_private, new_private
from fairlead.local.service import LocalService
from fairlead.local.source_archive import PACK, source_of

RECORD = f"{APP_ROOT}/.fairlead-termination-log"  # where the runtime says why it ended
STOP_TIMEOUT_S = 10  # seconds until a container that was told to end is killed
MAX_RECORD_BYTES = 64 * 1024
ENDED = ("exited", "dead", "created", "removing")
_REMOVE = "import os, sys; [os.unlink(path) for path in sys.argv[1:] if os.path.isfile(path)]"
_LIST = (
    "import os, sys; root = sys.argv[1]\n"
    "for place, folders, files in os.walk(root):\n"
    "    folders[:] = [f for f in folders if f not in ('azureml-models', '__pycache__')]\n"
    "    for file in files: print(os.path.relpath(os.path.join(place, file), root))"
)


class Containers:
    """A ``Keeper``."""

    def ended(self, service: LocalService, folder: Path) -> Exit | None:  # noqa: ARG002
        with client() as docker:
            try:
                container = docker.containers.get(service.container or "")
            except (NotFound, APIError):
                return Exit(None, "")
            if not service.container:
                return Exit(None, "")
            state = container.attrs["State"]
            if state["Status"] not in ENDED:
                return None
            return Exit(state.get("ExitCode"), _record(container))

    def addresses(self, service: LocalService) -> frozenset[str]:
        """Docker Engine publishes the port at this one, and starts nothing where it is taken."""
        return frozenset([HOST] if service.container else [])

    def put_code(self, service: LocalService, folder: Path, files: Mapping[str, bytes]) -> None:  # noqa: ARG002
        with client() as docker:
            container = docker.containers.get(service.container or "")
            python = f"/{ENVIRONMENT}/bin/python"
            known = container.exec_run([python, "-c", _LIST, f"/{APP_ROOT}"], user="0")
            there = _whole(known.output).decode(errors="replace").splitlines()
            own = f"/{RECORD}"
            gone = [f"/{APP_ROOT}/{name}" for name in there if name not in files]
            container.put_archive("/", code_archive(files))
            if left := [path for path in gone if path != own]:
                container.exec_run([python, "-c", _REMOVE, *left], user="0")

    def source(self, service: LocalService, folder: Path) -> Mapping[str, bytes]:  # noqa: ARG002
        with client() as docker:
            container = docker.containers.get(service.container or "")
            program = [f"/{ENVIRONMENT}/bin/python", "-c", PACK, f"/{APP_ROOT}"]
            made = docker.api.exec_create(container.id, program, stderr=False)
            pieces = docker.api.exec_start(made["Id"], stream=True)
            return source_of(pieces, RECORD)

    def log(self, service: LocalService, folder: Path) -> bytes:  # noqa: ARG002
        with client() as docker, suppress(NotFound):
            printed: bytes = docker.containers.get(service.container or "").logs()
            return printed
        return b""

    def followed(self, service: LocalService, folder: Path) -> Iterator[bytes]:  # noqa: ARG002
        with client() as docker, suppress(NotFound):
            container = docker.containers.get(service.container or "")
            yield from container.logs(stream=True, follow=True)

    def stop(self, service: LocalService, folder: Path) -> None:
        if not service.container:
            return
        with client() as docker, suppress(NotFound):
            container = docker.containers.get(service.container)
            container.stop(timeout=STOP_TIMEOUT_S)
            make_private(folder)
            new_private(folder / PREVIOUS_LOG).write_bytes(container.logs())
            container.remove(force=True, v=True)

    def forget(self, service: LocalService, others: tuple[LocalService, ...]) -> None:
        """Its image, and that of its environment, go with the last service that has them."""
        kept = {image for other in others for image in images_of(other)}
        with client() as docker:
            for image in images_of(service):
                if image not in kept:
                    with suppress(ImageNotFound):
                        docker.images.remove(image)


def images_of(service: LocalService) -> tuple[str, ...]:
    """The images that a service runs on, the upper one first."""
    environment = f"{ENVIRONMENTS}:{service.environment}" if service.environment else None
    return tuple(filter(None, (service.image, environment)))


ENVIRONMENTS = "fairlead.local/environments"
SERVICES = "fairlead.local/services"


def code_archive(files: Mapping[str, bytes]) -> bytes:
    """The source as the layer of an image has it."""
    entries = (Entry(f"{APP_ROOT}/{name}", content) for name, content in files.items())
    return b"".join(tar(entries, APP_ROOT))


def record_archive(user_id: int) -> bytes:
    """The file in which the runtime says why it ended: the user's, in a folder that is not."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo(RECORD)
        member.mode, member.uid, member.gid = 0o600, user_id, user_id
        archive.addfile(member, io.BytesIO())
    return target.getvalue()


def _whole(output: bytes | Iterator[bytes]) -> bytes:
    return output if isinstance(output, bytes) else b"".join(output)


def _record(container: Container) -> str:
    """Empty where it left none. What a container holds is foreign: it is read within bounds."""
    try:
        pieces, _ = container.get_archive(f"/{RECORD}")
        content = b""
        for piece in pieces:
            content += piece
            if len(content) > MAX_RECORD_BYTES:
                return ""
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member and member.isreg() else None
            return file.read().decode(errors="replace") if file else ""
    except (APIError, tarfile.TarError):
        return ""
