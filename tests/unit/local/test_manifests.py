"""Manifests of `-f` and `-k`, read into one service."""

import base64
import json
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.local.asked import Asked
from fairlead.local.deployment import Wanted
from fairlead.local.errors import LocalError
from fairlead.local.manifests import read_manifests, wanted_of

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
IMAGE = """\
apiVersion: fairlead.dev/v1alpha1
kind: InferenceImage
metadata: {name: credit-image}
spec:
  models: [{name: credit}]
  source: {configMap: {name: code}}
  entryScript: score.py
"""
MODEL = """\
apiVersion: fairlead.dev/v1alpha1
kind: Model
metadata: {name: credit}
spec:
  modelName: credit.pkl
  source: {configMap: {name: weights}}
"""
SERVICE = """\
apiVersion: fairlead.dev/v1alpha1
kind: Webservice
metadata: {name: credit}
spec:
  imageRef: {name: credit-image}
"""
CONFIG_MAPS = f"""\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {{name: code}}
  data: {{score.py: {json.dumps(SCRIPT)}}}
- apiVersion: v1
  kind: ConfigMap
  metadata: {{name: weights}}
  binaryData: {{credit.pkl: {base64.b64encode(b"weights").decode()}}}
- apiVersion: v1
  kind: Namespace
  metadata: {{name: demo}}
"""


def read(folder: Path, *texts: str, name: str | None = None) -> Wanted:
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.yaml"
        path.write_text(text)
        paths.append(str(path))
    asked = Asked(manifests=tuple(paths), service=name)
    return wanted_of(read_manifests(asked), asked)


def refused(folder: Path, *texts: str, name: str | None = None) -> LocalError:
    with pytest.raises(LocalError) as caught:
        read(folder, *texts, name=name)
    return caught.value


def test_all_that_belongs_together_is_found(tmp_path: Path) -> None:
    wanted = read(tmp_path, IMAGE, MODEL, SERVICE, CONFIG_MAPS)
    assert (wanted.name, wanted.image_name) == ("credit", "credit-image")
    assert wanted.files["score.py"].startswith(b"def init()")
    assert [(one.resource, one.name, one.files) for one in wanted.models] == [
        ("credit", "credit.pkl", {"credit.pkl": b"weights"})
    ]
    assert wanted.service_object.name == "credit"
    assert wanted.image_object.spec.entry_script == "score.py"


def test_a_folder_stands_for_its_manifests(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not for us: [")
    for number, text in enumerate((IMAGE, MODEL, SERVICE, CONFIG_MAPS)):
        (tmp_path / f"{number}.yml").write_text(text.replace("\n", "\r\n"))
    asked = Asked(manifests=(str(tmp_path),))
    assert wanted_of(read_manifests(asked), asked).name == "credit"


def test_an_image_that_nobody_serves_is_served(tmp_path: Path) -> None:
    wanted = read(tmp_path, IMAGE, MODEL, CONFIG_MAPS)
    assert (wanted.name, wanted.image_name) == ("credit-image", "credit-image")


def test_of_several_services_one_is_to_be_named(tmp_path: Path) -> None:
    both = (IMAGE, MODEL, SERVICE, SERVICE.replace("name: credit}", "name: other}", 1), CONFIG_MAPS)
    error = refused(tmp_path, *both)
    assert error.finding.reason == Reason.SERVICE_NOT_FOUND
    assert "credit and other" in error.finding.message
    assert read(tmp_path, *both, name="other").name == "other"
    assert "'third' is not among them" in refused(tmp_path, *both, name="third").finding.message


@pytest.mark.parametrize(
    ("texts", "reason", "words"),
    [
        ((SERVICE, MODEL), Reason.IMAGE_NOT_FOUND, "'credit-image'; the manifests have none"),
        ((IMAGE, SERVICE, CONFIG_MAPS), Reason.MODEL_NOT_FOUND, "Model 'credit'"),
        ((IMAGE, MODEL, SERVICE), Reason.CONFIG_MAP_NOT_FOUND, "ConfigMap 'code'"),
        ((MODEL,), Reason.SERVICE_NOT_FOUND, "no Webservice and no InferenceImage"),
        ((IMAGE.replace("entryScript", "entryScrip"),), Reason.INVALID_SPEC, "spec.entryScrip"),
        (("kind: [",), Reason.FILE_UNREADABLE, "0.yaml:2"),
        (("just words",), Reason.FILE_UNREADABLE, "0.yaml holds no object"),
        (("a: &a [1]\nb: *a",), Reason.FILE_UNREADABLE, "0.yaml:2 has aliases"),
        (("apiVersion: v1\nkind: ConfigMap\n",), Reason.INVALID_SPEC, "no metadata.name"),
        (
            ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}",),
            Reason.INVALID_SPEC,
            "ConfigMap 'a' holds what is no text",
        ),
        (
            ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbinaryData: {a: ä}",),
            Reason.INVALID_SPEC,
            "ConfigMap 'a' holds what is no text",
        ),
        (
            ("kind: List\nitems: 5",),
            Reason.FILE_UNREADABLE,
            "0.yaml: the items of a List are a int",
        ),
        (
            (SERVICE.replace("imageRef: {name: credit-image}", "image: example.com/a:1"),),
            Reason.IMAGE_NOT_FOUND,
            "names an image (spec.image)",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_told_with_its_place(
    texts: tuple[str, ...], reason: Reason, words: str, tmp_path: Path
) -> None:
    finding = refused(tmp_path, *texts).finding
    assert finding.reason == reason
    assert words in finding.message
    assert finding.remedy


def test_a_model_given_as_a_manifest_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04\xff\xfe")
    with pytest.raises(LocalError, match="is no text") as caught:
        read_manifests(Asked(manifests=(str(path),)))
    assert "--model" in str(caught.value.finding.remedy)


def program(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name, and no other of its kind."""
    folder.mkdir()
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(("name", "verb"), [("kubectl", "kustomize"), ("kustomize", "build")])
def test_a_kustomization_is_made_by_what_is_there(
    name: str, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whole.yaml").write_text("---\n".join((IMAGE, MODEL, SERVICE, CONFIG_MAPS)))
    script = f'[ "$1" = {verb} ] && /bin/cat "$2/whole.yaml"'
    program(tmp_path / "bin", name, script, monkeypatch)
    asked = Asked(kustomization=str(tmp_path))
    assert wanted_of(read_manifests(asked), asked).name == "credit"


def test_a_kustomization_that_fails_is_told_in_the_programs_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "kubectl", "echo no such file >&2; exit 1", monkeypatch)
    with pytest.raises(LocalError, match="no such file"):
        read_manifests(Asked(kustomization=str(tmp_path)))


def test_without_kubectl_it_is_said_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match="neither is on this machine") as caught:
        read_manifests(Asked(kustomization=str(tmp_path)))
    assert caught.value.finding.reason == Reason.PROGRAM_NOT_FOUND


@pytest.mark.parametrize("key", ["../../../PWNED", "/tmp/PWNED", "a/b", "..", ".", "", "k" * 254])
@pytest.mark.parametrize("field", ["data", "binaryData"])
def test_keys_of_a_config_map_are_names_of_files_and_no_paths(
    field: str, key: str, tmp_path: Path
) -> None:
    weights = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weights"}}
    error = refused(tmp_path, IMAGE, MODEL, json.dumps({**weights, field: {key: "QUFB"}}))
    assert error.finding.reason == Reason.INVALID_SPEC
    assert "ConfigMap 'weights' has keys that are none" in error.finding.message
