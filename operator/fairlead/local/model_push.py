"""A model of this machine, pushed to a registry as an artifact, as `oras push` makes it.

With what `docker login` and Docker's credential helpers keep. The tag is the content's own: the
same files are pushed once.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker import auth
from docker.errors import DockerException

from fairlead.api.reasons import Reason
from fairlead.finding import Finding, shown
from fairlead.local.errors import LocalError, refusal
from fairlead.local.files import model_files
from fairlead.local.host import Log
from fairlead.registry.client import Registry
from fairlead.registry.docker_config import Credential
from fairlead.registry.errors import RegistryError
from fairlead.registry.keychain import OWN, Keychain
from fairlead.registry.oci import OCI_MANIFEST, Descriptor, Manifest, digest_of, written
from fairlead.registry.reference import (
    DOCKER_HUB,
    InvalidReferenceError,
    Repository,
    parse_repository,
)
from fairlead.settings import Settings
from fairlead.sources.oci import MAX_LAYERS, TITLE
from fairlead.tasks.failures import registry_failure

ARTIFACT_TYPE = "application/vnd.fairlead.model.files.v1"
EMPTY_TYPE, EMPTY = "application/vnd.oci.empty.v1+json", b"{}"
FILE_TYPE = "application/octet-stream"
PIECE_BYTES = 1024 * 1024
TAG_CHARS = 16
LOGIN = "Log in: docker login {host} (Azure: az acr login). Pushing to it takes the right to."
REMEDIES = {
    Reason.REGISTRY_AUTH: LOGIN,
    Reason.REGISTRY_DENIED: LOGIN,
    Reason.CREDENTIALS_INVALID: LOGIN,
    Reason.REGISTRY_UNREACHABLE: "See that {host} runs, and that this machine reaches it.",
}


@dataclass(frozen=True)
class Pieces:
    """A file's content, as often as it is asked for."""

    path: Path

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


@dataclass(frozen=True)
class Artifact:
    """``layers``: each is one of ``files``."""

    repository: Repository
    layers: tuple[Descriptor, ...]
    files: tuple[Path, ...]

    @property
    def manifest(self) -> bytes:
        config = Descriptor(media_type=EMPTY_TYPE, digest=digest_of(EMPTY), size=len(EMPTY))
        return written(Manifest(artifact_type=ARTIFACT_TYPE, config=config, layers=self.layers))

    @property
    def tag(self) -> str:
        return f"sha256-{digest_of(self.manifest).partition(':')[2][:TAG_CHARS]}"

    @property
    def address(self) -> str:
        """For ``spec.source.uri`` of a Model."""
        return f"oci://{self.repository}:{self.tag}"


def artifact_of(repository: str, name: str, path: Path, *, named: bool = False) -> Artifact:
    """What a file or folder would be pushed as; ``named``: with the folder's own name before those
    of its files. Raises ``LocalError``."""
    try:
        place = parse_repository(f"{repository.rstrip('/')}/{name}")
    except InvalidReferenceError as error:
        message = f"'{shown(repository)}' is no repository: {error}."
        remedy = "Write REGISTRY/PATH, such as myregistry.azurecr.io/team/models."
        raise refusal(Reason.INVALID_SPEC, message, remedy) from error
    files = model_files(path)
    if not files or len(files) > MAX_LAYERS:
        message = f"{path} has {len(files)} files; a model has 1 to {MAX_LAYERS}."
        raise refusal(Reason.MODEL_TOO_LARGE, message, "Pack them into one file.")
    root = path if path.is_dir() and not named else path.parent
    layers = tuple(_layer(one, one.relative_to(root).as_posix()) for one in files)
    return Artifact(place, layers, tuple(files))


def push(artifact: Artifact, settings: Settings, log: Log) -> None:
    """Store it, unless it is there. Raises ``LocalError``."""
    repository = artifact.repository
    with _keychain(repository) as keychain, Registry(settings, keychain=keychain) as registry:
        try:
            if registry.digest_of(repository, artifact.tag) == digest_of(artifact.manifest):
                return
            log.phase(f"Pushing the model to {repository}")
            for layer, file in zip(artifact.layers, artifact.files, strict=True):
                if not registry.has_blob(repository, layer.digest):
                    registry.upload(repository, Pieces(file))
            registry.upload_bytes(repository, EMPTY)
            registry.put_manifest(repository, artifact.tag, artifact.manifest, OCI_MANIFEST)
        except RegistryError as error:
            raise _refused(error) from error


def _layer(path: Path, title: str) -> Descriptor:
    digest, size = hashlib.sha256(), 0
    for piece in Pieces(path):
        digest.update(piece)
        size += len(piece)
    return Descriptor(
        media_type=FILE_TYPE,
        digest=f"sha256:{digest.hexdigest()}",
        size=size,
        annotations={TITLE: title},
    )


@contextmanager
def _keychain(repository: Repository) -> Iterator[Keychain]:
    """Of what Docker's own programs would log in with, in a file of this user's alone."""
    try:
        found = auth.load_config().resolve_authconfig(
            None if repository.registry == DOCKER_HUB else repository.registry
        )
    except DockerException as error:
        message = f"Docker's credentials cannot be read: {shown(str(error), 300)}."
        remedy = f"Log in again: docker login {repository.registry}."
        raise refusal(Reason.CREDENTIALS_INVALID, message, remedy) from error
    with tempfile.TemporaryDirectory(prefix="fairlead-push-") as folder:
        file = Path(folder) / "config.json"
        entry = _entry({name.lower(): str(value or "") for name, value in (found or {}).items()})
        auths = {repository.registry: entry} if entry else {}
        file.touch(0o600)
        file.write_text(json.dumps({"auths": auths}))
        yield Keychain({OWN: file}, {OWN: "~/.docker/config.json"})


def _entry(found: dict[str, str]) -> dict[str, str]:
    if found.get("identitytoken"):
        return {"identitytoken": found["identitytoken"]}
    pair = Credential(username=found.get("username", ""), password=found.get("password", ""))
    return {"username": pair.username, "password": pair.password} if pair.username else {}


def _refused(error: RegistryError) -> LocalError:
    """As the cluster's tasks tell it, but for who is to log in."""
    failure = registry_failure(error)
    remedy = REMEDIES.get(failure.reason, failure.remedy or "").format(host=error.host)
    message = f"The model is not pushed: {failure.message}"
    remedy = remedy.removesuffix(" It is tried again.")
    return LocalError(Finding(failure.reason, failure.class_, message, remedy))
