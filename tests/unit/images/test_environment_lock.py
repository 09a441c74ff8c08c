# ruff: noqa: ARG002  (a stand-in for a registry)
"""The lock of an environment: one text, found again by the environment's hash."""

from dataclasses import dataclass, field
from typing import cast

from fairlead.images.environment_lock import Lock, has_lock, lock_tag, store_lock
from fairlead.images.layers import gunzipped
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError
from fairlead.registry.oci import OCI_CONFIG, Descriptor, Manifest, digest_of
from fairlead.registry.reference import Repository, parse_repository

PLACE = parse_repository("localhost:5000/demo/fairlead/environments")
HASH = "ab" * 32


@dataclass
class FakeRegistry:
    blobs: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, bytes] = field(default_factory=dict)

    def upload_bytes(self, repository: Repository, content: bytes) -> None:
        self.blobs[digest_of(content)] = content

    def put_manifest(self, repository: Repository, tag: str, body: bytes, kind: str) -> str:
        self.tags[tag] = body
        return digest_of(body)

    def manifest(self, repository: Repository, reference: str) -> tuple[Manifest, Descriptor]:
        if reference not in self.tags:
            raise NotInRegistryError(repository, "nothing there")
        found = Descriptor(media_type=OCI_CONFIG, digest=digest_of(b""), size=0)
        return Manifest.model_validate_json(self.tags[reference]), found


def test_a_lock_is_kept_and_found() -> None:
    registry = FakeRegistry()
    client = cast(Registry, registry)
    assert not has_lock(client, PLACE, HASH)
    lock = Lock("python@sha256:ab", "3.6.15", ("https://x.example/a-1-0.conda#md5",), ("b==2",))
    store_lock(client, PLACE, HASH, lock)
    assert has_lock(client, PLACE, HASH)
    manifest = Manifest.model_validate_json(registry.tags[lock_tag(HASH)])
    kept = gunzipped(registry.blobs[manifest.layers[0].digest], 10_000).decode()
    assert kept.splitlines() == [
        "# Python 3.6.15 on python@sha256:ab",
        "# conda create --file",
        "@EXPLICIT",
        "https://x.example/a-1-0.conda#md5",
        "# pip freeze --all",
        "b==2",
    ]


def test_what_is_no_lock_under_its_name_is_none() -> None:
    registry = FakeRegistry()
    config = Descriptor(media_type=OCI_CONFIG, digest=digest_of(b""), size=0)
    registry.tags[lock_tag(HASH)] = Manifest(config=config, layers=()).model_dump_json().encode()
    assert not has_lock(cast(Registry, registry), PLACE, HASH)


def test_an_environment_of_pip_alone_has_no_list_of_condas() -> None:
    assert Lock("b", "3.11.2").text == "# Python 3.11.2 on b\n"
