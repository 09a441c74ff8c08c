"""What the registry says of a base image, before anything is built."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe, ResolveRequest, TaskFailure
from fairlead.images import hashes
from fairlead.images.environment_image import EnvironmentImage
from fairlead.redact import printable
from fairlead.registry import client as registry_client
from fairlead.registry.client import Registry
from fairlead.registry.errors import RegistryFaultError
from fairlead.registry.oci import OCI_INDEX, OCI_MANIFEST, Platform, digest_of
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from fairlead.tasks import resolve as resolving
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.program import TaskContext
from fairlead.tasks.resolve import resolve
from fairlead.tasks.task_log import TaskLog

REGISTRY = "r.example.com"
AMD64 = Platform(os="linux", architecture="amd64")
ANY = ("amd64", "linux")


@pytest.fixture(autouse=True)
def on_amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_client, "PLATFORM", AMD64)


def answer(status: int, body: bytes = b"", **headers: str) -> httpx.Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=told, stream=httpx.ByteStream(body))


def written(document: object) -> bytes:
    return json.dumps(document).encode()


def blob(body: bytes, kind: str = "x/y") -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest_of(body), "size": len(body)}


@dataclass
class Base(httpx.BaseTransport):
    """A registry with one base image, ``base:1``, and nothing else."""

    top: tuple[str, bytes]
    documents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    sent: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "POST":
            return answer(202, Location="/v2/u/1")
        if request.method == "DELETE":
            return answer(204)
        name = path.rpartition("/")[2]
        found = self.top if path == "/v2/base/manifests/1" else self.documents.get(name)
        if found is None:
            return answer(404)
        self.sent += len(found[1])
        return answer(200, found[1], Content_Type=found[0])


def image(architecture: str | None, os: str | None, **more: object) -> tuple[bytes, bytes]:
    """A manifest, and its config."""
    said = {"architecture": architecture, "os": os, **more}
    config = written({key: value for key, value in said.items() if value is not None})
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob(config), "layers": []}
    return written(manifest), config


def alone(architecture: str | None, os: str | None) -> Base:
    manifest, config = image(architecture, os)
    return Base((OCI_MANIFEST, manifest), {digest_of(config): ("x/y", config)})


def index(*platforms: tuple[str, str], lies: Mapping[str, str] | None = None) -> Base:
    """Of each platform an image; ``lies``: what its config says instead."""
    children, documents = [], dict[str, tuple[str, bytes]]()
    for number, (architecture, os) in enumerate(platforms):
        manifest, config = image((lies or {}).get(architecture, architecture), os, author=number)
        about = {"platform": {"architecture": architecture, "os": os}}
        children.append({**blob(manifest, OCI_MANIFEST), **about})
        documents |= {
            digest_of(manifest): (OCI_MANIFEST, manifest),
            digest_of(config): ("x/y", config),
        }
    return Base((OCI_INDEX, written({"schemaVersion": 2, "manifests": children})), documents)


def resolved(base: Base, folder: Path, *, keep_base: bool = False) -> str:
    """The digest of the base image that is built upon."""
    settings = Settings(registry=REGISTRY)
    with Registry(settings, base) as registry:
        task = TaskContext(folder, settings, registry, TaskLog(io.StringIO()))
        request = ResolveRequest(
            repository=f"{REGISTRY}/team/x",
            environments=f"{REGISTRY}/team/environments",
            recipe=EnvironmentRecipe(base_image=f"{REGISTRY}/base:1"),
            keep_base=keep_base,
        )
        return resolve(request, task).base_digest


def test_the_base_image_is_kept_where_that_is_wanted_and_an_environment_is_to_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = list[tuple[Repository, str, Repository]]()

    def keep(_: Registry, base: Repository, digest: str, environments: Repository) -> str:
        kept.append((base, digest, environments))
        return "Kept."

    monkeypatch.setattr(resolving, "keep_base", keep)
    base = alone(*ANY)
    resolved(base, tmp_path)
    assert not kept
    digest = resolved(base, tmp_path, keep_base=True)
    places = [Repository(REGISTRY, path) for path in ("base", "team/environments")]
    assert kept == [(places[0], digest, places[1])]
    there = EnvironmentImage(digest, "3.11.2")
    monkeypatch.setattr(resolving, "find_environment", lambda *_: there)
    monkeypatch.setattr(resolving, "has_lock", lambda *_: True)
    resolved(base, tmp_path, keep_base=True)
    assert len(kept) == 1


def refused(base: Base, folder: Path) -> TaskFailure:
    with pytest.raises(TaskFailedError) as failed:
        resolved(base, folder)
    return failed.value.failure


@pytest.mark.parametrize(("architecture", "os"), [ANY, (None, None), ("amd64", None)])
def test_an_image_for_this_platform_or_that_does_not_say_is_built_upon(
    tmp_path: Path, architecture: str | None, os: str | None
) -> None:
    base = alone(architecture, os)
    assert resolved(base, tmp_path) == digest_of(base.top[1])


def test_of_an_index_this_platforms_image_is_built_upon(tmp_path: Path) -> None:
    base = index(("arm64", "linux"), ANY, ("amd64", "windows"))
    taken = resolved(base, tmp_path)
    assert json.loads(base.top[1])["manifests"][1]["digest"] == taken


def test_on_a_node_of_another_platform_that_ones_image_is_built_upon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the Jobs of an image with ``spec.platform`` are; images for arm64 name a variant."""
    base = index(ANY, ("arm64", "linux"))
    children = json.loads(base.top[1])
    children["manifests"][1]["platform"]["variant"] = "v8"
    base.top = (OCI_INDEX, written(children))
    hashes_by_platform = set()
    for number, architecture in enumerate(("amd64", "arm64")):
        here = Platform(os="linux", architecture=architecture)
        for module in (registry_client, hashes):
            monkeypatch.setattr(module, "PLATFORM", here)
        assert resolved(base, tmp_path) == children["manifests"][number]["digest"]
        recipe = EnvironmentRecipe(base_image="base:1")
        hashes_by_platform.add(hashes.environment_hash(recipe, digest_of(b"the same base")))
    assert len(hashes_by_platform) == 2


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (alone("arm64", "linux"), "It is made for linux/arm64, not for linux/amd64."),
        (alone("amd64", "windows"), "It is made for windows/amd64, not for linux/amd64."),
        (
            index(("arm64", "linux"), ("s390x", "linux")),
            "r.example.com/base:1 is not made for linux/amd64, only for linux/arm64 and "
            "linux/s390x.",
        ),
        (index(), "r.example.com/base:1 is not made for linux/amd64."),
        (
            index(("arm64", "linux"), ANY, lies={"amd64": "riscv64"}),
            "It is made for linux/riscv64, not for linux/amd64.",
        ),
    ],
    ids=["alone", "another system", "an index", "an empty index", "an index that lies"],
)
def test_another_platform_is_told_before_the_build(base: Base, said: str, tmp_path: Path) -> None:
    failure = refused(base, tmp_path)
    assert failure.reason is Reason.BASE_IMAGE_WRONG_PLATFORM
    assert (failure.class_, failure.retryable) == (FailureClass.USER, True)
    assert failure.message == f"The base image {REGISTRY}/base:1 does not run here. {said}"


def test_of_ten_thousand_platforms_a_few_are_named(tmp_path: Path) -> None:
    failure = refused(index(*((f"cpu{n}", "linux") for n in range(10_000))), tmp_path)
    assert failure.message.endswith("linux/cpu1005 and 9990 more.")
    assert len(failure.message) < 500


@pytest.mark.parametrize("architecture", ["a\nb: forged", "\x1b[31m", "x" * 100_000, "\ud800"])
def test_whatever_a_platform_is_called_it_is_one_bounded_line(
    architecture: str, tmp_path: Path
) -> None:
    for base in (alone(architecture, "linux"), index((architecture, "linux"))):
        try:
            message = refused(base, tmp_path).message
        except RegistryFaultError as error:
            message = str(error)
        assert "\n" not in message
        assert printable(message) == message
        assert len(message) < 3000


def test_a_manifest_of_100_mb_is_not_read_to_its_end(tmp_path: Path) -> None:
    base = alone(*ANY)
    manifest = {**json.loads(base.top[1]), "annotations": {"a": "x" * 100_000_000}}
    base.top = (OCI_MANIFEST, written(manifest))
    failure = refused(base, tmp_path)
    assert failure.reason is Reason.REGISTRY_FAULT
    assert "its answer is larger than 4 MiB" in failure.message


def test_a_manifest_that_registries_do_not_take_is_not_sent() -> None:
    body, here = bytes(4 * 1024 * 1024 + 1), Repository(REGISTRY, "x")
    with (
        Registry(Settings(), alone(*ANY)) as registry,
        pytest.raises(RegistryFaultError, match="would be larger than 4 MiB"),
    ):
        registry.put_manifest(here, "1", body, OCI_MANIFEST)
