"""Where models come from, what is wrong with some of them, and what their users are told."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from fairlead.api.refs import Manifest
from tests.cluster.engine import docker
from tests.e2e.chart import MAX_MODEL_BYTES
from tests.e2e.file_server import FileServer
from tests.e2e.scene import Scene, condition

MODEL = b"weights " * 1000


def tar(**members: bytes) -> bytes:
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name.replace("__", "/").replace("DOTDOT", ".."))
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return buffer.getvalue()


@dataclass(frozen=True)
class Case:
    """A source, and what becomes of it: the entry in the image, or a reason and its words."""

    path: str
    content: bytes | None
    spec: Manifest = field(default_factory=dict)
    entry: str = ""
    reason: str = ""
    words: str = ""


DIGEST = f"sha256:{hashlib.sha256(MODEL).hexdigest()}"
UNPACK = {"unpack": True}
GOOD = {
    "a-file": Case("/iris.onnx", MODEL, entry="iris.onnx"),
    "a-folder": Case("/a.tar.gz", tar(a=b"1", b__c=b"2"), UNPACK, entry="a-folder"),
    "an-archive-of-one-file": Case("/o.zip", zipped(only=b"1"), UNPACK, entry="only"),
    "a-v1-name": Case("/m.pkl", MODEL, {"modelName": "My_Model.pkl"}, entry="m.pkl"),
    "a-digest": Case("/d.pkl", MODEL, {"digest": DIGEST}, entry="d.pkl"),
}
EVIL = tar(good=b"1", DOTDOT__evil=b"2")
OTHER_DIGEST = {"digest": f"sha256:{'0' * 64}"}
BAD = {
    "not-there": Case("/no.pkl", None, reason="ModelSourceNotFound", words="answers 404"),
    "too-large": Case(
        "/large.pkl", b"x" * (MAX_MODEL_BYTES + 1), reason="ModelTooLarge", words="52,428,800 bytes"
    ),
    "wrong-digest": Case("/w.pkl", MODEL, OTHER_DIGEST, reason="ModelDigestMismatch", words=DIGEST),
    "a-way-out": Case("/evil.tar.gz", EVIL, UNPACK, reason="ArchiveUnsafe", words="../evil"),
    "no-archive": Case("/n.tgz", b"no", UNPACK, reason="ArchiveInvalid", words="archive"),
}


@pytest.fixture(scope="module")
def models(stage: Scene, files: FileServer) -> Scene:
    """All of them, good and bad, applied at once: none may keep another from its end."""
    for name, case in {**GOOD, **BAD}.items():
        if case.content is not None:
            files.files[case.path] = case.content
        stage.apply("Model", {"source": {"uri": files.base + case.path}, **case.spec}, name)
    return stage


@pytest.mark.parametrize("name", GOOD)
def test_a_model_is_stored_as_version_1(models: Scene, name: str) -> None:
    status = models.reason("model", "Stored", name)
    [version] = status["versions"]
    assert (version["version"], version["path"]) == (1, GOOD[name].entry)
    host = models.cluster.registry_from_pods  # where the task has put it
    assert version["artifact"] == f"{host}/{models.namespace}/fairlead/models/{name}:1"
    assert models.columns("model", name)["VERSION"] == "1"


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_source_is_said_with_its_remedy(models: Scene, name: str) -> None:
    reason, words = BAD[name].reason, BAD[name].words
    status = models.reason("model", reason, name)
    assert words in status["failure"]["message"]
    assert status["failure"]["remedy"]
    assert models.columns("model", name)["REASON"] == reason
    [event] = models.told("Model", "Warning ", name)
    assert event.startswith(f"Warning {reason}: ")
    assert "Remedy: " in event


def test_a_file_that_appears_later_is_found_without_a_new_manifest(
    scene: Scene, files: FileServer
) -> None:
    scene.apply("Model", {"source": {"uri": f"{files.base}/late.pkl"}})
    status = scene.reason("model", "ModelSourceNotFound")
    assert status["failure"]["nextRetryAt"]
    files.files["/late.pkl"] = MODEL
    scene.reason("model", "Stored")


def test_an_address_that_the_settings_do_not_allow_is_not_asked(scene: Scene) -> None:
    scene.apply("Model", {"source": {"uri": "http://169.254.169.254/latest/meta-data"}})
    assert condition(scene.reason("model", "ModelSourceRefused"), "Stalled")["reason"]


def test_a_config_map_that_is_missing_is_waited_for_and_its_changes_are_versions(
    scene: Scene,
) -> None:
    scene.apply("Model", {"source": {"configMap": {"name": "weights"}}})
    status = scene.reason("model", "ConfigMapNotFound")
    assert status["failure"]["message"] == (
        f"ConfigMap 'weights' does not exist in namespace '{scene.namespace}'."
    )

    def latest(number: int) -> Manifest:
        return scene.until(
            lambda: scene.get("model")["status"], lambda s: s.get("latestVersion") == number
        )

    scene.config_map("weights", model__json="1")
    latest(1)
    scene.config_map("weights", model__json="2")
    second = latest(2)
    scene.config_map("weights", model__json="1")  # back to what version 1 is
    first = latest(1)
    assert [v["version"] for v in second["versions"]] == [v["version"] for v in first["versions"]]


def test_metadata_makes_no_version_and_properties_are_for_ever(
    scene: Scene, files: FileServer
) -> None:
    files.files["/p.pkl"] = MODEL
    spec: dict[str, Any] = {"source": {"uri": f"{files.base}/p.pkl"}, "properties": {"a": "1"}}
    scene.apply("Model", spec)
    scene.reason("model", "Stored")
    asked = files.requests.count("/p.pkl")
    scene.apply("Model", {**spec, "tags": {"team": "x"}, "description": "new"})
    status = scene.reason("model", "Stored")
    assert (status["latestVersion"], files.requests.count("/p.pkl")) == (1, asked)
    refused = scene.refused("Model", {**spec, "properties": {"a": "2"}})
    assert "properties cannot be changed or removed once set" in refused


def test_a_volume_is_waited_for_and_read(scene: Scene) -> None:
    """The pod of the task cannot start before there is the claim that it mounts."""
    claim = {"claimName": "weights", "path": "v2"}
    scene.apply("Model", {"source": {"persistentVolumeClaim": claim}})
    waits = scene.until(
        lambda: condition(scene.get("model").get("status", {}), "Ready"),
        lambda ready: "weights" in ready["message"] and ready["reason"] == "PodUnschedulable",
    )
    assert "persistentvolumeclaim" in waits["message"]
    volume(scene, "weights", "v2/model.pkl", MODEL.decode())
    [version] = scene.reason("model", "Stored")["versions"]
    assert (version["path"], version["sizeBytes"]) == ("model.pkl", len(MODEL))


def volume(scene: Scene, claim: str, path: str, content: str) -> None:
    """A volume with one file, on whichever node it is mounted, and a claim that has it."""
    name = f"{scene.namespace}-{claim}"
    folder = f"/var/lib/{name}"
    write = f"mkdir -p $(dirname {folder}/{path}) && printf '%s' '{content}' > {folder}/{path}"
    for node in scene.items("nodes"):
        docker("exec", node["metadata"]["name"], "sh", "-c", write)
    common = {"accessModes": ["ReadOnlyMany"], "storageClassName": ""}
    manifests = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                **common,
                "capacity": {"storage": "1Mi"},
                "hostPath": {"path": folder},
                "claimRef": {"namespace": scene.namespace, "name": claim},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim},
            "spec": {
                **common,
                "volumeName": name,
                "resources": {"requests": {"storage": "1Mi"}},
            },
        },
    ]
    scene.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(manifests))
