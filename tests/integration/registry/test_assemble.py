"""The program ``assemble``: an image from layers, without an engine."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import AssembleRequest, LogTarget, PublishRequest
from fairlead.images.build_log import read_log
from fairlead.registry.client import Registry
from fairlead.registry.oci import (
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    PLATFORM,
    Descriptor,
    Manifest,
)
from fairlead.registry.reference import parse_repository
from tests.cluster import Cluster
from tests.integration.registry.images import push_environment, push_model
from tests.integration.registry.server import WebServer, replies
from tests.integration.registry.task import Tasks

CODE = {"score.py": b"def init(): ...\ndef run(data): return data\n", "lib/a.py": b"A = 1\n"}


@pytest.fixture
def request_(
    cluster: Cluster, registry: Registry, namespace: str, tmp_path: Path
) -> AssembleRequest:
    """The image of one model; the runtime is one that all tests share."""
    environments = parse_repository(f"{namespace}/fairlead/environments")
    return AssembleRequest(
        repository=f"{namespace}/credit",
        version=1,
        hash="hash-of-all-inputs",
        environments=str(environments),
        environment_digest=push_environment(registry, environments, "e1"),
        runtimes=f"{cluster.registry}/shared/runtimes",
        python="3.11.2",
        models=(push_model(registry, namespace, "credit", b"weights", tmp_path),),
        entry_script="score.py",
        environment_variables={"THRESHOLD": "0.5", "AML_APP_ROOT": "/mine"},
        log=LogTarget(repository=f"{namespace}/credit", tag="log-1-1", owner="demo/credit"),
    )


def config_of(registry: Registry, repository: str, manifest: Manifest) -> dict[str, Any]:
    config = registry.blob(parse_repository(repository), manifest.config.digest)
    return dict(json.loads(config))


def files_in(registry: Registry, repository: str, layer: Descriptor) -> dict[str, bytes]:
    with registry.open_blob(parse_repository(repository), layer.digest) as pieces:
        content = b"".join(pieces)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {m.name: archive.extractfile(m) for m in archive.getmembers() if m.isreg()}
        return {name: file.read() for name, file in files.items() if file}


def test_an_image_is_environment_runtime_model_and_code(
    tasks: Tasks, registry: Registry, request_: AssembleRequest
) -> None:
    ended = tasks.run("assemble", request_, CODE)
    target = parse_repository(request_.repository)
    manifest, described = registry.manifest(target, "1")
    assert ended.ok["digest"] == described.digest
    assert ended.ok["sizeBytes"] == sum(layer.size for layer in manifest.layers)
    assert described.media_type == OCI_MANIFEST
    assert manifest.annotations == {
        "dev.fairlead.image.hash": "hash-of-all-inputs",
        "dev.fairlead.image.version": "1",
    }
    environment, runtime, model, code = manifest.layers
    assert [layer.media_type for layer in manifest.layers] == [
        OCI_LAYER_GZIP,
        OCI_LAYER_GZIP,
        OCI_LAYER,
        OCI_LAYER_GZIP,
    ]
    here = request_.repository
    assert files_in(registry, here, environment) == {"opt/fairlead/env/bin/python": b"#!"}
    assert "opt/fairlead/runtime/fairlead_scoring/__main__.py" in files_in(registry, here, runtime)
    assert files_in(registry, here, model) == {
        "var/azureml-app/azureml-models/credit/1/model.pkl": b"weights"
    }
    assert files_in(registry, here, code) == {
        f"var/azureml-app/{name}": content for name, content in CODE.items()
    }
    config = config_of(registry, here, manifest)
    assert len(config["rootfs"]["diff_ids"]) == len(manifest.layers)
    assert (config["os"], config["architecture"]) == (PLATFORM.os, PLATFORM.architecture)
    assert "created" not in json.dumps(config).replace("created_by", "")
    assert config["config"]["Env"] == [
        "PATH=/opt/fairlead/env/bin:/bin",
        "AML_APP_ROOT=/var/azureml-app",
        "AZUREML_ENTRY_SCRIPT=score.py",
        "AZUREML_MODEL_DIR=/var/azureml-app/azureml-models/credit/1",
        "HOME=/tmp",
        "THRESHOLD=0.5",
    ]
    assert "AML_APP_ROOT is set by Fairlead" in ended.log


def test_an_image_that_is_tried_first_gets_its_tag_afterwards_once(
    tasks: Tasks, registry: Registry, request_: AssembleRequest
) -> None:
    target = parse_repository(request_.repository)
    made = tasks.run("assemble", request_.model_copy(update={"tag": False}), CODE)
    digest = made.ok["digest"]
    assert "version 1 without its tag" in made.log
    assert registry.digest_of(target, "1") is None
    publish = PublishRequest(repository=str(target), version=1, digest=digest)
    for _ in range(2):  # the second time nothing is left to do
        assert tasks.run("publish", publish).ok["digest"] == digest
    assert registry.digest_of(target, "1") == digest
    other = tasks.run("publish", publish.model_copy(update={"digest": f"sha256:{'0' * 64}"}))
    assert other.failure.reason is Reason.REGISTRY_FAULT
    second = request_.model_copy(update={"tag": False, "version": 2})
    taken = publish.model_copy(update={"digest": tasks.run("assemble", second, CODE).ok["digest"]})
    assert tasks.run("publish", taken).failure.reason is Reason.VERSION_TAKEN


def test_the_same_inputs_have_the_same_digest_wherever_they_are_assembled(
    tasks: Tasks, registry: Registry, namespace: str, request_: AssembleRequest, tmp_path: Path
) -> None:
    second = push_model(registry, namespace, "other", b"more", tmp_path)
    models = (*request_.models, second)
    one = request_.model_copy(update={"models": models})
    two = request_.model_copy(update={"models": models[::-1], "repository": f"{namespace}/twin"})
    digests = {tasks.run("assemble", request, CODE).ok["digest"] for request in (one, two)}
    assert len(digests) == 1


def test_the_runtime_is_made_once_and_mounted_afterwards(
    tasks: Tasks, namespace: str, request_: AssembleRequest
) -> None:
    runtimes = f"{namespace}/fairlead/runtimes"
    request = request_.model_copy(update={"runtimes": runtimes})
    first = tasks.run("assemble", request, CODE)
    twin = request.model_copy(update={"repository": f"{namespace}/twin"})
    second = tasks.run("assemble", twin, CODE)
    assert "Making the runtime for Python 3.11" in first.log
    assert "Making the runtime" not in second.log
    assert "Runtime for Python 3.11 mounted." in second.log
    assert "Model credit:1 (7 bytes) mounted." in second.log


def test_a_runtime_made_again_has_the_same_digest(
    tasks: Tasks, registry: Registry, request_: AssembleRequest, namespace: str
) -> None:
    for runtimes in ("one", "two"):
        request = request_.model_copy(
            update={
                "runtimes": f"{namespace}/{runtimes}",
                "repository": f"{namespace}/i-{runtimes}",
            }
        )
        tasks.run("assemble", request, CODE)
    one, two = (parse_repository(f"{namespace}/{name}") for name in ("one", "two"))
    (tag,) = registry.tags(one)
    assert registry.tags(two) == (tag,)
    assert registry.digest_of(one, tag) == registry.digest_of(two, tag)


def test_an_image_that_is_there_is_adopted_and_nothing_is_pushed(
    tasks: Tasks, request_: AssembleRequest
) -> None:
    first = tasks.run("assemble", request_, CODE)
    again = tasks.run("assemble", request_, {"score.py": b"not looked at"})
    assert (again.ok["digest"], again.ok["sizeBytes"]) == (
        first.ok["digest"],
        first.ok["sizeBytes"],
    )
    assert "is there already, made from the same inputs" in again.log


def test_a_version_made_from_something_else_is_never_written_over(
    tasks: Tasks, registry: Registry, request_: AssembleRequest
) -> None:
    tasks.run("assemble", request_, CODE)
    before = registry.digest_of(parse_repository(request_.repository), "1")
    failure = tasks.run("assemble", request_.model_copy(update={"hash": "x"}), CODE).failure
    assert (failure.reason, failure.retryable) == (Reason.VERSION_TAKEN, True)
    assert failure.message == (f"{request_.repository}:1 exists and was made from something else.")
    assert registry.digest_of(parse_repository(request_.repository), "1") == before


def test_without_models_the_model_dir_is_that_of_all(
    tasks: Tasks, registry: Registry, request_: AssembleRequest
) -> None:
    tasks.run("assemble", request_.model_copy(update={"models": ()}), CODE)
    manifest, _ = registry.manifest(parse_repository(request_.repository), "1")
    config = config_of(registry, request_.repository, manifest)
    assert "AZUREML_MODEL_DIR=/var/azureml-app/azureml-models" in config["config"]["Env"]


def test_the_log_of_a_build_is_kept_and_grows_with_each_task(
    tasks: Tasks, registry: Registry, request_: AssembleRequest
) -> None:
    tasks.run("assemble", request_, CODE)
    target = parse_repository(request_.repository)
    first = read_log(registry, target, "log-1-1").text.decode()
    assert f"{request_.repository}:1 is sha256:" in first
    tasks.run("assemble", request_.model_copy(update={"hash": "x"}), CODE)
    both = read_log(registry, target, "log-1-1").text.decode()
    assert both.startswith(first)
    assert "VersionTaken: " in both.removeprefix(first)


def test_of_the_logs_of_builds_the_newest_are_kept(
    tasks: Tasks, registry: Registry, request_: AssembleRequest
) -> None:
    tasks.settings["FAIRLEAD_BUILD_LOGS_MAX"] = "2"
    for attempt in range(1, 5):
        log = request_.log.model_copy(update={"tag": f"log-1-{attempt}"})
        tasks.run("assemble", request_.model_copy(update={"log": log}), CODE)
    tags = registry.tags(parse_repository(request_.repository))
    assert sorted(tags) == ["1", "log-1-3", "log-1-4"]


def test_an_environment_that_has_gone_is_named(tasks: Tasks, request_: AssembleRequest) -> None:
    gone = request_.model_copy(update={"environment_digest": "sha256:" + 64 * "0"})
    failure = tasks.run("assemble", gone, CODE).failure
    assert (failure.reason, failure.retryable) == (Reason.REGISTRY_FAULT, True)
    assert "fairlead/environments@sha256:0000" in failure.message


def test_a_package_index_that_is_silent_is_not_the_users_fault(
    tasks: Tasks, web: WebServer, namespace: str, request_: AssembleRequest
) -> None:
    web.otherwise = replies(503)
    tasks.settings |= {"FAIRLEAD_PACKAGE_INDEX": web.url("/simple"), "PIP_NO_CACHE_DIR": "1"}
    tasks.settings["PIP_FIND_LINKS"] = ""
    request = request_.model_copy(update={"runtimes": f"{namespace}/fairlead/runtimes"})
    failure = tasks.run("assemble", request, CODE).failure
    assert (failure.reason, failure.retryable) == (Reason.PACKAGE_INDEX_UNREACHABLE, True)
    assert failure.message.startswith(
        "The scoring runtime could not be installed: the package index does not answer, or lacks "
        "what the runtime is made of (No matching distribution found for "
    )
    assert failure.log_tail
