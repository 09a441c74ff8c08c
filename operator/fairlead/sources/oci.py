"""``oci://REGISTRY/REPOSITORY:TAG``: an artifact with files (ORAS), or an image with ``/models``.

The tag is pinned to a digest before anything is fetched, and told in status.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.job_request import DOCKER_CONFIG_KEY, PULL
from fairlead.registry.client import Registry
from fairlead.registry.errors import (
    NotInRegistryError,
    RegistryFaultError,
    RegistryUnreachableError,
)
from fairlead.registry.keychain import Keychain
from fairlead.registry.oci import OCI_CONFIG, Descriptor, Manifest
from fairlead.registry.reference import (
    InvalidReferenceError,
    Reference,
    Repository,
    as_pushed,
    parse_reference,
)
from fairlead.settings import Settings
from fairlead.sources.addresses import refused
from fairlead.sources.archive import unpack_onto
from fairlead.sources.base import Digests, Limits, Meter, SourceError
from fairlead.sources.remote import not_found, place_of

TITLE = "org.opencontainers.image.title"  # of a layer that is a file
UNPACK = "io.deis.oras.content.unpack"  # of a layer that is a folder, packed
IMAGE_CONFIGS = {OCI_CONFIG, "application/vnd.docker.container.image.v1+json"}
MODELS = "models"  # of an image, as KServe's modelcars have it
MAX_LAYERS = 1000
RETRY_DELAYS_S = (0.2, 1.0, 3.0)  # seconds before each retry that nothing has come since


@dataclass
class OciSource:
    """What a registry has under a name. ``secret``: the folder of a mounted Docker config."""

    what: str
    name: str
    settings: Settings
    secret: Path | None
    origin: str = ""

    def fetch(self, into: Path, limits: Limits) -> Digests:
        reference = self._reference()
        with Registry(self.settings, keychain=self._keychain()) as registry:
            try:
                manifest, described = registry.manifest(reference.repository, reference.wanted)
            except NotInRegistryError as error:
                raise not_found(self.what) from error
            self.origin = f"oci://{parse_reference(self.name).repository}@{described.digest}"
            if len(manifest.layers) > MAX_LAYERS:
                raise self._refused(f"has more than {MAX_LAYERS} layers")
            blobs = _Blobs(registry, reference.repository, self.what, limits)
            return self._files(manifest, into, blobs, limits)

    def _files(self, manifest: Manifest, into: Path, blobs: "_Blobs", limits: Limits) -> Digests:
        titled = [layer for layer in manifest.layers if _title(layer)]
        if titled:
            return self._artifact(titled, into, blobs, limits)
        if manifest.config.media_type not in IMAGE_CONFIGS:
            raise self._refused("is neither an artifact whose files have names nor an image")
        digests = Digests()
        for layer in manifest.layers:
            _unpacked(layer, into, blobs, limits, digests, MODELS)
        if not digests:
            raise self._refused(f"is an image without files in /{MODELS}")
        return digests

    def _artifact(
        self, layers: list[Descriptor], into: Path, blobs: "_Blobs", limits: Limits
    ) -> Digests:
        digests = Digests()
        for layer in layers:
            if (layer.annotations or {}).get(UNPACK) == "true":
                _unpacked(layer, into, blobs, limits, digests)
                continue
            target = place_of(into, _title(layer), self.what)
            name = target.relative_to(into).as_posix()
            if name in digests:
                raise self._refused(f"has {name} twice")
            meter = Meter(limits, self.what, size=_size(into, digests), files=len(digests))
            meter.count_file()
            digests[name] = blobs.store(layer, target, meter)
        return digests

    def _reference(self) -> Reference:
        ours = as_pushed(self.name, self.settings.registry, self.settings.push_registry)
        try:
            return parse_reference(ours)
        except InvalidReferenceError as error:
            raise refused(
                self.what, f"is no name in a registry ({error})", "Correct it."
            ) from error

    def _keychain(self) -> Keychain | None:
        """The Secret alone, where one is named; else what tasks log in to registries with."""
        if self.secret is None:
            return None
        names = {PULL: "the Secret of spec.credentialsSecretRef"}
        return Keychain({PULL: self.secret / DOCKER_CONFIG_KEY}, names)

    def _refused(self, why: str) -> SourceError:
        return SourceError(
            Reason.MODEL_SOURCE_REFUSED,
            f"{self.what} {why}.",
            "Push the files with `oras push`, or an image with them in /models.",
        )


@dataclass(frozen=True)
class _Blobs:
    """Blobs of one repository, proved by their digests; cut off, they go on where they ended."""

    registry: Registry
    repository: Repository
    what: str
    limits: Limits

    def store(self, layer: Descriptor, target: Path, meter: Meter | None = None) -> str:
        meter = meter or Meter(self.limits, self.what)
        meter.check_time()
        meter.expect(layer.size)
        digest = meter.store(self._pieces(layer.digest), target)
        if digest != layer.digest:
            said = f"{self.repository} sends a blob with another content."
            raise RegistryFaultError(self.repository, said)
        return digest

    def _pieces(self, digest: str) -> Iterator[bytes]:
        got, left, whole = 0, list(RETRY_DELAYS_S), False
        while not whole:
            before = got
            try:
                with self.registry.open_blob(self.repository, digest, got) as pieces:
                    for piece in pieces:
                        got += len(piece)
                        yield piece
                whole = True
            except RegistryUnreachableError:
                left = list(RETRY_DELAYS_S) if got > before else left
                if not left or self.limits.seconds_left < left[0] + 1.0:
                    raise
                time.sleep(left.pop(0))


def _unpacked(
    layer: Descriptor,
    into: Path,
    blobs: _Blobs,
    limits: Limits,
    digests: Digests,
    within: str = "",
) -> None:
    """Put what a packed layer holds onto what is there, and keep to the limits altogether."""
    packed = into.with_name("layer")
    blobs.store(layer, packed)
    left = replace(
        limits,
        most_bytes=limits.most_bytes - _size(into, digests),
        most_files=limits.most_files - len(digests),
    )
    unpack_onto(packed, into, left, digests, within)
    packed.unlink()


def _size(folder: Path, digests: Digests) -> int:
    return sum((folder / name).stat().st_size for name in digests)


def _title(layer: Descriptor) -> str:
    return (layer.annotations or {}).get(TITLE, "")
