"""Workspaces, and what is kept in one of this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from fairlead.azureml.core import Environment, Experiment, Model, Run, Workspace
from fairlead.azureml.core.compute import AksCompute, AmlCompute, ComputeTarget
from fairlead.azureml.exceptions import (
    ModelNotFoundException,
    UnsupportedError,
    UserErrorException,
    WebserviceException,
)
from fairlead.azureml.workspace import in_cluster, namespace_of


@pytest.mark.parametrize("folder", ["", ".azureml", "aml_config"])
def test_v1s_config_is_found_from_below(here: Path, folder: str) -> None:
    (here / folder).mkdir(exist_ok=True)
    (here / folder / "config.json").write_text(
        '{"subscription_id": "s", "resource_group": "g", "workspace_name": "My_Team"}'
    )
    (here / "a/b").mkdir(parents=True)
    for path in (str(here / "a/b"), str(here / folder / "config.json")):
        ws = Workspace.from_config(path)
        assert (ws.name, ws.namespace, ws.resource_group) == ("My_Team", "my-team", "g")


def test_a_config_that_is_not_there_or_is_none(here: Path) -> None:
    with pytest.raises(UserErrorException, match=r"We could not find nothing\.json in"):
        Workspace.from_config(_file_name="nothing.json")
    for text in ("[]", "{}", "{"):
        (here / "config.json").write_text(text)
        with pytest.raises(UserErrorException, match="is no workspace's"):
            Workspace.from_config()


def test_a_config_is_written_as_it_is_read(here: Path) -> None:
    Workspace.get("Team", namespace="other", expose="NodePort").write_config()
    ws = Workspace.from_config()
    assert (ws.name, ws.namespace, ws.expose) == ("Team", "other", "NodePort")
    Workspace.get("Team").write_config(file_name="plain.json")
    assert "fairlead" not in json.loads((here / ".azureml/plain.json").read_text())


@pytest.mark.parametrize(
    ("name", "namespace"), [("ws", "ws"), ("My Work_Space!", "my-work-space"), ("x" * 70, "x" * 63)]
)
def test_the_namespace_of_a_workspace(name: str, namespace: str) -> None:
    assert namespace_of(name) == namespace


def test_a_workspace_has_a_name() -> None:
    for name in ("", "__"):
        with pytest.raises(WebserviceException):
            Workspace("s", "g", name)
    for namespace in ("../kube-system", "Team", "x" * 64, "a b"):
        with pytest.raises(WebserviceException, match="cannot be the name of a namespace"):
            Workspace("s", "g", "team", namespace=namespace)


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"FAIRLEAD_WORKSPACE": "local", "KUBERNETES_SERVICE_HOST": "x"}, False),
        ({"FAIRLEAD_WORKSPACE": "cluster", "KUBECONFIG": "/nowhere"}, True),
        ({"KUBERNETES_SERVICE_HOST": "x"}, True),
        ({"KUBECONFIG": "/nowhere"}, False),
        ({"KUBECONFIG": f"/nowhere:{__file__}"}, True),
    ],
)
def test_whether_there_is_a_cluster(environ: dict[str, str], found: bool) -> None:  # noqa: FBT001
    assert in_cluster(environ) is found


def test_a_place_that_is_none() -> None:
    with pytest.raises(UserErrorException, match="local or cluster"):
        in_cluster({"FAIRLEAD_WORKSPACE": "azure"})


def test_what_a_workspace_had_in_v1(ws: Workspace) -> None:
    assert ws.get_details()["namespace"] == "team-one"
    assert not [*ws.compute_targets, *ws.experiments, *ws.tags, *ws.images, *ws.environments]
    with pytest.raises(UnsupportedError, match=r"Workspace\.datastores .* path of this machine"):
        _ = ws.datastores
    with pytest.raises(AttributeError, match="nothing"):
        _ = ws.nothing
    with pytest.raises(UnsupportedError, match="kubectl get namespaces"):
        Workspace.list("subscription")
    with pytest.raises(UnsupportedError, match="kubectl delete namespace team-one"):
        ws.delete()
    with pytest.raises(UnsupportedError, match="No kubeconfig"):
        _ = ws.objects
    assert "team-one" in repr(Workspace.create("Team One"))


def test_a_model_is_registered_once_for_each_content(here: Path, ws: Workspace) -> None:
    first = Model.register(ws, "my_model.pkl", "m", tags={"a": 1}, model_framework="ScikitLearn")
    again = Model.register(ws, "my_model.pkl", "m", description="words", properties={"p": 1})
    (here / "my_model.pkl").write_bytes(b"other")
    second = Model.register(ws, "my_model.pkl", "m")
    assert (first.id, again.id, second.id) == ("m:1", "m:1", "m:2")
    assert (again.tags, again.description) == ({"a": "1"}, "words")
    assert [one.id for one in Model.list(ws)] == ["m:2", "m:1"]
    assert [one.id for one in Model.list(ws, latest=True)] == ["m:2"]
    assert Model(ws, "m").id == ws.models["m"].id == "m:2"
    assert Model(ws, id="m:1").version == Model(ws, "m", version=1).version == 1
    assert Path(Model(ws, "m", version=1).download("got")).read_bytes() == b"weights"
    assert "m:1" in str(first)
    assert "m:1" in repr(first)


def test_a_folder_is_registered_whole(here: Path, ws: Workspace) -> None:
    (here / "outputs/deep").mkdir(parents=True)
    (here / "outputs/deep/x").write_text("1")
    model = Model.register(ws, "outputs", "m")
    assert Model.register(ws, "outputs", "m").version == 1
    (here / "outputs/deep/x").write_text("2")
    assert Model.register(ws, "outputs", "m").version == 2
    (here / "outputs/y").write_text("3")
    assert Model.register(ws, "outputs", "m").version == 3
    got = Path(model.download("got"))
    assert (got.name, (got / "deep/x").read_text()) == ("outputs", "1")
    with pytest.raises(WebserviceException, match="exist_ok=True"):
        model.download("got")
    model.download("got", exist_ok=True)


def test_parts_of_a_folder(here: Path, ws: Workspace) -> None:
    (here / "outputs/deep").mkdir(parents=True)
    (here / "outputs/deep/x").write_text("1")
    (here / "outputs/y").write_text("2")
    model = Model.register(ws, "outputs", "m", child_paths=["deep"])
    got = Path(model.download("got"))
    assert [one.name for one in got.iterdir()] == ["deep"]
    with pytest.raises(WebserviceException, match='child path "no" cannot be found'):
        Model.register(ws, "outputs", "m", child_paths=["no"])
    with pytest.raises(WebserviceException, match=r'path "\.\./my_model\.pkl" cannot be'):
        Model.register(ws, "outputs", "m", child_paths=["../my_model.pkl"])
    with pytest.raises(WebserviceException, match="folder"):
        Model.register(ws, "my_model.pkl", "m", child_paths=["x"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model_name": "a b"}, "provided model name is invalid"),
        ({"model_path": "none.pkl"}, 'provided model path "none.pkl" cannot be found'),
        ({"model_framework": "Keras"}, "is none of Custom, TensorFlow"),
        ({"model_framework_version": "1"}, "without a valid framework"),
        ({"model_path": "s3://b/m.pkl"}, "without a cluster"),
    ],
)
def test_what_cannot_be_registered(ws: Workspace, given: dict[str, Any], said: str) -> None:
    whole = {"model_path": "my_model.pkl", "model_name": "m", **given}
    with pytest.raises(WebserviceException, match=said):
        Model.register(ws, **whole)


def test_models_that_are_not_there(ws: Workspace) -> None:
    Model.register(ws, "my_model.pkl", "m", datasets=[("training", None)])
    with pytest.raises(ModelNotFoundException, match="there is: m"):
        Model(ws, "n")
    with pytest.raises(ModelNotFoundException, match="it has 1"):
        Model(ws, "m", version=2)


def test_what_is_said_of_a_model_can_be_changed(ws: Workspace) -> None:
    model = Model.register(ws, "my_model.pkl", "m", tags={"a": "1", "b": "2"})
    model.update_tags_properties(add_tags={"c": 3}, remove_tags=["a"], add_properties={"p": "q"})
    model.add_tags({"d": "4"})
    model.remove_tags("b")
    model.update(description="words")
    found = Model(ws, "m")
    assert found.tags == {"c": "3", "d": "4"}
    assert (found.properties, found.description) == ({"p": "q"}, "words")
    assert [one.id for one in Model.list(ws, tags=["c", ["d", "4"]], properties=["p"])] == ["m:1"]
    assert not Model.list(ws, tags=[["c", "4"]])
    with pytest.raises(WebserviceException, match="Properties cannot be changed"):
        model.add_properties({"p": "r"})
    model.update(tags={})
    assert Model(ws, "m").tags == {}
    model.delete()
    assert not Model.list(ws)


def test_a_record_that_cannot_be_read_is_told(ws: Workspace) -> None:
    model = Model.register(ws, "my_model.pkl", "m")
    assert model.record.path is not None
    (model.record.path.parents[1] / "model.json").write_text("{")
    with pytest.raises(WebserviceException, match=r"model\.json cannot be read"):
        Model.list(ws)


def test_where_a_model_lies_in_a_container(
    here: Path, ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AML_APP_ROOT", str(here / "app"))
    for version in ("2", "10"):
        folder = here / "app/azureml-models/m" / version
        folder.mkdir(parents=True)
        (folder / "m.pkl").write_text(version)
    (here / "app/azureml-models/m/notes").touch()
    assert Model.get_model_path("m").endswith("azureml-models/m/10/m.pkl")
    assert Model.get_model_path("m", version=2).endswith("azureml-models/m/2/m.pkl")
    with pytest.raises(ModelNotFoundException, match=r"not found in cache.*versions \[2, 10\]"):
        Model.get_model_path("m", 3)
    (here / "app/azureml-models/m/2/.DS_Store").touch()
    with pytest.raises(WebserviceException, match="can contain only 1 file or folder"):
        Model.get_model_path("m", 2)
    assert Model.get_model_path("my_model.pkl") == "my_model.pkl"
    with pytest.raises(WebserviceException, match="version should be an int"):
        Model.get_model_path("m", "2")  # type: ignore[arg-type]
    with pytest.raises(WebserviceException, match="model_name is None"):
        Model.get_model_path(None)  # type: ignore[arg-type]
    Model.register(ws, "my_model.pkl", "registered")
    assert Path(Model.get_model_path("registered", _workspace=ws)).read_bytes() == b"weights"


def test_what_models_of_v1_could_too(ws: Workspace) -> None:
    model = Model.register(ws, "my_model.pkl", "m", model_framework="Onnx")
    for call in (Model.package,):
        with pytest.raises(UnsupportedError):
            call(ws, [model])
    with pytest.raises(WebserviceException, match="zero or multiple models"):
        Model.deploy(ws, "mysvc", [])
    with pytest.raises(UnsupportedError, match="model_framework set to Onnx"):
        Model.deploy(ws, "mysvc", [model])


def test_environments_are_versioned(ws: Workspace) -> None:
    made = Environment("e")
    first = made.register(ws)
    assert (first.version, made.register(ws).version) == ("1", "1")
    made.environment_variables["A"] = "b"
    assert made.register(ws).version == "2"
    assert Environment.get(ws, "e").environment_variables == {"A": "b"}
    assert Environment.get(ws, "e", version="1").environment_variables == {}
    assert list(ws.environments) == ["e"]
    with pytest.raises(UserErrorException, match="has no version 3; it has 1, 2"):
        Environment.get(ws, "e", version="3")
    with pytest.raises(UserErrorException, match="curated environments are not here"):
        Environment.get(ws, "AzureML-sklearn-1.0")
    with pytest.raises(UserErrorException, match="not both"):
        Environment.get(ws, "e", "1", "latest")
    with pytest.raises(UnsupportedError, match="built with the first image"):
        made.build(ws)


def test_a_run_of_this_process(here: Path, ws: Workspace) -> None:
    with Experiment(ws, "train").start_logging() as run:
        run.log("auc", 0.9)
        run.log("auc", 0.8)
        run.log_list("l", [1])
        run.log_row("r", a=1)
        run.upload_file("outputs/model.pkl", "my_model.pkl")
        assert run.get_status() == "Running"
    assert (run.get_portal_url(), run.get_details()["status"]) == ("", "Completed")
    assert run.get_metrics() == {"auc": [0.9, 0.8], "l": [1], "r": {"a": 1}}
    assert run.wait_for_completion()["status"] == "Completed"
    model = run.register_model("m", model_path="outputs/model.pkl", tags={"a": "b"})
    assert Path(model.download("got")).read_bytes() == b"weights"
    (here / "plain.pkl").write_bytes(b"plain")
    assert run.register_model("n", "plain.pkl").name == "n"
    run.download_file("outputs/model.pkl", "there/m.pkl")
    assert (here / "there/m.pkl").read_bytes() == b"weights"
    assert run.get_file_names() == ["outputs/model.pkl"]
    with pytest.raises(WebserviceException, match="cannot be found"):
        run.upload_folder("x", "none")
    run.fail()
    run.cancel()
    run.complete()
    assert run.status == "Completed"


def test_runs_without_a_workspace_and_elsewhere(ws: Workspace) -> None:
    with pytest.raises(WebserviceException, match=r"Model\.register"):
        Run.get_context().register_model("m", "my_model.pkl")
    with pytest.raises(UnsupportedError, match="Train wherever you like"):
        Experiment(ws, "x").submit(None)
    assert Experiment(ws, "x").get_runs() == []


def test_compute_is_there_already(ws: Workspace) -> None:
    wanted: Any = AksCompute.provisioning_configuration(vm_size="x")
    wanted.vnet_name = "y"
    with pytest.raises(UnsupportedError, match=r"spec\.expose\.tls"):
        wanted.enable_ssl("leaf")
    target = ComputeTarget.create(ws, "aks", wanted)
    target.wait_for_completion(show_output=True)
    assert (target.name, target.get_status()) == ("aks", "Succeeded")
    attached = ComputeTarget.attach(ws, "aks", AksCompute.attach_configuration())
    attached.delete()
    assert ComputeTarget.list(ws) == []
    with pytest.raises(UnsupportedError, match="machines for training"):
        AmlCompute(ws, "cpu")
    with pytest.raises(UnsupportedError, match=r"AmlCompute .*\.provisioning_configuration"):
        AmlCompute.provisioning_configuration()


def test_links_of_a_model_are_not_followed_out_of_it(here: Path, ws: Workspace) -> None:
    folder = here / "outputs"
    folder.mkdir()
    (folder / "x").write_text("1")
    (folder / ".env").write_text("KEY=1")
    model = Model.register(ws, "outputs", "m")
    assert Model.register(ws, "outputs", "m").version == 1
    assert [one.name for one in Path(model.download("got")).iterdir()] == ["x"]
    for target in (here / "my_model.pkl", "."):
        (folder / "link").symlink_to(target)
        with pytest.raises(WebserviceException, match="link is a link to what is no file of"):
            Model.register(ws, "outputs", "other")
        (folder / "link").unlink()
    assert [one.name for one in Model.list(ws)] == ["m"]
