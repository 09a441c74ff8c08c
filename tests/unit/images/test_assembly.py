"""The documents of an assembled image, compared whole."""

import json
from typing import Any

import pytest

from fairlead.images.assembly import (
    OWN_PYTHON,
    About,
    Base,
    NotAnEnvironmentError,
    Part,
    assembled,
    environment_variables,
)
from fairlead.images.environment_image import Pythons, pythons_of
from fairlead.images.environment_labels import LIBC_LABEL, python_labels
from fairlead.registry.oci import (
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    ImageConfig,
    Manifest,
    digest_of,
)


def digest(letter: str) -> str:
    return "sha256:" + 64 * letter


def base(**config: Any) -> Base:
    manifest = Manifest(
        media_type=DOCKER_MANIFEST,
        config=Descriptor(
            media_type="application/vnd.docker.container.image.v1+json", digest=digest("0"), size=9
        ),
        layers=(Descriptor(media_type=DOCKER_LAYER_GZIP, digest=digest("1"), size=100),),
    )
    whole = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "docker_version": "20.10",
        "container_config": {"Cmd": ["x"]},
        "rootfs": {"type": "layers", "diff_ids": [digest("2")]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "pip install"}],
        "config": {
            "Env": ["PATH=/opt/fairlead/env/bin:/usr/bin", "EMPTY=", "A=b=c"],
            "Cmd": ["python3"],
            "Entrypoint": ["/bin/sh"],
            "Volumes": {"/data": {}},
            "Healthcheck": {"Test": ["x"]},
            "User": "root",
            "Labels": {"dev.fairlead.environment.python": "3.11.2"},
        },
        **config,
    }
    return Base(manifest, ImageConfig.model_validate(whole))


PLAIN = About({}, {})
MODEL = Part(
    Descriptor(media_type=OCI_LAYER, digest=digest("3"), size=10, annotations={"a": "b"}),
    digest("3"),
    "model credit:1",
)


def test_an_image_is_the_environment_with_parts_on_top_always_in_ocis_words() -> None:
    image = assembled(
        base(), [MODEL], About({"A": "1", "B": "2"}, {"dev.fairlead.image.hash": "h"})
    )
    assert image.manifest == Manifest(
        media_type=OCI_MANIFEST,
        config=Descriptor(
            media_type=OCI_CONFIG, digest=digest_of(image.config), size=len(image.config)
        ),
        layers=(
            Descriptor(media_type=OCI_LAYER_GZIP, digest=digest("1"), size=100),
            Descriptor(media_type=OCI_LAYER, digest=digest("3"), size=10),
        ),
        annotations={"dev.fairlead.image.hash": "h"},
    )
    assert image.size == 110
    assert json.loads(image.config) == {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest("2"), digest("3")]},
        "history": [{"created_by": "pip install"}, {"created_by": "fairlead: model credit:1"}],
        "config": {
            "Env": ["PATH=/opt/fairlead/env/bin:/usr/bin", "EMPTY=", "A=1", "B=2"],
            "Entrypoint": [
                "/opt/fairlead/env/bin/python",
                "-I",
                "-S",
                "/opt/fairlead/runtime/fairlead_scoring/__main__.py",
            ],
            "WorkingDir": "/var/azureml-app",
            "User": "10001:10001",
            "ExposedPorts": {"5001/tcp": {}},
            "Labels": {"dev.fairlead.environment.python": "3.11.2"},
        },
    }


def test_a_date_in_the_environment_changes_nothing() -> None:
    later = base(created="2027-01-01T00:00:00Z", history=[{"created_by": "pip install"}])
    assert assembled(later, [MODEL], PLAIN).config == assembled(base(), [MODEL], PLAIN).config


def test_a_config_that_does_not_fit_its_manifest_is_refused() -> None:
    with pytest.raises(NotAnEnvironmentError, match="its config lists 0 layers and its manifest 1"):
        assembled(base(rootfs={"type": "layers", "diff_ids": []}), [], PLAIN)


def test_a_layer_of_an_unknown_kind_is_refused() -> None:
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layers = (Descriptor(media_type=foreign, digest=digest("1"), size=1),)
    windows = Base(base().manifest.model_copy(update={"layers": layers}), base().config)
    with pytest.raises(NotAnEnvironmentError, match="layer of an unknown kind"):
        assembled(windows, [], PLAIN)


@pytest.mark.parametrize(
    ("models", "model_dir"),
    [
        ([], "/var/azureml-app/azureml-models"),
        ([("credit", 3)], "/var/azureml-app/azureml-models/credit/3"),
        ([("credit", 3), ("b", 1)], "/var/azureml-app/azureml-models"),
    ],
    ids=["none", "one", "several"],
)
def test_the_model_dir_is_that_of_the_contract(
    models: list[tuple[str, int]], model_dir: str
) -> None:
    assert environment_variables("score.py", models, {"X": "1"}) == {
        "HOME": "/tmp",
        "X": "1",
        "AML_APP_ROOT": "/var/azureml-app",
        "AZUREML_ENTRY_SCRIPT": "score.py",
        "AZUREML_MODEL_DIR": model_dir,
    }


def test_where_things_lie_is_not_the_users_to_say() -> None:
    asked = {"AZUREML_MODEL_DIR": "/elsewhere", "PATH": "/mine", "HOME": "/data"}
    variables = environment_variables("score.py", [], asked)
    assert variables["AZUREML_MODEL_DIR"] == "/var/azureml-app/azureml-models"
    assert (variables["PATH"], variables["HOME"]) == ("/mine", "/data")


def test_the_server_starts_on_the_python_that_is_named() -> None:
    config = json.loads(assembled(base(), [], About({}, {}, OWN_PYTHON)).config)
    program = "/opt/fairlead/runtime/fairlead_scoring/__main__.py"
    own = "/opt/fairlead/runtime/python/bin/python3"
    assert config["config"]["Entrypoint"] == [own, "-I", "-S", program]


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("3.11.2 /usr/bin/python3", Pythons("3.6.15", "3.11.2", "/usr/bin/python3")),
        ("", Pythons("3.6.15")),
        ("3.11.2 python3 -c x", Pythons("3.6.15")),
    ],
)
def test_an_environment_may_name_a_python_for_the_server(label: str, found: Pythons) -> None:
    assert pythons_of("3.6.15", python_labels("3.6.15", label)) == found


@pytest.mark.parametrize("libc", ["glibc", "", "MUSL", "musl\n"])
def test_an_environment_says_that_it_has_no_glibc(libc: str) -> None:
    labels = python_labels("3.12.1", musl=True)
    assert pythons_of("3.12.1", labels) == Pythons("3.12.1", musl=True)
    assert pythons_of("3.12.1", {**labels, LIBC_LABEL: libc}) == Pythons("3.12.1")
