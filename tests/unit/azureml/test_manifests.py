"""v1's objects as Fairlead's: specs and manifests."""

import base64
import json
from typing import Any

import pytest

from fairlead.api.meta import INFERENCE_IMAGE
from fairlead.azureml.environment import ContainerRegistry
from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.manifests import (
    MAX_CONFIG_MAP_BYTES,
    ImageWanted,
    ModelWanted,
    config_map,
    image_manifests,
    model_manifest,
    replacing,
    service_manifest,
)

FIELDS = {"entryScript": "score.py", "condaFile": "myenv.yml"}
FILES = {"score.py": b"x = 1\n", "myenv.yml": b"dependencies: []\n"}


def wanted(**given: Any) -> ImageWanted:
    whole: dict[str, Any] = {"name": "my.img", "files": FILES, "fields": FIELDS, **given}
    return ImageWanted(**whole)


def test_a_model() -> None:
    made = model_manifest(
        ModelWanted(
            "my_best_model",
            {"uri": "https://models.example.com/m.pkl"},
            framework="ScikitLearn",
            framework_version="1.5",
            tags={"a": "b"},
        ),
        "team",
    )
    assert made["apiVersion"] == "fairlead.dev/v1alpha1"
    assert made["metadata"]["namespace"] == "team"
    assert made["metadata"]["name"].startswith("my-best-model-")
    assert made["spec"] == {
        "modelName": "my_best_model",
        "source": {"uri": "https://models.example.com/m.pkl"},
        "framework": "ScikitLearn",
        "frameworkVersion": "1.5",
        "tags": {"a": "b"},
    }


def test_what_is_wrong_with_a_model_is_told() -> None:
    with pytest.raises(WebserviceException, match="source"):
        model_manifest(ModelWanted("m", {"uri": "ftp://x"}), "team")


def test_an_image_holds_its_texts() -> None:
    (made,) = image_manifests(
        wanted(models=[("credit", 2), ("other", None)], variables={"A": "b"}, base_image="x:1"),
        "team",
    )
    assert made["spec"] == {
        "entryScript": "score.py",
        "condaFile": "myenv.yml",
        "source": {"inline": {"files": {"score.py": "x = 1\n", "myenv.yml": "dependencies: []\n"}}},
        "models": [{"name": "credit", "version": 2}, {"name": "other"}],
        "baseImage": "x:1",
        "environmentVariables": {"A": "b"},
    }
    about = made["metadata"]["annotations"]["fairlead.dev/azureml"]
    assert json.loads(about) == {"name": "my.img"}


def test_what_is_no_text_goes_to_a_config_map() -> None:
    held, made = image_manifests(wanted(files={**FILES, "x.bin": b"\xff\x00"}), "team")
    assert made["spec"]["source"] == {"configMap": {"name": held["metadata"]["name"]}}
    assert base64.b64decode(held["binaryData"]["x.bin"]) == b"\xff\x00"
    assert held["metadata"]["labels"]["fairlead.dev/azureml"].startswith("infimg.my-img-")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({**FILES, "a/x.bin": b"\xff"}, "in folders"),
        ({**FILES, "x.bin": b"\xff" * (MAX_CONFIG_MAP_BYTES + 1)}, "a ConfigMap holds"),
        ({f"{at}.py": b"x" * 131_072 for at in range(9)}, "a ConfigMap holds"),
    ],
)
def test_what_fits_nowhere(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(WebserviceException, match=said):
        image_manifests(wanted(files=files), "team")


def test_another_content_makes_another_config_map() -> None:
    names = {
        config_map(INFERENCE_IMAGE, "x", files, "team")["metadata"]["name"]
        for files in ({"a": b"1"}, {"a": b"2"}, {"b": b"1"}, {"a": b"1", "b": b""})
    }
    assert len(names) == 4


def test_a_base_image_with_a_login() -> None:
    registry = ContainerRegistry()
    registry.address, registry.username, registry.password = "r.example.com", "me", "secret"
    held, made = image_manifests(wanted(base_image="team/x:1", registry=registry), "team")
    assert made["spec"]["baseImage"] == "r.example.com/team/x:1"
    assert made["spec"]["pullSecretRef"] == {"name": held["metadata"]["name"]}
    auths = json.loads(base64.b64decode(held["data"][".dockerconfigjson"]))["auths"]
    assert base64.b64decode(auths["r.example.com"]["auth"]) == b"me:secret"
    whole = wanted(base_image="r.example.com/team/x:1", registry=registry)
    assert image_manifests(whole, "team")[-1]["spec"]["baseImage"] == "r.example.com/team/x:1"


def test_all_that_is_wrong_with_a_service_is_told() -> None:
    with pytest.raises(WebserviceException) as caught:
        service_manifest(
            "credit", {"imageRef": {"name": "x"}}, {"replicas": 0, "resources": {"cpu": "-1"}}, "t"
        )
    assert "replicas" in caught.value.message
    assert "resources.cpu" in caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "d": 3}}, {"a": {"c": None, "d": 3}}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}),
        ({"a": 1}, {"a": 1}, {}),
    ],
)
def test_the_patch_from_one_to_the_other(old: Any, new: Any, patch: Any) -> None:
    assert replacing(old, new) == patch
