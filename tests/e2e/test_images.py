"""What is wrong with an image's inputs is said before any build; what only a build can tell, after
one, with the user's own line."""

import pytest

from fairlead.api.refs import Manifest
from tests.e2e.file_server import FileServer
from tests.e2e.scene import SCRIPT, Scene, condition

NO_RUN = "def init():\n    pass\n"
BROKEN = "def init():\n    pass\n\n\ndef run(data:\n    return data\n"
GUIDE = """\
name: project_environment
dependencies:
- python=3.6.2
- pip:
  - azureml-defaults==1.0.17
  - ptvsd
- numpy==1.15.4
- scikit-learn==0.19.1
- pandas==0.23.4
"""
MISSPELT = """\
dependencies:
- python=3.11
- pip
- pip:
  - joblib==1.5.2
  - scikit-lern==1.9
"""
CONDA = {"condaFile": "myenv.yml"}


def source(script: str = SCRIPT, **others: str) -> dict[str, str]:
    named = {name.replace("__", "."): content for name, content in others.items()}
    return {"score.py": script, **named}


CHECKED: dict[str, tuple[dict[str, str], Manifest, str, tuple[str, ...]]] = {
    "no-script": (
        {"main.py": SCRIPT},
        {},
        "EntryScriptNotFound",
        ("spec.entryScript names score.py, and the source has no such file", "it has main.py"),
    ),
    "broken-script": (source(BROKEN), {}, "EntryScriptInvalid", ("score.py:5", "def run(data:")),
    "no-run": (source(NO_RUN), {}, "EntryScriptIncomplete", ("score.py", "run()")),
    "no-environment-file": (source(), CONDA, "SourceFileNotFound", ("myenv.yml", "condaFile")),
    "no-yaml": (
        source(myenv__yml="dependencies: [a\nb: {"),
        CONDA,
        "EnvironmentFileInvalid",
        ("myenv.yml:",),
    ),
    "a-python-2": (
        source(myenv__yml=GUIDE.replace("3.6.2", "2.7.18")),
        CONDA,
        "PythonUnsupported",
        ("myenv.yml:3", "2.7.18", "3.6 or newer"),
    ),
    "an-option-for-pip": (
        source(requirements__txt="--trusted-host evil.example.com\nnumpy\n"),
        {"requirementsFile": "requirements.txt"},
        "EnvironmentFileInvalid",
        ("requirements.txt:1", "--trusted-host"),
    ),
    "a-step-that-is-not-allowed": (
        source(**{"Dockerfile__steps": "RUN true\nFROM scratch\n"}),
        {"dockerFile": "Dockerfile.steps"},
        "DockerfileStepsInvalid",
        ("Dockerfile.steps:2", "FROM"),
    ),
    "no-model": (source(), {"models": [{"name": "nobody"}]}, "ModelNotFound", ("'nobody'",)),
    "no-config-map": ({}, {"source": {"configMap": {"name": "nothing"}}}, "ConfigMapNotFound",
                      ("ConfigMap 'nothing' does not exist",)),
}  # fmt: skip
BUILT: dict[str, tuple[dict[str, str], Manifest, str, tuple[str, ...]]] = {
    "no-package": (
        source(myenv__yml=MISSPELT),
        CONDA,
        "PackageNotFound",
        ("myenv.yml:6 asks for scikit-lern==1.9", "Did you mean scikit-learn?"),
    ),
    "no-base-image": (
        source(),
        {"baseImage": "localhost:5000/fairlead/nothing:1"},
        "BaseImageNotFound",
        ("localhost:5000/fairlead/nothing:1",),
    ),
    "another-python": (
        source(myenv__yml="dependencies:\n- python=3.12\n"),
        CONDA,
        "ChannelUnreachable",  # conda's, which has it
        ("The channel does not answer", "conda-forge"),
    ),
    "a-registry-that-is-down": (
        source(),
        {"repository": "localhost:5999/demo/diabetes"},
        "RegistryUnreachable",
        ("localhost:5999",),
    ),
    "a-registry-nobody-allowed": (
        source(),
        {"repository": "localhost:5998/demo/diabetes"},
        "RegistryRefused",
        ("localhost:5998",),
    ),
}


@pytest.fixture(scope="module")
def images(stage: Scene) -> Scene:
    """All of them applied at once: none may keep another from its end."""
    for name, (files, spec, *_) in {**CHECKED, **BUILT}.items():
        stage.image(files, name, **spec)
    stage.image(name="good")
    return stage


@pytest.mark.parametrize("name", CHECKED)
def test_a_mistake_is_said_before_any_build(images: Scene, name: str) -> None:
    _, _, reason, words = CHECKED[name]
    status = images.reason("inferenceimage", reason, name)
    for word in words:
        assert word in status["failure"]["message"]
    assert status["failure"]["remedy"]
    assert "build" not in status
    assert images.columns("inferenceimage", name)["REASON"] == reason


@pytest.mark.parametrize("name", BUILT)
def test_what_only_a_build_can_tell_names_the_users_own_line(images: Scene, name: str) -> None:
    _, _, reason, words = BUILT[name]
    failure = images.reason("inferenceimage", reason, name)["failure"]
    for word in words:
        assert word in failure["message"]
    assert failure["remedy"]
    [event] = images.told("InferenceImage", "Warning ", name)
    assert event.startswith(f"Warning {reason}: {failure['message'][:40]}")


def test_all_the_others_failures_keep_no_good_image_from_its_end(images: Scene) -> None:
    assert images.reason("inferenceimage", "Built", "good")["version"] == 1


def test_a_failed_build_has_a_log_and_counts_as_a_version(images: Scene) -> None:
    status = images.reason("inferenceimage", "PackageNotFound", "no-package")
    assert (status["build"]["id"], status["creationState"]) == ("1-1", "Failed")
    assert images.columns("inferenceimage", "no-package")["BUILD"].endswith("s")
    log = images.operator.build_log(status["failure"]["logUri"])
    assert "No matching distribution found for scikit-lern==1.9" in log


def test_an_outage_says_when_it_is_tried_next(images: Scene) -> None:
    def waits(status: Manifest) -> bool:  # and does not try at this moment
        return bool(status["failure"].get("nextRetryAt"))

    name = "a-registry-that-is-down"
    images.reason("inferenceimage", "RegistryUnreachable", name)
    status = images.until(lambda: images.get("inferenceimage", name)["status"], waits)
    assert condition(status, "Reconciling")["reason"] == "RegistryUnreachable"
    assert condition(status, "Stalled")["reason"] is None


def test_a_registry_that_refuses_is_told_from_one_that_is_down(
    scene: Scene, files: FileServer
) -> None:
    refusing = files.base.removeprefix("http://")
    scene.image(repository=f"{refusing}/demo/diabetes")
    failure = scene.reason("inferenceimage", "RegistryAuth")["failure"]
    assert f"The registry {refusing} does not let us push to demo/diabetes" in failure["message"]
    assert failure["class"] == "Auth"


def test_a_mended_file_is_the_next_version_and_the_failure_is_gone(scene: Scene) -> None:
    scene.image(source(myenv__yml=MISSPELT), **CONDA)
    scene.reason("inferenceimage", "PackageNotFound")
    scene.image(source(myenv__yml=MISSPELT.replace("  - scikit-lern==1.9\n", "")), **CONDA)
    status = scene.reason("inferenceimage", "Built")
    assert (status["version"], status.get("failure")) == (2, None)


def test_a_broken_version_leaves_the_one_before_in_use(scene: Scene) -> None:
    scene.image()
    good = scene.reason("inferenceimage", "Built")
    scene.image(source(myenv__yml=MISSPELT), **CONDA)
    status = scene.reason("inferenceimage", "PackageNotFound")
    assert status["imageDigest"] == good["imageDigest"]
    assert status["failure"]["message"].endswith("Version 2 failed; version 1 stays in use.")
    assert scene.columns("inferenceimage")["IMAGE"].endswith("/diabetes:1")


def test_an_image_waits_for_its_model_and_follows_its_latest_version(scene: Scene) -> None:
    scene.image(models=[{"name": "weights"}])
    scene.reason("inferenceimage", "ModelNotFound")
    scene.apply("Model", {"source": {"configMap": {"name": "weights"}}}, "weights")
    scene.until(
        lambda: scene.get("inferenceimage")["status"].get("failure", {}).get("message", ""),
        lambda message: "ConfigMap 'weights' does not exist" in message,
    )
    assert scene.columns("inferenceimage")["REASON"] == "WaitingForModel"
    scene.config_map("weights", model__json="1")
    first = scene.reason("inferenceimage", "Built")
    scene.config_map("weights", model__json="2")
    second = scene.until(
        lambda: scene.get("inferenceimage")["status"], lambda s: s.get("version") == 2
    )
    assert first["imageDigest"] != second["imageDigest"]


def test_a_version_that_the_model_does_not_have_is_named_with_those_it_has(scene: Scene) -> None:
    scene.config_map("weights", model__json="1")
    scene.apply("Model", {"source": {"configMap": {"name": "weights"}}}, "weights")
    scene.reason("model", "Stored", "weights")
    scene.image(models=[{"name": "weights", "version": 3}])
    status = scene.reason("inferenceimage", "ModelVersionNotFound")
    assert status["failure"]["message"] == "Model 'weights' has no version 3; it has 1."
