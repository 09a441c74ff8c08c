"""Old build logs go, each by its own image; what somebody may still look for stays."""
# ruff: noqa: ARG002  (the registry in memory is one repository)

import pytest

from fairlead.images.build_log import LOG_ARTIFACT_TYPE, append_log, read_log
from fairlead.images.environment_image import version_of, version_of_log
from fairlead.images.log_retention import old_attempts, old_logs, remove_old_logs
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError, RegistryDeniedError
from fairlead.registry.oci import OCI_MANIFEST, Descriptor, Manifest, digest_of
from fairlead.registry.reference import Repository

HERE = Repository("registry.example.com", "team/credit")


class InMemory(Registry):
    """Manifests by digest, tags by name; deleting a digest deletes its tags."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.named: dict[str, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.deletes = True

    def tags(self, repository: Repository) -> tuple[str, ...]:
        return tuple(self.named)

    def manifest(self, repository: Repository, reference: str) -> tuple[Manifest, Descriptor]:
        digest = self.named.get(reference, "")
        if digest not in self.manifests:
            raise NotInRegistryError(repository, "gone")
        body = self.manifests[digest]
        described = Descriptor(media_type=OCI_MANIFEST, digest=digest, size=len(body))
        return Manifest.model_validate_json(body), described

    def put_manifest(
        self, repository: Repository, reference: str, body: bytes, media_type: str
    ) -> str:
        self.named[reference] = digest_of(body)
        self.manifests[digest_of(body)] = body
        return digest_of(body)

    def upload_bytes(self, repository: Repository, content: bytes) -> None:
        self.blobs[digest_of(content)] = content

    def blob(self, repository: Repository, digest: str) -> bytes:
        return self.blobs[digest]

    def delete_manifest(self, repository: Repository, digest: str) -> None:
        if not self.deletes:
            raise RegistryDeniedError(repository, "405 UNSUPPORTED")
        del self.manifests[digest]
        self.named = {tag: of for tag, of in self.named.items() if of != digest}


@pytest.fixture
def registry() -> InMemory:
    return InMemory()


def log(registry: Registry, tag: str, owner: str = "demo/a") -> None:
    append_log(registry, HERE, tag, owner, "the same words in every log")


def test_the_newest_builds_are_kept_by_version_and_attempt() -> None:
    tags = ["log-10-1", "log-2-1", "log-2-11", "log-2-2", "1", "latest", "log-x-1", "log-0-1"]
    assert old_logs(tags, keep=2) == ["log-2-1", "log-2-2"]
    assert old_logs(tags, keep=9) == []


def test_old_logs_are_removed_and_versions_are_not(registry: InMemory) -> None:
    for version in range(1, 8):
        log(registry, f"log-{version}-1")
        registry.put_manifest(HERE, str(version), f'{{"version":{version}}}'.encode(), "x")
    removed = remove_old_logs(registry, HERE, "log-7-1", "demo/a", keep=3)
    assert removed == 4
    assert sorted(registry.named) == sorted(
        [*(str(version) for version in range(1, 8)), "log-5-1", "log-6-1", "log-7-1"]
    )


def test_the_log_of_this_build_stays_though_others_are_newer(registry: InMemory) -> None:
    log(registry, "log-1-1")
    for version in range(2, 6):
        log(registry, f"log-{version}-1", "demo/b")
    assert remove_old_logs(registry, HERE, "log-1-1", "demo/a", keep=2) == 0


def test_the_logs_of_another_image_in_the_same_repository_are_its_own(registry: InMemory) -> None:
    """Its status may name the log of a build that is long past."""
    log(registry, "log-1-1", "demo/b")
    for version in range(2, 8):
        log(registry, f"log-{version}-1")
    remove_old_logs(registry, HERE, "log-7-1", "demo/a", keep=2)
    assert sorted(registry.named) == ["log-1-1", "log-6-1", "log-7-1"]


HASHES = ("a" * 64, "1" * 64)


def test_of_an_environment_the_latest_attempts_are_kept() -> None:
    tags = [f"log-{hash_}-{attempt}" for hash_ in HASHES for attempt in (1, 2, 10, 11)]
    others = ["log-1-1", "log-2-1", f"log-{HASHES[0]}-x", HASHES[0]]
    old = old_attempts([*tags, *others], f"log-{HASHES[0]}-11")
    assert old == [f"log-{HASHES[0]}-1"]
    assert old_attempts([*tags, *others], "log-2-1") == []


def test_old_attempts_at_an_environment_are_removed_and_nothing_else(registry: InMemory) -> None:
    mine, other = HASHES
    log(registry, "log-1-1")
    for attempt in range(1, 6):
        log(registry, f"log-{mine}-{attempt}")
        log(registry, f"log-{other}-{attempt}")
    assert remove_old_logs(registry, HERE, f"log-{mine}-5", "demo/a", keep=20) == 2
    assert [tag for tag in registry.named if mine in tag] == [f"log-{mine}-{n}" for n in (3, 4, 5)]
    assert len([tag for tag in registry.named if other in tag]) == 5


def test_a_log_that_another_began_is_about_both(registry: InMemory) -> None:
    log(registry, "log-1-1", "demo/b")
    log(registry, "log-1-1", "demo/a")
    log(registry, "log-1-1", "demo/b")
    assert read_log(registry, HERE, "log-1-1").owners == ("demo/b", "demo/a")


def test_what_is_no_log_of_ours_stays(registry: InMemory) -> None:
    config = Descriptor(media_type="x", digest=digest_of(b""), size=0)
    image = Manifest(config=config, layers=()).model_dump_json(by_alias=True).encode()
    registry.put_manifest(HERE, "log-1-1", image, OCI_MANIFEST)
    log(registry, "log-2-1")
    assert remove_old_logs(registry, HERE, "log-2-1", "demo/a", keep=1) == 0


def test_a_tag_that_outlived_its_log_is_passed_over(registry: InMemory) -> None:
    for version in range(1, 4):
        log(registry, f"log-{version}-1")
    registry.manifests.pop(registry.named["log-1-1"])
    assert remove_old_logs(registry, HERE, "log-3-1", "demo/a", keep=1) == 1


def test_the_highest_version_that_was_ever_used_can_be_told_from_what_is_kept(
    registry: InMemory,
) -> None:
    registry.put_manifest(HERE, "3", b'{"version":3}', "x")
    for build in ("log-3-1", "log-4-1", "log-4-2", "log-4-3"):  # version 4 failed three times
        log(registry, build)
        remove_old_logs(registry, HERE, build, "demo/a", keep=1)
    used = [version_of(tag) or version_of_log(tag) or 0 for tag in registry.named]
    assert max(used) == 4


def test_no_two_logs_are_one_manifest(registry: InMemory) -> None:
    """Else deleting the one would delete the other."""
    log(registry, "log-1-1")
    log(registry, "log-2-1")
    assert len(registry.manifests) == 2
    assert registry.manifest(HERE, "log-1-1")[0].artifact_type == LOG_ARTIFACT_TYPE


def test_a_registry_that_deletes_nothing_says_so(registry: InMemory) -> None:
    registry.deletes = False
    for version in range(1, 4):
        log(registry, f"log-{version}-1")
    with pytest.raises(RegistryDeniedError):
        remove_old_logs(registry, HERE, "log-3-1", "demo/a", keep=1)
