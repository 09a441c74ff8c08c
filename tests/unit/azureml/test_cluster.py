"""Models, images and services of a cluster, with a namespace in memory."""

import base64
import io
import json
import random
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.azureml import keys, waiting
from fairlead.azureml.core import Environment, Model, Workspace
from fairlead.azureml.core.image import ContainerImage, Image
from fairlead.azureml.core.model import InferenceConfig
from fairlead.azureml.core.webservice import (
    AciWebservice,
    AksEndpoint,
    AksWebservice,
    Webservice,
)
from fairlead.azureml.exceptions import (
    InvalidConfigurationError,
    UnsupportedError,
    UserErrorException,
    WebserviceException,
)
from fairlead.azureml.objects import ConflictError
from fairlead.azureml.packing import MAX_BYTES
from fairlead.local import model_push
from fairlead.local.errors import refusal
from fairlead.local.model_push import Artifact
from tests.unit.azureml.fake_objects import FakeObjects, does_it_all, ready, stalled, waiting_for

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
MODEL_NAME = "my_best_model"


@pytest.fixture
def objects() -> FakeObjects:
    return FakeObjects()


@pytest.fixture
def team(here: Path, objects: FakeObjects, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace of a cluster."""
    monkeypatch.setattr(waiting, "POLL_S", 0.001)
    monkeypatch.setattr(waiting, "FAIL_DOUBT_S", 0)
    monkeypatch.setattr(keys, "POLL_S", 0.001)
    (here / "score.py").write_text(SCRIPT)
    (here / "myenv.yml").write_text("dependencies: [{pip: [numpy]}]\n")
    return Workspace("s", "g", "team", objects=objects)


@pytest.fixture
def model(team: Workspace) -> Model:
    return Model.register(team, "my_model.pkl", MODEL_NAME)


def config(**given: Any) -> InferenceConfig:
    whole = {"entry_script": "score.py", "runtime": "python", "conda_file": "myenv.yml", **given}
    return InferenceConfig(**whole)


def image_config(**given: Any) -> Any:
    whole = {"execution_script": "score.py", "runtime": "python", "conda_file": "myenv.yml"}
    return ContainerImage.image_configuration(**{**whole, **given})


def deployed(team: Workspace, model: Model, **given: Any) -> Any:
    whole = {"deployment_config": AksWebservice.deploy_configuration(), **given}
    return Model.deploy(team, "mysvc", [model], config(), **whole)


def only(objects: FakeObjects, kind: str) -> Manifest:
    (found,) = objects.of(kind)
    return found


# --- models


def test_a_file_goes_to_the_cluster_with_its_model(objects: FakeObjects, model: Model) -> None:
    held, made = only(objects, "ConfigMap"), only(objects, "Model")
    assert base64.b64decode(held["binaryData"]["my_model.pkl"]) == b"weights"
    assert made["spec"] == {
        "modelName": MODEL_NAME,
        "source": {"configMap": {"name": held["metadata"]["name"]}},
    }
    (owner,) = held["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Model", made["metadata"]["uid"])
    assert (model.id, model.record.resource) == (f"{MODEL_NAME}:1", made["metadata"]["name"])


def test_another_content_is_another_version_and_the_former_one_goes(
    here: Path, team: Workspace, objects: FakeObjects, model: Model
) -> None:
    assert Model.register(team, "my_model.pkl", MODEL_NAME).version == model.version == 1
    (here / "my_model.pkl").write_bytes(b"other")
    assert Model.register(team, "my_model.pkl", MODEL_NAME, tags={"a": 1}).version == 2
    assert base64.b64decode(only(objects, "ConfigMap")["binaryData"]["my_model.pkl"]) == b"other"
    assert [one.id for one in Model.list(team)] == [f"{MODEL_NAME}:2", f"{MODEL_NAME}:1"]
    assert Model(team, MODEL_NAME).tags == {"a": "1"}


def test_a_folder_goes_as_an_archive(here: Path, team: Workspace, objects: FakeObjects) -> None:
    (here / "outputs/deep").mkdir(parents=True)
    (here / "outputs/deep/x").write_text("1")
    Model.register(team, "outputs", "m")
    assert only(objects, "Model")["spec"]["unpack"] is True
    archive = base64.b64decode(only(objects, "ConfigMap")["binaryData"]["model.tar.gz"])
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        assert opened.getnames() == ["outputs/deep/x"]


def test_a_link_out_of_a_model_is_not_sent(
    here: Path, team: Workspace, objects: FakeObjects
) -> None:
    (here / "outputs").mkdir()
    (here / "outputs/link").symlink_to(here / "my_model.pkl")
    with pytest.raises(WebserviceException, match="Copy what it stands for into the folder"):
        Model.register(team, "outputs", "m")
    with pytest.raises(WebserviceException, match="Copy what it stands for into the folder"):
        Image.create(team, "myimg", [], image_config(dependencies=["outputs"]))
    assert not objects.kept


def test_what_compresses_is_compressed_and_what_is_too_large_is_told(
    here: Path, team: Workspace, objects: FakeObjects
) -> None:
    (here / "large").write_bytes(b"\0" * (2 * MAX_BYTES))
    Model.register(team, "large", "m")
    assert only(objects, "Model")["spec"]["unpack"] is True
    (here / "noise").write_bytes(random.Random(7).randbytes(MAX_BYTES + 1))
    with pytest.raises(WebserviceException, match=r"s3://…"):
        Model.register(team, "noise", "n")
    assert len(objects.of("Model")) == 1


def test_what_is_too_large_is_pushed_to_the_repository_of_models(
    here: Path, objects: FakeObjects, team: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = list[Artifact]()
    monkeypatch.setattr(model_push, "push", lambda artifact, *_: taken.append(artifact))
    monkeypatch.setenv("FAIRLEAD_MODEL_REPOSITORY", "r.example.com/team/models")
    (here / "bert").mkdir()
    (here / "bert/noise").write_bytes(random.Random(7).randbytes(MAX_BYTES + 1))
    Model.register(Workspace("s", "g", team.name, objects=objects), "bert", "my_bert")
    [artifact] = taken
    assert only(objects, "Model")["spec"]["source"] == {"uri": artifact.address}
    assert artifact.address.startswith("oci://r.example.com/team/models/my-bert-")
    assert [one.annotations for one in artifact.layers] == [
        {"org.opencontainers.image.title": "bert/noise"}
    ]
    assert not objects.of("ConfigMap")


def test_a_repository_of_models_that_refuses_is_told(
    here: Path, objects: FakeObjects, team: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise refusal(Reason.REGISTRY_AUTH, "The model is not pushed: no.", "Log in.")

    monkeypatch.setattr(model_push, "push", refuses)
    (here / "noise").write_bytes(random.Random(7).randbytes(MAX_BYTES + 1))
    place: dict[str, Any] = {"objects": objects, "model_repository": "r.example.com/team"}
    with pytest.raises(WebserviceException, match=r"is not pushed: no\. Log in"):
        Model.register(Workspace("s", "g", team.name, **place), "noise", "n")
    place = {"objects": objects, "model_repository": "No Registry"}
    with pytest.raises(WebserviceException, match="'No Registry' is no repository"):
        Model.register(Workspace("s", "g", team.name, **place), "noise", "n")
    assert not objects.kept


def test_an_address_is_fetched_by_the_cluster(team: Workspace, objects: FakeObjects) -> None:
    Model.register(team, "s3://models/m.pkl", "m", model_framework="Onnx")
    assert only(objects, "Model")["spec"]["source"] == {"uri": "s3://models/m.pkl"}
    assert not objects.of("ConfigMap")
    assert Model(team, "m", model_framework="Onnx").model_framework == "Onnx"


def test_a_model_that_somebody_applied_gets_the_next_version(
    team: Workspace, objects: FakeObjects
) -> None:
    spec = {
        "modelName": MODEL_NAME,
        "source": {"uri": "https://models.example.com/m"},
        "properties": {"a": "b"},
        "digest": "sha256:1",
    }
    objects.create(
        {
            "apiVersion": "fairlead.dev/v1alpha1",
            "kind": "Model",
            "metadata": {"name": "credit", "namespace": "team", "labels": {}},
            "spec": spec,
        }
    )
    model = Model.register(team, "my_model.pkl", MODEL_NAME, properties={"c": "d"})
    made = only(objects, "Model")
    assert (model.version, made["metadata"]["name"]) == (2, "credit")
    assert list(made["spec"]["source"]) == ["configMap"]
    assert made["spec"]["properties"] == {"a": "b", "c": "d"}
    assert "digest" not in made["spec"]


def test_a_model_that_cannot_be_stored(team: Workspace, objects: FakeObjects) -> None:
    failure = {"reason": "ModelEmpty", "message": "The source holds no file.", "remedy": "See it."}
    objects.operator = lambda _: {
        "conditions": stalled("ModelEmpty", "The source holds no file."),
        "failure": failure,
    }
    with pytest.raises(WebserviceException) as caught:
        Model.register(team, "my_model.pkl", "m")
    assert "ModelEmpty: The source holds no file.\nRemedy: See it." in caught.value.message


def test_what_is_said_of_a_model(team: Workspace, objects: FakeObjects, model: Model) -> None:
    model.update(tags={"a": 1}, description="words")
    model.update_tags_properties(add_tags={"b": 2}, remove_tags=["a"], add_properties={"p": "q"})
    spec = only(objects, "Model")["spec"]
    assert (spec["tags"], spec["properties"]) == ({"b": "2"}, {"p": "q"})
    assert Model(team, MODEL_NAME).description == "words"


def test_a_model_in_use_is_not_deleted(team: Workspace, objects: FakeObjects, model: Model) -> None:
    image = Image.create(team, "myimg", [model], image_config())
    with pytest.raises(WebserviceException, match=r"in use by images: myimg") as caught:
        model.delete()
    assert caught.value.status_code == 412
    image.delete()
    model.delete()
    assert not objects.of("Model")


def test_files_are_fetched_from_where_the_object_says(
    here: Path, team: Workspace, model: Model
) -> None:
    assert model.record.path is None
    got = Path(model.download("got"))
    assert (got.name, got.read_bytes()) == ("my_model.pkl", b"weights")
    (here / "outputs/deep").mkdir(parents=True)
    (here / "outputs/deep/x").write_text("1")
    folder = Path(Model.register(team, "outputs", "m").download("got"))
    assert (folder.name, (folder / "deep/x").read_text()) == ("outputs", "1")


def test_a_download_replaces_nothing_unasked(here: Path, model: Model) -> None:
    (here / "my_model.pkl").write_bytes(b"mine")
    with pytest.raises(WebserviceException, match=r"my_model\.pkl exists: give exist_ok=True"):
        model.download(".")
    assert (here / "my_model.pkl").read_bytes() == b"mine"
    assert Path(model.download(".", exist_ok=True)).read_bytes() == b"weights"


def test_what_is_not_the_version_any_more_is_not_downloaded(
    here: Path, objects: FakeObjects, model: Model
) -> None:
    only(objects, "Model")["status"]["versions"][0]["digest"] = f"sha256:{7:064}"
    with pytest.raises(WebserviceException, match=r"is not version 1 any more: its digest is sha"):
        model.download("got")
    assert not (here / "got").exists()


def test_a_version_is_not_deleted_with_all_others(
    here: Path, team: Workspace, objects: FakeObjects, model: Model
) -> None:
    (here / "my_model.pkl").write_bytes(b"other")
    second = Model.register(team, "my_model.pkl", MODEL_NAME)
    first = Model(team, MODEL_NAME, version=1)
    for one in (first, second, model, Model(team, id=second.id), *Model.list(team)):
        with pytest.raises(WebserviceException, match=r"cannot be deleted by itself: its Model"):
            one.delete()
    assert objects.of("Model")
    Model(team, MODEL_NAME).delete()
    assert not objects.of("Model")


def test_an_images_version_is_not_deleted_with_all_others(
    here: Path, team: Workspace, objects: FakeObjects
) -> None:
    Image.create(team, "myimg", [], image_config())
    (here / "score.py").write_text(f"{SCRIPT}X = 1\n")
    Image.create(team, "myimg", [], image_config())
    service = Webservice.deploy_from_image(team, "mysvc", Image(team, id="myimg:1"))
    for number in (1, 2):
        with pytest.raises(WebserviceException, match=r"cannot be deleted by itself: it has"):
            Image(team, "myimg", version=number).delete()
    with pytest.raises(WebserviceException, match="in use by services: mysvc"):
        Image(team, "myimg").delete()
    service.delete()
    Image(team, "myimg").delete()
    assert not objects.of("InferenceImage")


def test_an_earlier_version_lies_in_the_registry(here: Path, team: Workspace, model: Model) -> None:
    (here / "my_model.pkl").write_bytes(b"other")
    Model.register(team, "my_model.pkl", MODEL_NAME)
    with pytest.raises(WebserviceException, match="oras pull"):
        model.download("got")
    Model(team, MODEL_NAME).delete()
    with pytest.raises(WebserviceException, match="is gone"):
        model.download("got")


def test_environments_are_kept_in_the_namespace(team: Workspace, objects: FakeObjects) -> None:
    made = Environment("My Env")
    made.register(team)
    made.environment_variables["A"] = "b"
    assert made.register(team).version == "2"
    assert Environment.get(team, "My Env", "1").environment_variables == {}
    held = only(objects, "ConfigMap")
    held["data"]["version-3"] = "{"  # by another program
    assert list(Environment.list(team)) == ["My Env"]


# --- images


def test_the_guides_image(
    team: Workspace, objects: FakeObjects, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    image = Image.create(
        name="myimg", models=[model], image_config=image_config(tags={"a": "b"}), workspace=team
    )
    image.wait_for_creation(show_output=True)
    assert "Succeeded" in capsys.readouterr().out
    made = only(objects, "InferenceImage")["spec"]
    assert made["models"] == [{"name": model.record.resource, "version": 1}]
    assert made["source"]["inline"]["files"]["score.py"] == SCRIPT
    assert image.image_location == "registry.example.com/team/myimg:1"
    assert team.images["myimg"].image_build_log_uri == "/logs/myimg/1-1"
    assert (image.id, image.creation_state, image.tags) == ("myimg:1", "Succeeded", {"a": "b"})
    assert image.image_digest == f"sha256:{1:064}"
    assert [one.id for one in image.models] == [model.id]
    assert image.serialize()["imageBuildLogUri"] == "/logs/myimg/1-1"
    assert image.created_time.year == 2026
    assert (image.description, image.properties, image.generated_dockerfile_uri) == (None, {}, None)
    with pytest.raises(UnsupportedError, match="docker run -p 8000:5001 registry"):
        image.run("x")


def test_images_are_found(team: Workspace, model: Model) -> None:
    Image.create(team, "my.img", [model], image_config(tags={"a": "b"}))
    ContainerImage.create(team, "other", [], image_config())
    assert [one.name for one in Image.list(team)] == ["my.img", "other"]
    assert [one.name for one in Image.list(team, model_name=MODEL_NAME)] == ["my.img"]
    assert [one.name for one in Image.list(team, model_id=f"{MODEL_NAME}:1")] == ["my.img"]
    assert [one.name for one in Image.list(team, tags=[["a", "b"]])] == ["my.img"]
    assert [one.name for one in Image.list(team, image_name="other", tags=[])] == ["other"]
    assert not Image.list(team, tags=["x"])
    assert "my.img:1" in repr(Image(team, "my.img"))
    with pytest.raises(WebserviceException, match="ImageNotFound"):
        Image(team, "none")
    with pytest.raises(WebserviceException, match="has no version 7"):
        Image(team, id="other:7")


def test_a_build_that_fails_names_its_log(
    team: Workspace, objects: FakeObjects, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    def operator(one: Manifest) -> dict[str, Any]:
        found = does_it_all(one)
        if one["kind"] == "InferenceImage":
            found["conditions"] = stalled("PackageNotFound", "myenv.yml:1 asks for nmpy.")
            found["failure"] = {
                "reason": "PackageNotFound",
                "message": "myenv.yml:1 asks for nmpy.",
                "location": "myenv.yml:1",
                "logTail": "No matching distribution",
            }
        return found

    objects.operator = operator
    image = Image.create(team, "myimg", [model], image_config())
    assert image.creation_state == "Failed"
    with pytest.raises(WebserviceException) as caught:
        image.wait_for_creation(show_output=True)
    assert caught.value.message == (
        "Image creation polling reached non-successful terminal state, current state: Failed\n"
        "PackageNotFound: myenv.yml:1 asks for nmpy.\nWhere: myenv.yml:1\n"
        "Log:\nNo matching distribution"
    )
    assert "/logs/myimg/1-1" in capsys.readouterr().out
    with pytest.raises(WebserviceException, match='in non "Succeeded" creation state'):
        Webservice.deploy_from_image(team, "mysvc", image, AciWebservice.deploy_configuration())
    assert not objects.of("Webservice")


def test_files_that_are_no_texts_and_those_before_them(
    here: Path, team: Workspace, objects: FakeObjects
) -> None:
    (here / "x.bin").write_bytes(b"\xff")
    Image.create(team, "myimg", [], image_config(dependencies=["x.bin"]))
    (here / "x.bin").write_bytes(b"\xfe")
    Image.create(team, "myimg", [], image_config(dependencies=["x.bin"]))
    held = only(objects, "ConfigMap")
    assert base64.b64decode(held["binaryData"]["x.bin"]) == b"\xfe"
    source = only(objects, "InferenceImage")["spec"]["source"]
    assert source == {"configMap": {"name": held["metadata"]["name"]}}
    assert held["metadata"]["ownerReferences"][0]["kind"] == "InferenceImage"
    Image.create(team, "myimg", [], image_config())
    assert "configMap" not in only(objects, "InferenceImage")["spec"]["source"]
    assert not objects.of("ConfigMap")


def test_a_model_and_an_image_of_one_name_keep_their_files(
    here: Path, team: Workspace, objects: FakeObjects
) -> None:
    (here / "x.bin").write_bytes(b"\xff")
    Model.register(team, "my_model.pkl", "credit")
    Image.create(team, "credit", [], image_config(dependencies=["x.bin"]))
    assert len(objects.of("ConfigMap")) == 2


def test_what_is_no_image(team: Workspace, model: Model) -> None:
    with pytest.raises(WebserviceException, match="image_configuration"):
        Image.create(team, "myimg", [model], config())
    with pytest.raises(WebserviceException, match="provided image name is invalid"):
        Image.create(team, "x", [model], image_config())
    with pytest.raises(WebserviceException, match="is no image"):
        Webservice.deploy_from_image(team, "mysvc", 1)


def test_an_image_in_use_is_not_deleted(team: Workspace, model: Model) -> None:
    service = deployed(team, model)
    with pytest.raises(WebserviceException, match="in use by services: mysvc"):
        service.image.delete()
    service.delete()
    image = team.images["mysvc"]
    image.delete()
    with pytest.raises(WebserviceException, match="ImageNotFound"):
        image.update_creation_state()


# --- services


def test_the_guides_service(team: Workspace, objects: FakeObjects, model: Model) -> None:
    image = Image.create(team, "myimg", [model], image_config())
    aci = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
    service = Webservice.deploy_from_image(
        deployment_config=aci, image=image, name="mysvc", workspace=team
    )
    service.wait_for_deployment(show_output=True)
    assert only(objects, "Webservice")["spec"] == {
        "imageRef": {"name": "myimg"},
        "computeType": "ACI",
        "resources": {"cpu": "1", "memory": "1024Mi"},
    }
    assert (service.state, service.scoring_uri) == ("Healthy", "http://mysvc.team.svc/score")
    assert service.swagger_uri == "http://mysvc.team.svc/swagger.json"
    assert isinstance(team.webservices["mysvc"], AciWebservice)
    assert service.serialize()["imageId"] == "myimg:1"
    assert service.serialize()["authEnabled"] is False


def test_image_and_service_in_one_step(team: Workspace, objects: FakeObjects, model: Model) -> None:
    service = deployed(team, model, show_output=True)
    assert only(objects, "InferenceImage")["metadata"]["name"] == "mysvc"
    assert only(objects, "Webservice")["spec"] == {"imageRef": {"name": "mysvc"}}
    assert service.run(input_data=b"{}") == {"result": [1.5]}
    objects.answer = b"words"
    assert service.run("[1]") == "words"
    assert objects.asked == [b"{}", b"[1]"]
    assert service.get_logs(num_lines=7, init=True) == "mysvc 7 True"
    assert (service.auth_enabled, service.error, service.description) == (True, None, None)
    assert isinstance(Webservice(team, "mysvc"), AksWebservice)
    assert AksWebservice(team, "mysvc").state == "Healthy"
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        AksWebservice(team, "../webservices/mysvc")
    assert "mysvc" in repr(service)


def test_models_are_given_by_id_or_by_path(team: Workspace, objects: FakeObjects) -> None:
    Model.register(team, "my_model.pkl", "credit")
    Model.deploy(team, "mysvc", ["credit:1"], config(), AksWebservice.deploy_configuration())
    Webservice.deploy(team, "other", ["my_model.pkl"], image_config())
    models = {
        one["metadata"]["name"]: one["spec"]["models"] for one in objects.of("InferenceImage")
    }
    assert models["mysvc"] == [{"name": "credit", "version": 1}]
    assert models["other"][0]["name"].startswith("my-model-pkl-")
    kinds = {one["metadata"]["name"]: one["spec"] for one in objects.of("Webservice")}
    assert (kinds["other"]["computeType"], "computeType" in kinds["mysvc"]) == ("ACI", False)


def test_a_target_means_aks(team: Workspace, objects: FakeObjects, model: Model) -> None:
    deployed(team, model, deployment_config=None, deployment_target=object())
    assert "computeType" not in only(objects, "Webservice")["spec"]


def test_where_a_service_is_reached_is_the_workspaces(
    objects: FakeObjects, team: Workspace, model: Model
) -> None:
    team.expose = "NodePort"
    deployed(team, model)
    assert only(objects, "Webservice")["spec"]["expose"] == {"type": "NodePort"}


def test_a_name_is_taken_until_it_is_overwritten(
    team: Workspace, objects: FakeObjects, model: Model
) -> None:
    deployed(team, model, deployment_config=AksWebservice.deploy_configuration(memory_gb=1))
    before = len(objects.kept)
    with pytest.raises(WebserviceException, match="there is already a service with name mysvc"):
        deployed(team, model)
    assert len(objects.kept) == before
    deployed(team, model, overwrite=True)
    assert "resources" not in only(objects, "Webservice")["spec"]


def test_an_image_of_the_name_is_not_built_anew_unasked(
    team: Workspace, objects: FakeObjects, model: Model
) -> None:
    Image.create(team, "mysvc", [], image_config())
    Webservice.deploy_from_image(team, "other", team.images["mysvc"])
    with pytest.raises(WebserviceException, match=r"image with name mysvc.*follow it: other\. "):
        deployed(team, model)
    Webservice(team, "other").delete()
    with pytest.raises(WebserviceException, match=r"image with name mysvc .* team\. Give"):
        deployed(team, model)
    assert only(objects, "InferenceImage")["metadata"]["generation"] == 1
    service = deployed(team, model, overwrite=True)
    service.update(models=[], inference_config=config(description="words"))
    service.delete()
    deployed(team, model)  # its own image, of before
    assert only(objects, "InferenceImage")["metadata"]["generation"] == 4


def test_nothing_is_made_of_what_is_wrong(team: Workspace, objects: FakeObjects) -> None:
    for knobs in (
        AksWebservice.deploy_configuration(token_auth_enabled=True),
        AksWebservice.deploy_configuration(namespace="elsewhere"),
        AksWebservice.deploy_configuration(gpu_cores=65),
    ):
        with pytest.raises(WebserviceException):
            Model.deploy(team, "mysvc", ["my_model.pkl"], config(), knobs)
    assert not objects.kept


def test_the_namespace_may_be_that_of_the_workspace(
    team: Workspace, objects: FakeObjects, model: Model
) -> None:
    deployed(team, model, deployment_config=AksWebservice.deploy_configuration(namespace="team"))
    assert objects.of("Webservice")


def test_an_older_image_is_served_by_its_digest(
    here: Path, team: Workspace, objects: FakeObjects
) -> None:
    first = Image.create(team, "myimg", [], image_config())
    (here / "score.py").write_text(f"{SCRIPT}X = 1\n")
    second = Image.create(team, "myimg", [], image_config())
    assert second.version == 2
    old = Image(team, id="myimg:1")
    assert (old.version, old.creation_state) == (1, "Succeeded")
    assert old.image_location == "registry.example.com/team/myimg:1"
    service: Any = Webservice.deploy_from_image(team, "mysvc", old)
    pinned = f"registry.example.com/team/myimg@sha256:{1:064}"
    assert only(objects, "Webservice")["spec"]["image"] == pinned
    assert service.image is None
    assert service.serialize()["imageId"] == pinned
    with pytest.raises(WebserviceException, match="unable to use Environment object to update"):
        service.update(models=[], inference_config=config())
    service.update(image="myimg")
    assert only(objects, "Webservice")["spec"]["imageRef"] == {"name": "myimg"}
    assert "image" not in only(objects, "Webservice")["spec"]
    assert [one.name for one in Webservice.list(team, image_name="myimg")] == ["mysvc"]
    assert first.name == "myimg"


def test_a_service_that_fails_says_why(team: Workspace, objects: FakeObjects, model: Model) -> None:
    def operator(one: Manifest) -> dict[str, Any]:
        if one["kind"] != "Webservice":
            return does_it_all(one)
        words = "init() raised KeyError at score.py:12: 'columns'"
        return {
            "state": "Unhealthy",
            "conditions": stalled("UserScriptInitFailed", words),
            "failure": {
                "reason": "UserScriptInitFailed",
                "message": words,
                "remedy": "Correct it.",
            },
        }

    objects.operator = operator
    service = deployed(team, model)
    with pytest.raises(WebserviceException) as caught:
        service.wait_for_deployment(show_output=True)
    assert caught.value.message == (
        "Service deployment polling reached non-successful terminal state, current service state: "
        "Unhealthy\nMore information can be found using '.get_logs()'\nError:\n"
        "UserScriptInitFailed: init() raised KeyError at score.py:12: 'columns'\n"
        "Remedy: Correct it."
    )
    assert service.error["reason"] == "UserScriptInitFailed"
    with pytest.raises(WebserviceException, match=r"scoring_uri unavailable.*Unhealthy"):
        service.run("x")


def test_a_status_cannot_command_a_terminal(
    team: Workspace, objects: FakeObjects, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = "\x1b[2J\x07"
    fails = {"value": False}

    def operator(one: Manifest) -> dict[str, Any]:
        found = does_it_all(one)
        if one["kind"] == "Webservice":
            found |= {"state": f"Healthy{broken}\nx", "scoringUri": f"http://x/{broken}"}
        if one["kind"] == "InferenceImage":
            found["build"] = {"id": "1-1", "logUri": f"/logs/{broken}"}
            if fails["value"]:
                found["conditions"] = stalled("PackageNotFound", "no nmpy")
        return found

    objects.operator = operator
    service = deployed(team, model)
    service.wait_for_deployment(show_output=True)
    fails["value"] = True
    for path in list(objects.kept):
        objects.look(path)
    for wait in (service.wait_for_deployment, service.image.wait_for_creation):
        with pytest.raises(WebserviceException) as caught:
            wait(show_output=True)
        assert "\x1b" not in caught.value.message
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert 'Service "mysvc" is Healthy x at http://x/' in told


def test_a_build_that_fails_is_the_services_failure(
    team: Workspace, objects: FakeObjects, model: Model
) -> None:
    def operator(one: Manifest) -> dict[str, Any]:
        found = does_it_all(one)
        if one["kind"] == "InferenceImage":
            found["conditions"] = stalled("PackageNotFound", "no nmpy")
        if one["kind"] == "Webservice":
            found = {"conditions": waiting_for("ImageNotReady", "It is not built.")}
        return found

    objects.operator = operator
    service = deployed(team, model)
    with pytest.raises(WebserviceException, match="found here: /logs/mysvc/1-1") as caught:
        service.wait_for_deployment()
    assert "PackageNotFound: no nmpy" in caught.value.message


def test_what_is_waited_for_is_told_once(
    team: Workspace,
    objects: FakeObjects,
    model: Model,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = iter([*["0 of 1 replicas are ready"] * 8, *["It takes long"] * 4])

    def operator(one: Manifest) -> dict[str, Any]:
        if one["kind"] != "Webservice":
            return does_it_all(one)
        words = next(said, None)
        if words is None:
            return does_it_all(one)
        return {"state": "Transitioning", "conditions": waiting_for("RollingOut", words)}

    objects.operator = operator
    service = deployed(team, model)
    path = next(path for path, one in objects.kept.items() if one["kind"] == "Webservice")
    objects.before_get = [lambda: objects.look(path)] * 20
    service.wait_for_deployment(show_output=True)
    told = capsys.readouterr().out
    assert told.count("Webservice: RollingOut: 0 of 1 replicas are ready\n") == 1
    assert told.count("It takes long") == 1


def test_time_is_up_and_it_goes_on(team: Workspace, objects: FakeObjects, model: Model) -> None:
    def operator(one: Manifest) -> dict[str, Any]:
        never = {"conditions": waiting_for("RollingOut", "0 of 1")}
        return never if one["kind"] == "Webservice" else does_it_all(one)

    objects.operator = operator
    service = deployed(team, model)
    said = r"Deployment polling exceeded timeout override of 0s\. Current status: Transitioning"
    with pytest.raises(WebserviceException, match=said):
        service.wait_for_deployment(timeout_sec=0)
    assert objects.of("Webservice")


def test_an_operator_that_is_not_there(
    team: Workspace, objects: FakeObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "UNSEEN_S", 0)
    objects.operator = lambda _: {}
    with pytest.raises(WebserviceException, match="No operator has looked at InferenceImage"):
        Image.create(team, "myimg", [], image_config())


def test_a_service_that_goes_while_it_is_waited_for(team: Workspace, model: Model) -> None:
    service = deployed(team, model)
    service.delete()
    with pytest.raises(WebserviceException, match="webservices 'mysvc' is gone"):
        service.wait_for_deployment()
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        _ = service.state
    with pytest.raises(WebserviceException, match="WebserviceNotFound: Webservice with name mysvc"):
        Webservice(team, "mysvc")


def test_keys(team: Workspace, objects: FakeObjects, model: Model) -> None:
    service = deployed(team, model)
    assert service.get_keys() == ("primaryKey", "secondaryKey")
    service.regen_key("primary", set_key="mine")
    assert service.get_keys() == ("mine", "secondaryKey")
    service.regen_key("Secondary")
    assert service.get_keys()[1] not in ("secondaryKey", "")
    for key, said in (("", "must specify which key"), ("third", "invalid value provided for key")):
        with pytest.raises(WebserviceException, match=said):
            service.regen_key(key)
    for wrong in ("a\nb", "é", " x", "x" * 2000):
        with pytest.raises(InvalidConfigurationError, match="stands in a header"):
            service.regen_key("Primary", wrong)
    with pytest.raises(UnsupportedError, match="get_keys"):
        service.get_token()
    for secret in objects.of("Secret"):
        secret["data"] = {"primaryKey": "%%"}
    with pytest.raises(WebserviceException, match="has no keys"):
        service.get_keys()


def test_keys_that_are_given(
    team: Workspace, objects: FakeObjects, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = AksWebservice.deploy_configuration(primary_key="one", secondary_key="two")
    assert deployed(team, model, deployment_config=given).get_keys() == ("one", "two")
    monkeypatch.setattr(keys, "SECRET_TIMEOUT_S", 0)
    aci = AciWebservice.deploy_configuration(auth_enabled=False, primary_key="one")
    with pytest.raises(WebserviceException, match="was not made in 0 seconds"):
        Model.deploy(team, "other", [model], config(), aci)
    assert len(objects.of("Webservice")) == 2


def test_an_update_changes_what_it_names(
    team: Workspace, objects: FakeObjects, model: Model
) -> None:
    service = deployed(team, model)
    service.update(autoscale_enabled=True, autoscale_min_replicas=2, tags={"a": 1})
    service.update(cpu_cores=0.5, properties={"p": "q"})
    spec = only(objects, "Webservice")["spec"]
    assert spec["autoscale"] == {"enabled": True, "minReplicas": 2}
    assert (spec["resources"], spec["tags"]) == ({"cpu": "500m"}, {"a": "1", "p": "q"})
    service.update(autoscale_enabled=False, num_replicas=3, tags={})
    spec = only(objects, "Webservice")["spec"]
    assert (spec["replicas"], spec["autoscale"]["enabled"]) == (3, False)
    assert spec.get("tags", {}) == {}
    service.update(autoscale_enabled=True, autoscale_max_replicas=4)
    spec = only(objects, "Webservice")["spec"]
    assert ("replicas" in spec, spec["autoscale"]) == (False, {"enabled": True, "maxReplicas": 4})
    service.add_tags({"b": 2})
    service.add_properties({"c": 3})
    service.remove_tags(["b"])
    assert service.tags == {"c": "3"}


def test_an_update_of_model_and_script(
    here: Path, team: Workspace, objects: FakeObjects, model: Model
) -> None:
    service = deployed(team, model)
    (here / "score.py").write_text(f"{SCRIPT}X = 1\n")
    service.update(models=[model], inference_config=config(), description="words")
    made = only(objects, "InferenceImage")
    assert made["status"]["version"] == 2
    assert service.description == "words"
    assert [one.id for one in service.models] == [model.id]
    assert (service.created_time.year, service.properties) == (2026, {})


def test_an_image_keeps_its_name_when_its_service_is_updated(
    here: Path, team: Workspace, objects: FakeObjects, model: Model
) -> None:
    image = Image.create(team, "my.img", [model], image_config())
    service: Any = Webservice.deploy_from_image(team, "mysvc", image)
    (here / "score.py").write_text(f"{SCRIPT}X = 1\n")
    service.update(models=[model], inference_config=config())
    assert len(objects.of("InferenceImage")) == 1
    assert team.images["my.img"].version == 2


def test_a_service_is_waited_for_until_it_serves_its_new_image(
    team: Workspace, objects: FakeObjects, model: Model
) -> None:
    served = iter([*["sha256:old"] * 6])

    def operator(one: Manifest) -> dict[str, Any]:
        found = does_it_all(one)
        if one["kind"] == "Webservice":
            digest = next(served, f"sha256:{1:064}")
            active = f"registry.example.com/team/mysvc@{digest}"
            found["revision"] = {"active": active, "said": True}
        return found

    objects.operator = operator
    service = deployed(team, model)
    path = next(path for path, one in objects.kept.items() if one["kind"] == "Webservice")
    objects.before_get = [lambda: objects.look(path)] * 20
    service.wait_for_deployment()
    assert service.manifest["status"]["revision"]["active"].endswith(f"sha256:{1:064}")


def failing(target: str, looks: int) -> Any:
    """An operator whose service fails, with what it rolls out, for so many looks."""
    left = iter(range(looks))

    def operator(one: Manifest) -> dict[str, Any]:
        found = does_it_all(one)
        if one["kind"] == "Webservice" and next(left, None) is not None:
            words = {"conditions": stalled("UserScriptInitFailed", "init() raised KeyError")}
            return {**found, **words, "revision": {"target": target, "said": True}}
        return found

    return operator


def looked_at(objects: FakeObjects) -> None:
    """The operator looks at the service each time that somebody reads."""
    path = next(path for path, one in objects.kept.items() if one["kind"] == "Webservice")
    objects.before_get = [lambda: objects.look(path)] * 100


def test_a_failure_of_the_former_image_is_waited_through(
    team: Workspace, objects: FakeObjects, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.operator = failing("x@sha256:old", 8)
    service = deployed(team, model)
    looked_at(objects)
    service.wait_for_deployment()
    assert service.state == "Healthy"
    monkeypatch.setattr(waiting, "FORMER_S", 0)
    objects.operator = failing("x@sha256:old", 10**6)
    looked_at(objects)
    with pytest.raises(WebserviceException, match=r"init\(\) raised KeyError"):
        service.wait_for_deployment()


def test_a_failure_must_last(
    team: Workspace, objects: FakeObjects, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "FAIL_DOUBT_S", 1000)
    objects.operator = failing(f"x@sha256:{1:064}", 8)
    service = deployed(team, model)
    looked_at(objects)
    service.wait_for_deployment()
    assert service.state == "Healthy"


def test_a_short_outage_of_the_api_is_waited_through(
    team: Workspace,
    objects: FakeObjects,
    model: Model,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def out(reason: Reason) -> None:
        cause = refusal(reason, "No answer.", "")
        raise WebserviceException("No answer.", inner_exception=cause)

    service = deployed(team, model)
    objects.before_get = [
        partial(out, Reason.API_UNREACHABLE),
        partial(out, Reason.API_UNAVAILABLE),
    ]
    service.wait_for_deployment(show_output=True)
    assert capsys.readouterr().out.count("No answer.") == 1
    for reason, given in (
        (Reason.FORBIDDEN, {}),
        (Reason.API_UNREACHABLE, {"timeout_sec": 0}),
    ):
        objects.before_get = [partial(out, reason)]
        with pytest.raises(WebserviceException, match="No answer"):
            service.wait_for_deployment(**given)
    monkeypatch.setattr(waiting, "MAX_OUTAGE_S", 0)
    objects.before_get = [partial(out, Reason.API_UNREACHABLE)]
    with pytest.raises(WebserviceException, match="No answer"):
        service.wait_for_deployment()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "No parameters provided to update."),
        ({"models": []}, 'both "models" and "inference_config" inputs must be provided'),
        ({"image": "x", "models": [], "inference_config": 1}, "unable to pass both an Image"),
        ({"cpu_cores": 0}, "Error, cpu_cores must be greater than zero."),
        ({"cpu_cores_limit": 0.05}, "Error, cpu_cores_limit must be greater than or equal to"),
        ({"autoscale_min_replicas": 1}, "autoscale_min_replicas provided without enabling"),
        ({"auth_enabled": True, "token_auth_enabled": True}, "cannot set both token_auth_enabled"),
        ({"token_auth_enabled": True}, "oauth2-proxy"),
        ({"replicas": 1}, "takes no replicas"),
    ],
)
def test_updates_that_are_refused(
    team: Workspace, objects: FakeObjects, model: Model, given: dict[str, Any], said: str
) -> None:
    knobs = AksWebservice.deploy_configuration(cpu_cores=0.1)
    service = deployed(team, model, deployment_config=knobs)
    before = only(objects, "Webservice")["metadata"]["generation"]
    with pytest.raises(WebserviceException, match=said):
        service.update(**given)
    assert only(objects, "Webservice")["metadata"]["generation"] == before


def test_an_update_of_aci(
    team: Workspace, objects: FakeObjects, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    service = deployed(team, model, deployment_config=None)
    service.update(auth_enabled=True, tags={"a": "b"})
    spec = only(objects, "Webservice")["spec"]
    assert (spec["computeType"], spec["auth"]) == ("ACI", {"enabled": True})
    assert service.auth_enabled
    with pytest.raises(WebserviceException, match="takes no cpu_cores"):
        service.update(cpu_cores=1)
    service.update(enable_app_insights=True)
    assert "collect_model_data and enable_app_insights have no effect" in capsys.readouterr().out


def test_services_are_found(team: Workspace, model: Model) -> None:
    deployed(team, model, deployment_config=AksWebservice.deploy_configuration(tags={"a": "b"}))
    assert [one.name for one in Webservice.list(team, compute_type="aks")] == ["mysvc"]
    assert [one.name for one in Webservice.list(team, model_name=MODEL_NAME)] == ["mysvc"]
    assert [one.name for one in Webservice.list(team, model_id=model.id)] == ["mysvc"]
    assert [one.name for one in Webservice.list(team, image_id="mysvc:1")] == ["mysvc"]
    assert [one.name for one in Webservice.list(team, tags=["a"])] == ["mysvc"]
    for nothing in ({"compute_type": "ACI"}, {"model_name": "x"}, {"image_name": "x"}):
        assert not Webservice.list(team, **nothing)
    assert not Webservice.list(team, tags=[["a", "c"]])


def test_two_changes_at_once_are_told(team: Workspace, objects: FakeObjects, model: Model) -> None:
    service = deployed(team, model)
    path = next(path for path, one in objects.kept.items() if one["kind"] == "Webservice")

    original = objects.merge

    def merge(ref: Any, patch: Manifest) -> Manifest:
        """What was read for the change is old by the time that it is written."""
        if ref.path == path and changes:
            metadata = objects.kept[path]["metadata"]
            metadata["resourceVersion"] += "9"
            metadata["generation"] += changes.pop()
        return original(ref, patch)

    objects.merge = merge  # type: ignore[method-assign]
    changes = [0, 0]  # the operator has written the status twice
    service.update(tags={"a": "b"})
    assert only(objects, "Webservice")["spec"]["tags"] == {"a": "b"}
    changes = [1]  # somebody has changed the spec
    with pytest.raises(ConflictError, match="is being changed by somebody else"):
        service.update(tags={"a": "c"})
    changes = [0] * 99
    with pytest.raises(ConflictError, match="is being changed by somebody else"):
        service.update(tags={"a": "c"})
    assert only(objects, "Webservice")["spec"]["tags"] == {"a": "b"}


def test_tags_are_changed_alone(team: Workspace, objects: FakeObjects, model: Model) -> None:
    service = deployed(team, model)
    spec = only(objects, "Webservice")["spec"]  # somebody else changes it after it was read
    spec |= {"replicas": 7, "tags": {"theirs": "1"}}
    service.add_tags({"a": 1, "b": 2})
    service.remove_tags("a")
    service.remove_tags(["none"])
    service.add_properties({"c": "d"})
    spec = only(objects, "Webservice")["spec"]
    assert spec["tags"] == service.tags == {"theirs": "1", "b": "2", "c": "d"}
    assert spec["replicas"] == 7


def test_a_service_without_a_name_is_none(
    team: Workspace, objects: FakeObjects, model: Model
) -> None:
    deployed(team, model)
    for name in ("", ".", "a/b"):
        with pytest.raises(WebserviceException, match="WebserviceNotFound"):
            AksWebservice(team, name).delete()
    assert objects.of("Webservice")


def test_a_workspace_makes_its_namespace_once(
    team: Workspace, objects: FakeObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert team.in_cluster
    monkeypatch.setenv("FAIRLEAD_WORKSPACE", "cluster")
    monkeypatch.setattr(Workspace, "objects", objects)
    assert Workspace.create("team").namespace == "team"
    with pytest.raises(UserErrorException, match="exists already"):
        Workspace.create("team")
    Workspace.create("team", exist_ok=True)


def test_several_versions_behind_one_address() -> None:
    with pytest.raises(UnsupportedError, match="Ingress"):
        AksEndpoint.deploy_configuration()


def test_what_others_wrote_into_the_annotation_is_nothing(
    team: Workspace, objects: FakeObjects
) -> None:
    Image.create(team, "myimg", [], image_config())
    for text in ("{", "[]", json.dumps({"name": ""}), json.dumps({"name": "credit"})):
        only(objects, "InferenceImage")["metadata"]["annotations"]["fairlead.dev/azureml"] = text
        assert [one.name for one in Image.list(team)] == ["myimg"]
    assert ready("x")
