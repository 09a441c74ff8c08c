"""Azure ML v1's calls against a cluster: from a folder to an answer, in the guide's three steps."""

import random
from pathlib import Path
from typing import Any

import pytest

from fairlead.azureml.core import Model, Workspace
from fairlead.azureml.core.image import ContainerImage, Image
from fairlead.azureml.core.webservice import AksWebservice, Webservice
from fairlead.azureml.exceptions import WebserviceException
from tests.e2e.scene import Scene

SCRIPT = """\
import os

from azureml.core.model import Model


def init():
    global words
    with open(os.path.join(Model.get_model_path("my_best_model"), "weights.txt")) as file:
        words = file.read()
    print("the words are there")


def run(data):
    return words
"""
LARGE = random.Random(0).randbytes(2_000_000)
"""More than an object holds, however it is packed: it is pushed to a registry."""
DEADLINE_S = 420


@pytest.fixture
def ws(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The scene's namespace, as somebody sees it whose kubeconfig is the cluster's."""
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("KUBECONFIG", str(scene.cluster.kubeconfig))
    monkeypatch.setenv("FAIRLEAD_MODEL_REPOSITORY", f"{scene.cluster.registry}/models")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text(SCRIPT)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs/weights.txt").write_text("heavy")
    return Workspace.get(scene.namespace)


def registered(scene: Scene, ws: Workspace) -> Model:
    """The second version, which is more than an object holds: it comes by the registry."""
    model = Model.register(ws, "outputs", "my_best_model", tags={"area": 1})
    assert model.version == 1
    Path("outputs/weights.txt").write_text("heavier")
    Path("outputs/layers").mkdir()
    Path("outputs/layers/0.bin").write_bytes(LARGE)
    model = Model.register(ws, "outputs", "my_best_model")
    assert (model.version, model.tags) == (2, {"area": "1"})
    [found] = scene.items("model")
    assert found["spec"]["source"]["uri"].startswith(f"oci://{scene.cluster.registry}/models")
    assert Path(model.download("got"), "weights.txt").read_text() == "heavier"
    assert Path("got/outputs/layers/0.bin").read_bytes() == LARGE
    return model


def test_from_a_folder_to_an_answer_in_three_steps(scene: Scene, ws: Workspace) -> None:
    model = registered(scene, ws)
    config = ContainerImage.image_configuration("score.py", "python")
    image = Image.create(ws, "my.img", [model], config)
    image.wait_for_creation(show_output=True)
    assert (image.id, image.creation_state) == ("my.img:1", "Succeeded")
    assert ws.images["my.img"].image_build_log_uri

    knobs = AksWebservice.deploy_configuration(
        autoscale_enabled=False,
        num_replicas=1,
        cpu_cores=0.05,
        memory_gb=0.0625,
        memory_gb_limit=0.25,
        primary_key="the-first-key-of-two",
    )
    service: Any = Webservice.deploy_from_image(ws, "mysvc", image, knobs)
    service.wait_for_deployment(show_output=True, timeout_sec=DEADLINE_S)
    assert service.run(input_data=b'{"data": [1]}') == "heavier"
    assert service.get_keys()[0] == "the-first-key-of-two"
    assert "the words are there" in service.get_logs()
    service.add_tags({"a": "b"})
    assert ws.webservices["mysvc"].serialize()["tags"] == {"a": "b"}
    with pytest.raises(WebserviceException, match="cannot be deleted by itself"):
        model.delete()
    with pytest.raises(WebserviceException, match="in use by images"):
        Model(ws, "my_best_model").delete()
    with pytest.raises(WebserviceException, match="there is already a service"):
        Webservice.deploy_from_image(ws, "mysvc", image, knobs)

    service.delete()
    image.delete()
    Model(ws, "my_best_model").delete()
    assert not [*ws.models, *ws.images, *ws.webservices]
