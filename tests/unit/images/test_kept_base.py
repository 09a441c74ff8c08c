"""A base image beside the environments: whole, under a tag, and once."""

from fairlead.images.kept_base import keep_base
from fairlead.registry.oci import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Manifest,
    descriptor,
    digest_of,
    written,
)
from fairlead.registry.reference import Repository
from tests.unit.memory_registry import MemoryRegistry

BASE, ENVIRONMENTS = Repository("other:443", "base"), Repository("r:5000", "demo/environments")
CONFIG, LAYERS = b"{}", (b"one", b"two")
BODY = written(
    Manifest(
        config=descriptor(OCI_CONFIG, CONFIG),
        layers=tuple(descriptor(OCI_LAYER, layer) for layer in LAYERS),
    )
)
DIGEST = digest_of(BODY)


def registry() -> MemoryRegistry:
    made = MemoryRegistry()
    made.manifests[str(BASE), DIGEST] = BODY
    for blob in (CONFIG, *LAYERS):
        made.blobs[str(BASE), digest_of(blob)] = blob
    return made


def test_it_is_copied_whole_and_named_by_its_digest() -> None:
    there = registry()
    said = keep_base(there.client, BASE, DIGEST, ENVIRONMENTS)
    tag = f"base-{DIGEST.removeprefix('sha256:')}"
    assert said == f"{BASE}@{DIGEST} is copied to {ENVIRONMENTS}:{tag}."
    assert there.manifests[str(ENVIRONMENTS), tag] == BODY
    manifest, described = there.manifest(ENVIRONMENTS, DIGEST)
    assert (described.digest, described.media_type) == (DIGEST, OCI_MANIFEST)
    blobs = (manifest.config, *manifest.layers)
    assert all(there.has_blob(ENVIRONMENTS, blob.digest) for blob in blobs)


def test_what_is_there_is_not_read_again() -> None:
    there = registry()
    keep_base(there.client, BASE, DIGEST, ENVIRONMENTS)
    there.blobs = {}
    assert keep_base(there.client, BASE, DIGEST, ENVIRONMENTS).endswith("is there already.")


def test_a_registry_that_forgot_it_gets_it_again() -> None:
    there = registry()
    keep_base(there.client, BASE, DIGEST, ENVIRONMENTS)
    there.manifests = {(str(BASE), DIGEST): BODY}
    assert "is copied" in keep_base(there.client, BASE, DIGEST, ENVIRONMENTS)
