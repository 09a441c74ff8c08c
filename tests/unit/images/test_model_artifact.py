"""What a version says of itself is read back from the registry as it was written."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.model import MlflowModel, ModelSource
from fairlead.contract import IngestRequest
from fairlead.images import model_artifact
from fairlead.images.model_artifact import MLFLOW, layers_digest, layers_of, push, stored_model
from fairlead.images.model_content import Content, ModelFile
from fairlead.registry.errors import RegistryFaultError
from fairlead.registry.oci import Manifest, digest_of
from fairlead.registry.reference import Repository

REPOSITORY = Repository("r.example.com", "demo/fairlead/models/credit")
TOLD = MlflowModel(flavors=("sklearn",), python_version="3.11.4", requirements=("numpy==1.26",))
PINNED = f"hf://org/net@{'0' * 40}"


@dataclass
class Kept:
    """A registry that keeps manifests."""

    manifests: dict[str, bytes] = field(default_factory=dict)

    def upload(self, _: Repository, pieces: Iterable[bytes]) -> tuple[str, int]:
        content = b"".join(pieces)
        return digest_of(content), len(content)

    def upload_bytes(self, _: Repository, content: bytes) -> None: ...

    def put_version(self, _: Repository, number: int, body: bytes) -> str:
        self.manifests[str(number)] = body
        return digest_of(body)

    def manifest(self, _: Repository, reference: str) -> tuple[Manifest, None]:
        return Manifest.model_validate_json(self.manifests[reference]), None


def pushed(tmp_path: Path, **about: Any) -> tuple[Any, Any]:
    """The registry, and the version that was stored there."""
    file = tmp_path / "MLmodel"
    file.write_bytes(b"flavors: {}")
    stored = ModelFile("credit/MLmodel", file, 11, digest_of(file.read_bytes()))
    content = Content("credit", stored.digest, (stored,), **about)
    source = ModelSource(uri="hf://org/net")
    request = IngestRequest(repository="r/m", model_name="credit", source=source)
    registry: Any = Kept()
    now = datetime(2026, 11, 27, tzinfo=UTC)
    return registry, push(registry, REPOSITORY, 1, request, content, now)


def test_a_pinned_source_and_what_mlflow_says_are_kept(tmp_path: Path) -> None:
    registry, version = pushed(tmp_path, origin=PINNED, mlflow=TOLD)
    assert (version.source, version.mlflow) == (PINNED, TOLD)
    assert stored_model(registry, REPOSITORY, 1)[0] == version


def test_without_them_there_is_the_address_alone(tmp_path: Path) -> None:
    registry, version = pushed(tmp_path)
    assert (version.source, version.mlflow) == ("hf://org/net", None)
    assert stored_model(registry, REPOSITORY, 1)[0] == version


def folder(tmp_path: Path, **sizes: int) -> Content:
    files = []
    for name, size in sorted(sizes.items()):
        (tmp_path / name).write_bytes(name[:1].encode() * size)
        digest = digest_of((tmp_path / name).read_bytes())
        files.append(ModelFile(f"credit/{name}", tmp_path / name, size, digest))
    return Content("credit", digest_of(b"folder"), tuple(files))


def names(content: Content) -> list[list[str]]:
    return [[file.name.removeprefix("credit/") for file in files] for files in layers_of(content)]


def test_files_of_more_than_1_gib_are_a_layer_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_artifact, "LARGE_FILE_BYTES", 10)
    content = folder(tmp_path, a=11, b=10, c=12, d=1)
    assert names(content) == [["b", "d"], ["c"], ["a"]]
    assert names(folder(tmp_path, a=10, b=10)) == [["a", "b"]]
    assert names(folder(tmp_path, a=11)) == [["a"]]
    monkeypatch.setattr(model_artifact, "MAX_LARGE", 1)
    assert names(content) == [["a", "b", "d"], ["c"]]


def test_what_stands_for_several_layers_changes_with_each_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_artifact, "LARGE_FILE_BYTES", 10)
    registry: Any = Kept()
    now = datetime(2026, 11, 27, tzinfo=UTC)
    source = ModelSource(uri="https://h/net")
    request = IngestRequest(repository="r/m", model_name="credit", source=source)
    found = set()
    for number, sizes in enumerate(({"a": 11, "b": 1}, {"a": 12, "b": 1}, {"a": 11, "b": 2}), 1):
        content = folder(tmp_path, **sizes)
        version = push(registry, REPOSITORY, number, request, content, now)
        read, layers = stored_model(registry, REPOSITORY, number)
        assert (read, len(layers)) == (version, 2)
        assert layers_digest(layers) == version.layer
        assert version.layer not in {layer.digest for layer in layers}
        found.add(version.layer)
    assert len(found) == 3


@pytest.mark.parametrize("count", [0, 18, 10_000])
def test_a_version_with_no_layer_or_with_very_many_is_none_of_ours(
    tmp_path: Path, count: int
) -> None:
    registry, _ = pushed(tmp_path)
    manifest = json.loads(registry.manifests["1"])
    manifest["layers"] *= count
    registry.manifests["1"] = json.dumps(manifest).encode()
    with pytest.raises(RegistryFaultError, match="no model version that Fairlead wrote"):
        stored_model(registry, REPOSITORY, 1)


@pytest.mark.parametrize("said", ["{", "[]", '{"flavors": []}', "[" * 10_000])
def test_what_somebody_else_wrote_there_is_told(tmp_path: Path, said: str) -> None:
    registry, _ = pushed(tmp_path, mlflow=TOLD)
    manifest = json.loads(registry.manifests["1"])
    manifest["annotations"][MLFLOW] = said
    registry.manifests["1"] = json.dumps(manifest).encode()
    with pytest.raises(RegistryFaultError, match="no model version that Fairlead wrote"):
        stored_model(registry, REPOSITORY, 1)
