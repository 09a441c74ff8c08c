"""LocalWebservice, with a stand-in for what runs services."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.azureml.core.environment import Environment
from fairlead.azureml.core.image import ContainerImage
from fairlead.azureml.core.model import InferenceConfig, Model
from fairlead.azureml.core.webservice import AksWebservice, LocalWebservice, Webservice
from fairlead.azureml.exceptions import UnsupportedError, WebserviceException
from fairlead.azureml.workspace import Workspace
from fairlead.local import lifecycle, scoring
from fairlead.local.answers import NoAnswerError
from fairlead.local.errors import refusal
from fairlead.local.host import Exit
from fairlead.local.service import Mode
from tests.unit.azureml.standing_in import SCRIPT, answers
from tests.unit.local.services import Standin


def config(**given: Any) -> InferenceConfig:
    whole = {"entry_script": "score.py", "runtime": "python", "conda_file": "myenv.yml", **given}
    return InferenceConfig(**whole)


def deployed(ws: Workspace, name: str = "mysvc", **given: Any) -> Any:
    whole = {
        "models": [],
        "inference_config": config(),
        "deployment_config": LocalWebservice.deploy_configuration(port=9001),
        **given,
    }
    return Model.deploy(ws, name, **whole)


def fails(runs: Standin) -> None:
    runs.exit = Exit(3, "")
    runs.printed = b"Traceback\nKeyError: 'columns'\n"


def test_a_day_of_a_service(ws: Workspace, runs: Standin, here: Path) -> None:
    model = Model.register(ws, "my_model.pkl", "my_best_model")
    service = deployed(ws, models=[model], show_output=True)
    service.wait_for_deployment(show_output=True)
    assert (service.port, service.state, service.error) == (9001, "running", None)
    assert service.scoring_uri == "http://localhost:9001/score"
    assert service.swagger_uri == "http://localhost:9001/swagger.json"
    assert service.base_url == "http://localhost:9001"
    assert service.serialize()["models"] == ["my_best_model:1"]
    assert service.run(input_data=b'{"data": [1]}') == service.run("x") == {"data": [1]}
    assert service.run(input={"data": [1]}) == {"data": [1]}
    assert service.get_logs() == "one\ntwo\n"
    assert (service.get_logs(num_lines=1), service.get_logs(num_lines=0)) == ("two\n", "")
    assert (service.get_logs(raw=True), service.get_logs(init=True)) == ("one\ntwo\n", "")
    (here / "score.py").write_text(SCRIPT.replace("return data", "return 1"))
    service.reload()
    assert runs.code["score.py"] == (here / "score.py").read_bytes()
    service.delete()
    assert service.state == "deleted"
    assert service.port is service.scoring_uri is service.base_url is None


def test_the_guides_update_has_its_configuration_second(
    ws: Workspace, runs: Standin, here: Path
) -> None:
    service = deployed(ws, models=["my_model.pkl"])
    (here / "other.pkl").write_bytes(b"other")
    different = Model.register(ws, "other.pkl", "other")
    port = LocalWebservice.deploy_configuration(port=9002)
    service.update([different], config(), port)
    assert (service.port, service.serialize()["models"]) == (9002, ["other:1"])
    service.update(models=["my_model.pkl"])
    assert service.serialize()["models"] == ["my_model.pkl:1"]
    service.update(inference_config=config(source_directory="."), wait=True)
    assert service.serialize()["models"] == ["my_model.pkl:1"]
    assert "other.pkl" in runs.code
    with pytest.raises(WebserviceException, match="unable to pass both"):
        service.update([], config(), None, False, config())  # noqa: FBT003
    with pytest.raises(WebserviceException, match=r"takes a LocalWebservice\.deploy_configuration"):
        service.update(deployment_config=AksWebservice.deploy_configuration())


def test_an_environments_files_are_kept_for_the_next_update(ws: Workspace, runs: Standin) -> None:
    environment = Environment.from_dockerfile("e", "FROM python:3.11\nRUN true\n", "myenv.yml")
    environment.environment_variables["A"] = "b"
    service = deployed(ws, inference_config=InferenceConfig("score.py", environment=environment))
    (asked,) = [one.asked for one in lifecycle_services()]
    assert runs.calls
    assert asked.base_image == "python:3.11"
    assert asked.variables == {"A": "b"}
    assert Path(asked.docker_file or "").read_text() == "RUN true\n"
    assert Path(asked.conda_file or "").is_file()
    service.update(models=["my_model.pkl"])
    service.delete()
    assert not Path(asked.conda_file or "").exists()


def lifecycle_services() -> list[Any]:
    from fairlead.azureml import local_service

    return list(local_service._services().all())


def test_a_name_is_taken_until_it_is_overwritten(ws: Workspace, runs: Standin) -> None:
    deployed(ws)
    with pytest.raises(WebserviceException, match="there is already a service with name mysvc"):
        deployed(ws)
    with pytest.raises(WebserviceException, match="there is already a service"):
        Webservice.check_for_existing_webservice(ws, "mysvc")
    Webservice.check_for_existing_name(ws, "mysvc", overwrite=True)
    assert deployed(ws, overwrite=True).state == "running"
    assert "make mysvc" in runs.calls


def test_services_of_this_machine_are_found(ws: Workspace, runs: Standin) -> None:
    deployed(ws, models=["my_model.pkl"])
    deployed(ws, "other", deployment_config=LocalWebservice.deploy_configuration(9003))
    assert runs.calls
    assert ws.webservices["mysvc"].get_logs() == "one\ntwo\n"
    found = Webservice(ws, "mysvc")
    assert isinstance(found, LocalWebservice)
    assert found.port == 9001
    assert [one.name for one in Webservice.list(ws)] == ["mysvc", "other"]
    assert [one.name for one in Webservice.list(ws, model_name="my_model.pkl")] == ["mysvc"]
    assert [one.name for one in Webservice.list(ws, model_id="my_model.pkl:1")] == ["mysvc"]
    assert Webservice.list(ws, image_name="x") == Webservice.list(ws, compute_type="AKS") == []
    assert LocalWebservice(ws, "mysvc").name == "mysvc"
    for type_ in (Webservice, LocalWebservice):
        with pytest.raises(WebserviceException, match="WebserviceNotFound"):
            type_(ws, "none")


def test_what_does_not_come_up_is_told_when_it_is_waited_for(
    ws: Workspace, runs: Standin, capsys: pytest.CaptureFixture[str]
) -> None:
    fails(runs)
    service = deployed(ws)
    assert (service.state, service.error["reason"]) == ("failed", Reason.CONTAINER_EXITED)
    with pytest.raises(WebserviceException) as caught:
        service.wait_for_deployment(show_output=True)
    begin = "Error: Container has crashed. Did your init method fail?\nContainerExited: "
    assert caught.value.message.startswith(begin)
    assert "KeyError: 'columns'" in capsys.readouterr().out
    with pytest.raises(WebserviceException, match=r"Cannot call run\(\) when service is failed"):
        service.run("x")
    assert "KeyError" in service.get_logs()


def test_what_ended_later_is_told_as_well(ws: Workspace, runs: Standin) -> None:
    service = deployed(ws)
    runs.exit = Exit(1, "")
    with pytest.raises(WebserviceException, match="It has ended"):
        service.wait_for_deployment()


def test_an_update_that_does_not_come_up(ws: Workspace, runs: Standin) -> None:
    service = deployed(ws)
    fails(runs)
    service.update(models=["my_model.pkl"])
    assert service.state == "failed"
    with pytest.raises(WebserviceException, match="Container has crashed"):
        service.wait_for_deployment()


def test_what_cannot_be_made_is_told_at_once(ws: Workspace, runs: Standin, here: Path) -> None:
    (here / "score.py").write_text("def init(:\n")
    with pytest.raises(WebserviceException, match=r"score\.py:1"):
        deployed(ws)
    assert Webservice.list(ws) == []
    assert not runs.calls


def test_no_docker_is_told_in_v1s_words(
    ws: Workspace, runs: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*_: object) -> str:
        raise refusal(Reason.ENGINE_UNREACHABLE, "No engine.", "Start it.")

    monkeypatch.setattr(runs, "make", make)
    with pytest.raises(WebserviceException, match="Is Docker running/installed") as caught:
        deployed(ws)
    assert "FAIRLEAD_LOCAL_CONTAINER=0" in caught.value.message


def test_a_request_that_fails_shows_its_answer(
    ws: Workspace, runs: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = deployed(ws)
    monkeypatch.setattr(scoring, "ask", answers(500, b"run() raised KeyError"))
    with pytest.raises(WebserviceException) as caught:
        service.run("x")
    assert caught.value.message.startswith("Error: Scoring was unsuccessful.\n")
    assert "run() raised KeyError" in caught.value.message
    assert "two" in caught.value.message
    assert runs.calls


def test_a_reload_that_fails(
    ws: Workspace, runs: Standin, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = deployed(ws)
    (here / "myenv.yml").write_text("dependencies: [{pip: [numpy==2.3.4]}]\n")
    service.reload(wait=True)

    def nobody(_: int) -> Mapping[str, Any]:
        raise NoAnswerError("refused")

    monkeypatch.setattr(lifecycle, "reload_script", nobody)
    (here / "score.py").write_text(f"{SCRIPT}X = 1\n")
    with pytest.raises(WebserviceException, match="The script was not loaded"):
        service.reload()
    assert runs.calls


def test_a_changed_conda_file_is_named_at_a_reload(
    ws: Workspace, runs: Standin, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = deployed(ws)
    (here / "myenv.yml").write_text("dependencies: [{pip: [numpy==2.3.4]}]\n")
    service.reload()
    assert "myenv.yml has changed, too" in capsys.readouterr().out
    assert runs.calls


def test_calls_on_what_is_gone(ws: Workspace, runs: Standin) -> None:
    service = deployed(ws)
    service.delete()
    for call in (service.reload, service.update, service.delete, service.get_logs):
        with pytest.raises(WebserviceException, match=r"Cannot call \w+\(\) when service is delet"):
            call()
    with pytest.raises(WebserviceException, match="when service is deleted"):
        service.wait_for_deployment()
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        service.update_deployment_state(must_exist=True)
    service.update_deployment_state()
    assert service.error is None
    assert runs.calls


def test_there_are_no_keys_here(ws: Workspace, runs: Standin) -> None:
    service = deployed(ws)
    for call in (service.get_keys, service.get_token, service.get_access_token):
        with pytest.raises(NotImplementedError):
            call()
    with pytest.raises(NotImplementedError):
        service.regen_key("Primary")
    assert runs.calls


@pytest.mark.parametrize(("value", "mode"), [("0", Mode.MACHINE), ("1", Mode.CONTAINER)])
def test_where_it_runs(
    ws: Workspace, runs: Standin, monkeypatch: pytest.MonkeyPatch, value: str, mode: Mode
) -> None:
    monkeypatch.setenv("FAIRLEAD_LOCAL_CONTAINER", value)
    deployed(ws)
    assert [one.mode for one in lifecycle_services()] == [mode]
    assert runs.calls


def test_a_broken_record_is_an_unknown_state(ws: Workspace, runs: Standin) -> None:
    service = deployed(ws)
    from fairlead.azureml import local_service

    (local_service._folder("mysvc") / "service.json").write_text("{")
    assert service.state == "unknown"
    assert runs.calls


def test_what_a_local_service_cannot_have(ws: Workspace, runs: Standin) -> None:
    gpu = config(enable_gpu=True, base_image="cuda:1")
    with pytest.raises(UnsupportedError, match="Local web services do not support GPUs"):
        deployed(ws, inference_config=gpu)
    more = ContainerImage.image_configuration("score.py", "python", dependencies=["myenv.yml"])
    with pytest.raises(UnsupportedError, match="source_directory"):
        Webservice.deploy_local_from_model(ws, "mysvc", [], more)
    with pytest.raises(UnsupportedError, match=r"Model\.deploy"):
        Webservice.deploy_from_image(ws, "mysvc", None, LocalWebservice.deploy_configuration())
    assert not runs.calls


def test_the_other_ways_to_deploy(ws: Workspace, runs: Standin) -> None:
    image = ContainerImage.image_configuration("score.py", "python", conda_file="myenv.yml")
    port = LocalWebservice.deploy_configuration(9005)
    assert Webservice.deploy(ws, "one", ["my_model.pkl"], image, port).state == "running"
    assert Webservice.deploy_from_model(ws, "two", [], image, port).state == "running"
    assert Webservice.deploy_local_from_model(ws, "three", [], image, wait=True).state == "running"
    assert len(runs.calls) == 6


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ("my_model.pkl", "models is a list"),
        ([1], "1 is no model"),
        (["nothing"], "There is no model nothing"),
        (["my_model.pkl", "my_model.pkl"], "given twice"),
    ],
)
def test_models_that_are_none(ws: Workspace, runs: Standin, models: Any, said: str) -> None:
    with pytest.raises(WebserviceException, match=said):
        deployed(ws, models=models)
    assert not runs.calls


@pytest.mark.parametrize("given", [{"name": "My_Svc"}, {"deployment_config": 8890}])
def test_what_cannot_be_deployed(ws: Workspace, runs: Standin, given: dict[str, Any]) -> None:
    with pytest.raises(WebserviceException):
        deployed(ws, **given)
    assert not runs.calls


def test_the_cluster_needs_a_cluster(ws: Workspace, runs: Standin) -> None:
    for knobs in (None, AksWebservice.deploy_configuration()):
        with pytest.raises(UnsupportedError, match="workspace without a cluster"):
            deployed(ws, deployment_config=knobs)
    assert not runs.calls
