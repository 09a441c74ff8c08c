"""The program ``ingest``, run as the operator runs it, against a real registry."""

import io
import tarfile
from collections.abc import Mapping

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import IngestRequest
from fairlead.images.hashes import folder_digest
from fairlead.registry.client import Registry
from fairlead.registry.oci import (
    EMPTY,
    OCI_EMPTY,
    OCI_MANIFEST,
    Manifest,
    descriptor,
    digest_of,
    written,
)
from fairlead.registry.reference import parse_repository
from fairlead.sources.oci import TITLE
from tests.cluster import Cluster
from tests.integration.registry.images import HANDED_OVER
from tests.integration.registry.server import WebServer, replies
from tests.integration.registry.task import Ended, Tasks
from tests.unit.sources.test_archive import tarred, zipped

MODEL = b"a trained model"


@pytest.fixture
def models(namespace: str) -> str:
    """The repository of a Model called credit."""
    return f"{namespace}/fairlead/models/credit"


def from_files(models: str, **about: object) -> IngestRequest:
    wanted = {"repository": models, "model_name": "credit", "source": HANDED_OVER, **about}
    return IngestRequest.model_validate(wanted)


def from_uri(models: str, uri: str, **about: object) -> IngestRequest:
    return from_files(models, source={"uri": uri}, **about)


def config_map(name: str) -> dict[str, object]:
    return {"configMap": {"name": name}}


def layer_of(registry: Registry, models: str, version: int) -> dict[str, bytes]:
    """The files that a version's layer holds."""
    repository = parse_repository(models)
    manifest, _ = registry.manifest(repository, str(version))
    content = registry.blob(repository, manifest.layers[0].digest)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {m.name: archive.extractfile(m) for m in archive.getmembers() if m.isreg()}
        return {name: file.read() for name, file in files.items() if file}


def test_a_file_becomes_version_1_at_its_final_path(
    tasks: Tasks, registry: Registry, models: str
) -> None:
    ended = tasks.run("ingest", from_files(models), {"model.pkl": MODEL})
    (version,) = ended.ok["versions"]
    registered = version.pop("registeredAt")
    assert registered.endswith("Z")
    assert version == {
        "version": 1,
        "digest": digest_of(MODEL),
        "sizeBytes": len(MODEL),
        "files": 1,
        "modelName": "credit",
        "source": "configmap/m",
        "artifact": f"{models}:1",
        "layer": version["layer"],
        "path": "model.pkl",
    }
    assert layer_of(registry, models, 1) == {
        "var/azureml-app/azureml-models/credit/1/model.pkl": MODEL
    }


def test_a_model_from_a_registry_is_pinned_to_its_digest(
    tasks: Tasks, registry: Registry, models: str, namespace: str
) -> None:
    """An artifact as `oras push` makes it."""
    repository = parse_repository(f"{namespace}/artifacts")
    file = descriptor("application/octet-stream", MODEL, **{TITLE: "model.pkl"})
    manifest = Manifest(config=descriptor(OCI_EMPTY, EMPTY), layers=(file,))
    for content in (MODEL, EMPTY):
        registry.upload_bytes(repository, content)
    digest = registry.put_manifest(repository, "1", written(manifest), OCI_MANIFEST)
    ended = tasks.run("ingest", from_uri(models, f"oci://{repository}:1"))
    (version,) = ended.ok["versions"]
    assert version["source"] == f"oci://{repository}@{digest}"
    assert version["digest"] == digest_of(MODEL)
    missing = tasks.run("ingest", from_uri(models, f"oci://{repository}:2")).failure
    assert missing.reason is Reason.MODEL_SOURCE_NOT_FOUND


def test_an_mlflow_folder_tells_what_it_is_and_the_registry_keeps_it(
    tasks: Tasks, models: str
) -> None:
    files = {
        "MLmodel": b"flavors: {sklearn: {}, python_function: {python_version: 3.11.4}}",
        "requirements.txt": b"numpy==1.26\n",
        "model.pkl": MODEL,
    }
    told = {
        "flavors": ["python_function", "sklearn"],
        "pythonVersion": "3.11.4",
        "requirements": ["numpy==1.26"],
    }
    for _ in range(2):  # the second time it is read back
        (version,) = tasks.run("ingest", from_files(models), files).ok["versions"]
        assert version["mlflow"] == told


def test_the_same_content_makes_no_second_version(
    tasks: Tasks, registry: Registry, models: str
) -> None:
    first = tasks.run("ingest", from_files(models), {"model.pkl": MODEL})
    second = tasks.run("ingest", from_files(models, source=config_map("n")), {"model.pkl": MODEL})
    assert second.ok == first.ok
    assert registry.tags(parse_repository(models)) == ("1",)


def test_new_content_makes_the_next_version_and_old_content_is_recognised(
    tasks: Tasks, models: str
) -> None:
    for content, version in [(b"1", 1), (b"2", 2), (b"1", 1), (b"3", 3)]:
        ended = tasks.run("ingest", from_files(models), {"model.pkl": content})
        assert ended.ok["version"] == version
    assert [one["version"] for one in ended.ok["versions"]] == [1, 2, 3]


@pytest.mark.parametrize(
    "changed", [{"model_name": "other"}, {"name": "other.pkl"}], ids=["model", "file"]
)
def test_the_same_content_at_another_path_is_another_version(
    tasks: Tasks, models: str, changed: dict[str, str]
) -> None:
    tasks.run("ingest", from_files(models), {"model.pkl": MODEL})
    name = changed.pop("name", "model.pkl")
    ended = tasks.run("ingest", from_files(models, **changed), {name: MODEL})
    assert ended.ok["version"] == 2


def test_several_files_become_a_folder_named_after_the_model(
    tasks: Tasks, registry: Registry, models: str
) -> None:
    files = {"weights.bin": b"w", "config.json": b"{}"}
    (version,) = tasks.run("ingest", from_files(models), files).ok["versions"]
    assert (version["path"], version["files"], version["sizeBytes"]) == ("credit", 2, 3)
    assert version["digest"] == folder_digest({n: digest_of(c) for n, c in files.items()})
    below = "var/azureml-app/azureml-models/credit/1/credit"
    assert layer_of(registry, models, 1) == {
        f"{below}/weights.bin": b"w",
        f"{below}/config.json": b"{}",
    }


def test_a_file_at_an_address_keeps_its_name(tasks: Tasks, web: WebServer, models: str) -> None:
    web.answers["/a/model.onnx"] = replies(200, MODEL)
    ended = tasks.run("ingest", from_uri(models, web.url("/a/model.onnx?sig=hunter2")))
    (version,) = ended.ok["versions"]
    assert (version["path"], version["digest"]) == ("model.onnx", digest_of(MODEL))
    assert version["source"] == web.url("/a/model.onnx?sig=***")
    assert "hunter2" not in ended.log


@pytest.mark.parametrize("pack", [zipped, tarred("w:gz")], ids=["zip", "tar.gz"])
def test_an_archive_is_unpacked_where_that_is_asked_for(
    tasks: Tasks, registry: Registry, web: WebServer, models: str, pack: object
) -> None:
    assert callable(pack)
    web.answers["/m"] = replies(200, pack({"saved/a": b"1", "saved/b": b"2", ".DS_Store": b"x"}))
    (version,) = tasks.run("ingest", from_uri(models, web.url("/m"), unpack=True)).ok["versions"]
    assert (version["path"], version["files"]) == ("saved", 2)
    below = "var/azureml-app/azureml-models/credit/1/saved"
    assert layer_of(registry, models, 1) == {f"{below}/a": b"1", f"{below}/b": b"2"}


def test_an_archive_stays_a_file_where_unpacking_is_not_asked_for(
    tasks: Tasks, registry: Registry, web: WebServer, models: str
) -> None:
    content = zipped({"a": b"1"})
    web.answers["/model.zip"] = replies(200, content)
    tasks.run("ingest", from_uri(models, web.url("/model.zip")))
    assert list(layer_of(registry, models, 1).values()) == [content]


def test_versions_are_read_back_from_the_registry_alone(tasks: Tasks, models: str) -> None:
    first = tasks.run("ingest", from_files(models), {"a": b"1"}).ok["versions"]
    changed = from_files(models, source=config_map("other"))
    both = tasks.run("ingest", changed, {"a": b"2"}).ok["versions"]
    assert tasks.run("ingest", from_files(models), {"a": b"2"}).ok == {
        "version": 2,
        "versions": both,
        "partial": False,
    }
    assert both[0] == first[0]
    assert both[1]["source"] == "configmap/other"


@pytest.mark.parametrize("whose", ["file", "archive"])
def test_a_digest_may_be_that_of_the_file_or_that_of_the_model(
    tasks: Tasks, web: WebServer, models: str, whose: str
) -> None:
    packed = zipped({"m.pkl": MODEL})
    web.answers["/m.zip"] = replies(200, packed)
    digest = digest_of(packed if whose == "archive" else MODEL)
    request = from_uri(models, web.url("/m.zip"), unpack=True, digest=digest)
    assert tasks.run("ingest", request).ok["version"] == 1


def refusal(ended: Ended) -> tuple[Reason, FailureClass, bool]:
    return ended.failure.reason, ended.failure.class_, ended.failure.retryable


def test_another_content_than_the_digest_says_is_not_stored(
    tasks: Tasks, registry: Registry, models: str
) -> None:
    wanted = "sha256:" + 64 * "0"
    ended = tasks.run("ingest", from_files(models, digest=wanted), {"m.pkl": MODEL})
    assert refusal(ended) == (Reason.MODEL_DIGEST_MISMATCH, FailureClass.USER, False)
    assert ended.failure.message == (
        f"The model is not what spec.digest says: it has {digest_of(MODEL)}, wanted is {wanted}."
    )
    assert registry.tags(parse_repository(models)) == ()


@pytest.mark.parametrize(
    ("files", "reason", "message"),
    [
        ({}, Reason.MODEL_EMPTY, "The source holds no file."),
        ({"m": b"no archive"}, Reason.ARCHIVE_INVALID, "m is no archive that we read"),
        (
            {"m": tarred()({"../evil": b"x"})},
            Reason.ARCHIVE_UNSAFE,
            "The archive was refused: its member ../evil reaches outside the archive.",
        ),
        (
            {"a": b"1", "b": b"2"},
            Reason.ARCHIVE_INVALID,
            "spec.unpack is set, but the source holds 2 files and not one archive.",
        ),
    ],
    ids=["no file", "no archive", "unsafe", "two files"],
)
def test_what_cannot_be_unpacked_is_refused(
    tasks: Tasks, models: str, files: Mapping[str, bytes], reason: Reason, message: str
) -> None:
    request = from_files(models, unpack=bool(files))
    ended = tasks.run("ingest", request, files)
    assert ended.failure.reason is reason
    assert message in ended.failure.message
    assert ended.failure.remedy
    assert f"{reason}: {ended.failure.message}" in ended.log


def test_a_model_beyond_the_limits_is_refused(tasks: Tasks, models: str) -> None:
    tasks.settings["FAIRLEAD_MODEL_MAX_BYTES"] = "10"
    ended = tasks.run("ingest", from_files(models), {"m.pkl": MODEL})
    assert refusal(ended) == (Reason.MODEL_TOO_LARGE, FailureClass.USER, False)
    assert ended.failure.message == (
        "configmap/m is larger than 10 bytes, which is the limit of this operator."
    )


def test_a_registry_that_is_down_is_said_to_be_and_tried_again(
    tasks: Tasks, models: str, cluster: Cluster
) -> None:
    host = "localhost:1"
    request = from_files(models.replace(cluster.registry, host))
    ended = tasks.run("ingest", request, {"m": MODEL})
    assert refusal(ended) == (Reason.REGISTRY_UNREACHABLE, FailureClass.NETWORK, True)
    assert ended.failure.message == f"The registry {host} does not answer (Connection refused)."


@pytest.mark.parametrize("status", [401, 403])
def test_a_registry_that_refuses_is_noticed_before_anything_is_fetched(
    tasks: Tasks, web: WebServer, status: int
) -> None:
    web.otherwise = replies(status)
    request = from_uri(f"{web.host}/team/fairlead/models/m", web.url("/m.pkl"))
    ended = tasks.run("ingest", request)
    assert refusal(ended) == (Reason.REGISTRY_AUTH, FailureClass.AUTH, True)
    assert f"The registry {web.host} does not let us push to team/fairlead/models/m" in (
        ended.failure.message
    )
    assert "GET /m.pkl" not in web.requests


def test_a_foreign_tag_among_the_versions_is_named(
    tasks: Tasks, registry: Registry, models: str
) -> None:
    tasks.run("ingest", from_files(models), {"m": MODEL})
    repository = parse_repository(models)
    manifest, _ = registry.manifest(repository, "1")
    foreign = manifest.model_copy(update={"annotations": {}})
    registry.put_manifest(
        repository,
        "2",
        foreign.model_dump_json(by_alias=True, exclude_none=True).encode(),
        manifest.media_type,
    )
    ended = tasks.run("ingest", from_files(models), {"m": b"new"})
    assert ended.failure.message == (
        f"{models}:2 is no model version that Fairlead wrote: remove the tag."
    )
