"""What of a model is put into an image."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fairlead.contract import AssembleRequest, IngestRequest, LogTarget, ModelLayer, TaskFailure
from fairlead.images import model_artifact
from fairlead.images.assembly import HASH_ANNOTATION, MAX_LAYERS, OWN_LAYERS
from fairlead.images.model_artifact import MAX_LARGE, push
from fairlead.images.model_content import content_of
from fairlead.registry.errors import RegistryFaultError
from fairlead.registry.oci import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    descriptor,
    digest_of,
    written,
)
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from fairlead.tasks.assemble import _model, _parts, assemble
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.layer_limit import check_layers
from fairlead.tasks.program import TaskContext
from fairlead.tasks.task_log import TaskLog
from tests.integration.registry.images import HANDED_OVER
from tests.unit.memory_registry import MemoryRegistry

ENVIRONMENTS = Repository("r:5000", "demo/environments")
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
    model = _model(layer, task)
    parts = _parts(model, TARGET, task)
    assert (model.version.layer, len(parts)) == (layer.layer, count)
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
        _model(other, task)


def refused(environment: int, **models: int) -> TaskFailure:
    with pytest.raises(TaskFailedError) as raised:
        check_layers(environment, models)
    return raised.value.failure


def test_an_image_has_no_more_layers_than_nodes_mount() -> None:
    check_layers(MAX_LAYERS - 2, {})
    check_layers(MAX_LAYERS - 2 - 18, {"a:1": 17, "b:1": 1})
    failure = refused(30, a=17, b=17, c=17, d=16, e=17, f=5)
    assert (failure.reason, failure.class_, failure.retryable) == ("InvalidSpec", "User", False)
    assert failure.message == (
        "The image would have 121 layers, and nodes mount one of at most 120: the environment has "
        "30, the runtime and the code 2, the models 89: 17 of a, 17 of b, 17 of c and 3 more."
    )
    assert "fewer models in spec.models" in str(failure.remedy)
    failure = refused(119, a=1)  # without models, too
    assert (failure.reason, failure.class_) == ("EnvironmentUnfit", "User")
    assert "has 119 layers" in failure.message


def request_of(environment: str, *models: ModelLayer, tag: bool = True) -> AssembleRequest:
    return AssembleRequest(
        repository=str(TARGET),
        version=1,
        hash="1" * 64,
        environments=str(ENVIRONMENTS),
        environment_digest=environment,
        runtimes="r:5000/demo/runtimes",
        python="3.11.2",
        models=models,
        entry_script="score.py",
        log=LogTarget(repository=str(TARGET), tag="log-1-1", owner="demo/net"),
        tag=tag,
    )


@pytest.mark.parametrize("tag", [True, False])
def test_an_image_that_is_there_has_its_tag_whether_one_was_asked_for_or_not(
    registry: MemoryRegistry, tmp_path: Path, *, tag: bool
) -> None:
    of_it = {HASH_ANNOTATION: "1" * 64}
    there = Manifest(config=descriptor(OCI_CONFIG, b"{}"), layers=(), annotations=of_it)
    digest = registry.put_manifest(TARGET, "1", written(there), OCI_MANIFEST)
    task = TaskContext(tmp_path, Settings(), registry.client, TaskLog(io.StringIO()))
    result = assemble(request_of("", tag=tag), task)
    assert (result.digest, result.tagged) == (digest, True)


def test_an_image_of_too_many_layers_is_refused_before_any_is_pushed(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    model = stored(registry, tmp_path, *range(11, 11 + MAX_LARGE), 1)
    registry.upload_bytes(ENVIRONMENTS, b"{}")
    layer = Descriptor(media_type=OCI_LAYER, digest=digest_of(b"a"), size=1)
    layers = (layer,) * (MAX_LAYERS - OWN_LAYERS - MAX_LARGE)
    environment = Manifest(config=descriptor(OCI_CONFIG, b"{}"), layers=layers)
    digest = registry.put_manifest(ENVIRONMENTS, "e", written(environment), OCI_MANIFEST)
    request = request_of(digest, model)
    sent = list(registry.sent)
    with pytest.raises(TaskFailedError) as raised:
        assemble(
            request, TaskContext(tmp_path, Settings(), registry.client, TaskLog(io.StringIO()))
        )
    assert "would have 121 layers" in raised.value.failure.message
    assert registry.sent == sent
    assert not [place for place, _ in registry.blobs if place == str(TARGET)]
