"""Our client against a real registry."""

import random
from collections.abc import Iterator

import pytest

from fairlead.registry import uploads
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError, RegistryFaultError, TagTakenError
from fairlead.registry.oci import (
    DOCKER_MANIFEST,
    EMPTY,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    PLATFORM,
    Descriptor,
    Index,
    Manifest,
    Platform,
    descriptor,
    digest_of,
    written,
)
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from tests.cluster import Cluster
from tests.integration.registry.cutting import CuttingProxy

BLOB = b"weights" * 1000


def store(registry: Registry, repository: Repository, tag: str, **about: str) -> Manifest:
    manifest = Manifest(
        config=descriptor(OCI_EMPTY, EMPTY),
        layers=(descriptor(OCI_LAYER, BLOB),),
        annotations=about,
    )
    registry.upload_bytes(repository, EMPTY)
    registry.upload_bytes(repository, BLOB)
    registry.put_manifest(repository, tag, written(manifest), OCI_MANIFEST)
    return manifest


def test_what_is_stored_is_read_back_whole(registry: Registry, repository: Repository) -> None:
    manifest = store(registry, repository, "1", a="ü")
    found, described = registry.manifest(repository, "1")
    assert found == manifest
    assert described.digest == registry.digest_of(repository, "1") == digest_of(written(manifest))
    assert registry.manifest(repository, described.digest)[0] == manifest
    assert registry.blob(repository, digest_of(BLOB)) == BLOB


def test_what_is_not_there_is_none_or_named(registry: Registry, repository: Repository) -> None:
    assert registry.digest_of(repository, "1") is None
    assert registry.tags(repository) == ()
    assert not registry.has_blob(repository, digest_of(b"x"))
    with pytest.raises(NotInRegistryError, match=rf"could not read {repository.path}:1: 404 MANI"):
        registry.manifest(repository, "1")
    with pytest.raises(NotInRegistryError):
        registry.blob(repository, digest_of(b"x"))


def test_a_stream_of_unknown_length_is_hashed_on_its_way_up(
    registry: Registry, repository: Repository
) -> None:
    chance = random.Random(5)
    pieces = [chance.randbytes(chance.randrange(300_000)) for _ in range(20)]
    whole = b"".join(pieces)
    assert registry.upload(repository, iter(pieces)) == (digest_of(whole), len(whole))
    assert registry.has_blob(repository, digest_of(whole))
    with registry.open_blob(repository, digest_of(whole)) as read:
        assert b"".join(read) == whole


def test_an_upload_that_breaks_off_leaves_nothing(
    registry: Registry, repository: Repository
) -> None:
    def broken() -> Iterator[bytes]:
        yield BLOB
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        registry.upload(repository, broken())
    assert not registry.has_blob(repository, digest_of(BLOB))


def test_an_upload_that_is_cut_twice_is_whole_in_the_end(
    cluster: Cluster, registry: Registry, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CNCF distribution forgets what was cut: it begins anew, in the same task."""
    monkeypatch.setattr(uploads, "PAUSES_S", (0.1,) * 4)
    whole = random.Random(11).randbytes(3_000_000)
    pieces = [whole[at : at + 100_000] for at in range(0, len(whole), 100_000)]
    with CuttingProxy(cluster.registry, [2_000_000, 1_000_000]).running() as proxy:
        through = Repository(proxy.host, repository.path)
        assert registry.upload(through, pieces) == (digest_of(whole), len(whole))
        assert proxy.cuts == []
    with registry.open_blob(repository, digest_of(whole)) as read:
        assert b"".join(read) == whole


def test_a_blob_is_mounted_once_and_is_then_present(
    registry: Registry, repository: Repository
) -> None:
    target = Repository(repository.registry, f"{repository.path}/mounted")
    registry.upload_bytes(repository, BLOB)
    assert registry.copy_blob(repository, target, digest_of(BLOB)) == "mounted"
    assert registry.copy_blob(repository, target, digest_of(BLOB)) == "present"
    assert registry.blob(target, digest_of(BLOB)) == BLOB


def test_a_blob_that_cannot_be_mounted_is_copied(
    registry: Registry, repository: Repository
) -> None:
    """The same registry under another name: nothing can be mounted from one to the other."""
    other = Repository(repository.registry.replace("localhost", "127.0.0.1"), "elsewhere")
    registry.upload_bytes(repository, BLOB)
    assert registry.copy_blob(repository, other, digest_of(BLOB)) == "copied"
    assert registry.blob(other, digest_of(BLOB)) == BLOB


def test_a_blob_that_is_nowhere_is_said_to_be_missing(
    registry: Registry, repository: Repository
) -> None:
    target = Repository(repository.registry, f"{repository.path}/target")
    with pytest.raises(NotInRegistryError, match="could not read a blob of"):
        registry.copy_blob(repository, target, digest_of(b"nothing"))


def test_pushing_may_be_tried_without_leaving_anything(
    registry: Registry, repository: Repository
) -> None:
    registry.check_push(repository)
    assert registry.tags(repository) == ()


def test_a_version_is_written_once(registry: Registry, repository: Repository) -> None:
    manifest = store(registry, repository, "latest")
    digest = registry.put_version(repository, 1, written(manifest))
    with pytest.raises(TagTakenError, match=f"{repository}:1 was pushed by somebody else."):
        registry.put_version(repository, 1, written({**manifest.to_wire(), "annotations": {}}))
    assert registry.digest_of(repository, "1") == digest


def test_a_registry_on_this_machine_is_not_asked_through_a_proxy(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Registry(Settings(registry=repository.registry)) as registry:
        registry.check_push(repository)


def test_all_tags_are_listed_whatever_the_size_of_a_page(
    registry: Registry, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.registry.client.TAGS_AT_ONCE", 3)
    for version in range(1, 9):
        store(registry, repository, str(version))
    assert sorted(registry.tags(repository)) == [str(version) for version in range(1, 9)]


def index(registry: Registry, repository: Repository, *platforms: Platform) -> list[Descriptor]:
    children = []
    for place in platforms:
        body = written(store(registry, repository, place.architecture, platform=str(place)))
        found = Descriptor(
            media_type=OCI_MANIFEST, digest=digest_of(body), size=len(body), platform=place
        )
        children.append(found)
    body = written({"schemaVersion": 2, "mediaType": OCI_INDEX, **written_index(children)})
    registry.put_manifest(repository, "latest", body, OCI_INDEX)
    return children


def written_index(children: list[Descriptor]) -> dict[str, object]:
    return Index(manifests=tuple(children)).to_wire()


def test_of_an_index_this_machines_image_is_taken(
    registry: Registry, repository: Repository
) -> None:
    other = Platform(os="linux", architecture="s390x")
    children = index(registry, repository, other, PLATFORM)
    manifest, described = registry.manifest(repository, "latest")
    assert described.digest == children[1].digest
    assert manifest.annotations == {"platform": str(PLATFORM)}


def test_an_index_without_this_machines_image_says_what_it_has(
    registry: Registry, repository: Repository
) -> None:
    index(registry, repository, Platform(os="linux", architecture="s390x"))
    with pytest.raises(NotInRegistryError) as missing:
        registry.manifest(repository, "latest")
    assert str(missing.value) == (
        f"{repository}:latest is not made for {PLATFORM}, only for linux/s390x."
    )


def test_a_manifest_that_the_registry_refuses_is_a_fault_with_its_words(
    registry: Registry, repository: Repository
) -> None:
    manifest = Manifest(
        config=descriptor(OCI_EMPTY, EMPTY), layers=(descriptor(OCI_LAYER, b"not there"),)
    )
    with pytest.raises(RegistryFaultError, match="400 MANIFEST_BLOB_UNKNOWN"):
        registry.put_manifest(repository, "1", written(manifest), OCI_MANIFEST)
    with pytest.raises(RegistryFaultError, match="400 MANIFEST_INVALID"):
        registry.put_manifest(repository, "1", b"{}", DOCKER_MANIFEST)
