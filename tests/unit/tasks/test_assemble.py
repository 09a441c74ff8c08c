"""What of a model is put into an image."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fairlead.contract import IngestRequest, ModelLayer
from fairlead.images import model_artifact
from fairlead.images.model_artifact import push
from fairlead.images.model_content import content_of
from fairlead.registry.errors import RegistryFaultError
from fairlead.registry.oci import digest_of
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from fairlead.tasks.assemble import _model
from fairlead.tasks.program import TaskContext
from fairlead.tasks.task_log import TaskLog
from tests.integration.registry.images import HANDED_OVER
from tests.unit.memory_registry import MemoryRegistry

SOURCE, TARGET = Repository("r:5000", "demo/models/net"), Repository("r:5000", "demo/net")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> MemoryRegistry:
    monkeypatch.setattr(model_artifact, "LARGE_FILE_BYTES", 10)
    return MemoryRegistry()


def stored(registry: MemoryRegistry, folder: Path, *sizes: int) -> ModelLayer:
    """Version 1 of a model of files of these sizes."""
    digests = {}
    for number, size in enumerate(sizes):
        (folder / f"{number}.bin").write_bytes(bytes([number]) * size)
        digests[f"{number}.bin"] = digest_of((folder / f"{number}.bin").read_bytes())
    request = IngestRequest(repository=str(SOURCE), model_name="net", source=HANDED_OVER)
    content, now = content_of(folder, digests, "net"), datetime(2026, 11, 27, tzinfo=UTC)
    version = push(registry.client, SOURCE, 1, request, content, now)
    return ModelLayer(
        repository=str(SOURCE),
        layer=version.layer,
        size=version.size_bytes,
        model_name="net",
        version=1,
        path=version.path,
    )


@pytest.mark.parametrize(("sizes", "count"), [((5, 5), 1), ((11, 5), 2), ((11, 12, 13, 1), 4)])
def test_every_layer_of_a_model_is_mounted(
    registry: MemoryRegistry, tmp_path: Path, sizes: tuple[int, ...], count: int
) -> None:
    log = io.StringIO()
    task = TaskContext(tmp_path, Settings(), registry.client, TaskLog(log))
    layer = stored(registry, tmp_path, *sizes)
    version, parts = _model(layer, TARGET, task)
    assert (version.layer, len(parts)) == (layer.layer, count)
    assert all(part.diff_id == part.descriptor.digest for part in parts)
    assert all(registry.has_blob(TARGET, part.descriptor.digest) for part in parts)
    assert f"Model net:1 ({sum(sizes):,} bytes) mounted." in log.getvalue()


def test_a_version_that_is_not_what_it_was_is_not_taken(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    task = TaskContext(tmp_path, Settings(), registry.client, TaskLog(io.StringIO()))
    layer = stored(registry, tmp_path, 11, 5)
    other = layer.model_copy(update={"layer": digest_of(b"other")})
    with pytest.raises(RegistryFaultError, match="is not what it was"):
        _model(other, TARGET, task)
