"""Build logs, kept where the images are: an artifact of one compressed text.

They outlive the task, its folder and the operator, and lie under ``<repository>:log-<build id>``
for failed and cancelled builds too.
"""

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fairlead.images.layers import gunzipped, gzipped
from fairlead.redact import redacted
from fairlead.registry.errors import NotInRegistryError, RegistryFaultError
from fairlead.registry.oci import EMPTY, OCI_EMPTY, OCI_MANIFEST, Manifest, descriptor, written
from fairlead.registry.reference import Repository

if TYPE_CHECKING:  # the operator, which names such artifacts, speaks to a registry for few things
    from fairlead.registry.client import Registry

LOG_ARTIFACT_TYPE = "application/vnd.fairlead.build-log.v1"
LOG_LAYER_TYPE = "application/vnd.fairlead.build-log.v1.text+gzip"
MAX_LOG_BYTES = 4_000_000  # of text; of what is longer the end is kept
MAX_OWNERS = 8
OWNER_ANNOTATION = "dev.fairlead.log.owner"  # <namespace>/<name> of each InferenceImage
TAG_ANNOTATION = "dev.fairlead.log.tag"  # so that no two logs are one manifest, and go together


@dataclass(frozen=True)
class KeptLog:
    """``text``: UTF-8, at most ``MAX_LOG_BYTES``. ``owners``: whose builds it is about."""

    text: bytes = b""
    owners: tuple[str, ...] = ()


def append_log(
    registry: "Registry", repository: Repository, tag: str, owner: str, text: str
) -> None:
    """Add ``text``, redacted, to the log under ``tag``. Raises ``RegistryError``."""
    store_log(registry, repository, tag, owner, log_before(registry, repository, tag), text)


def log_before(registry: "Registry", repository: Repository, tag: str) -> KeptLog:
    """Return what the log under ``tag`` holds already. Raises ``RegistryError``."""
    try:
        return read_log(registry, repository, tag)
    except NotInRegistryError:
        return KeptLog()


def store_log(
    registry: "Registry", repository: Repository, tag: str, owner: str, before: KeptLog, text: str
) -> None:
    """Let the log under ``tag`` be ``before`` and then ``text``, redacted. Raises
    ``RegistryError``, also where ``before`` is another namespace's: whoever owns a log reads it."""
    namespaces = {one.partition("/")[0] for one in (*before.owners, owner)}
    if len(namespaces) > 1:
        raise RegistryFaultError(repository, f"{repository}:{tag} is another namespace's log.")
    whole = (before.text + redacted(text, MAX_LOG_BYTES).encode())[-MAX_LOG_BYTES:]
    owners = tuple(dict.fromkeys((*before.owners, owner)))[-MAX_OWNERS:]
    content = gzipped(whole)
    manifest = Manifest(
        artifact_type=LOG_ARTIFACT_TYPE,
        config=descriptor(OCI_EMPTY, EMPTY),
        layers=(descriptor(LOG_LAYER_TYPE, content),),
        annotations={OWNER_ANNOTATION: " ".join(owners), TAG_ANNOTATION: tag},
    )
    registry.upload_bytes(repository, EMPTY)
    registry.upload_bytes(repository, content)
    registry.put_manifest(repository, tag, written(manifest), OCI_MANIFEST)


def read_log(registry: "Registry", repository: Repository, tag: str) -> KeptLog:
    """Return the log under ``tag``.

    Raises ``NotInRegistryError`` where there is none, or another ``RegistryError``.
    """
    manifest, _ = registry.manifest(repository, tag)
    if manifest.artifact_type != LOG_ARTIFACT_TYPE or not manifest.layers:
        raise NotInRegistryError(repository, f"{repository}:{tag} is not a build log.")
    owners = tuple(manifest.annotations.get(OWNER_ANNOTATION, "").split()[:MAX_OWNERS])
    try:
        content = registry.blob(repository, manifest.layers[0].digest)
        return KeptLog(gunzipped(content, MAX_LOG_BYTES), owners)
    except zlib.error as error:
        raise RegistryFaultError(repository, f"The log {repository}:{tag} is broken.") from error
