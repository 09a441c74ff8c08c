"""Tasks as processes, environments by Docker Engine: steps that run, builds that end early.

No pod has a part in it, so an API server of their own is enough, beside the scenes.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.api.refs import Manifest
from tests.cluster import Cluster
from tests.cluster.installation import grant
from tests.cluster.places import places
from tests.control_plane import ControlPlane
from tests.e2e.file_server import FileServer
from tests.e2e.scene import SCRIPT, condition
from tests.e2e_process.scene import Scene
from tests.plain_http import CLIENT

STEPS = "Dockerfile.steps"
FILE = {"dockerFile": STEPS}


@pytest.fixture(scope="module")
def site(
    cluster: Cluster, api_server: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Cluster, Path]:
    """The cluster's registry and base image, and objects elsewhere."""
    kubeconfig = tmp_path_factory.mktemp("rights") / "kubeconfig"
    rights = grant(api_server.run_kubectl, places().checkout, kubeconfig)
    return replace(cluster, kubeconfig=api_server.kubeconfig), rights


def with_steps(steps: str, **others: str) -> dict[str, str]:
    return {"score.py": SCRIPT, STEPS: steps, **others}


def test_the_build_log_opens_with_plain_curl(scene: Scene) -> None:
    scene.image(with_steps("RUN true\n"), **FILE)
    build = scene.reason("inferenceimage", "Built")["build"]
    assert build["engine"] == "docker"
    place = f"/inferenceimages/{scene.namespace}/diabetes/builds/{build['id']}/log"
    assert build["logUri"] == f"{scene.operator.logs_at}{place}"
    log = CLIENT.get(build["logUri"]).text
    assert "FROM " in log  # the Dockerfile that stands for the build


def test_a_step_that_fails_is_told_by_its_line_and_its_log_is_kept(scene: Scene) -> None:
    scene.image(with_steps("RUN true\nRUN no-such-program --at-all\n"), **FILE)
    failure = scene.reason("inferenceimage", "StepFailed")["failure"]
    assert "Dockerfile.steps:2" in failure["message"]
    assert "no-such-program" in failure["message"]
    assert failure["remedy"]
    kept = CLIENT.get(f"http://localhost:5000/v2/{scene.namespace}/diabetes/tags/list")
    assert kept.json()["tags"] == ["log-1-1"]


def test_docker_engine_tries_an_image_and_measures_it_where_that_is_asked_for(scene: Scene) -> None:
    sample = {"sample": {"inline": '{"data": [[1, 2]]}'}}
    bad = SCRIPT.replace("return data", "return data['rows']")
    scene.image({"score.py": bad}, smokeTest=sample)
    failure = scene.reason("inferenceimage", "UserScriptRunFailed")["failure"]
    assert failure["location"] == "score.py:6"
    assert failure["message"].startswith("Smoke test: run() raised ")

    profile = {"cpu": "500m", "memory": "512Mi", "requests": 20, "seconds": 200}
    scene.image({"score.py": SCRIPT}, smokeTest=sample, profile=profile)
    status = scene.reason("inferenceimage", "Built")
    assert status["build"]["smokeTest"] == "Passed"

    def is_measured(seen: Manifest) -> bool:
        return bool(condition(seen["status"], "Profiled")["reason"] == "Profiled")

    status = scene.until(lambda: scene.get("inferenceimage"), is_measured)["status"]
    assert (status["profile"]["requests"], status["profile"]["errors"]) == (20, 0)


def test_an_index_that_is_down_is_not_the_users_fault_and_is_tried_again(scene: Scene) -> None:
    scene.operator.restart(FAIRLEAD_PACKAGE_INDEX="http://127.0.0.1:9/simple")
    pinned = {"score.py": SCRIPT, "requirements.txt": "six==1.17.0\n"}
    scene.image(pinned, requirementsFile="requirements.txt")
    failure = scene.reason("inferenceimage", "PackageIndexUnreachable")["failure"]
    assert (failure["class"], "nextRetryAt" in failure) == ("Network", True)
    scene.operator.restart()
    status = scene.reason("inferenceimage", "Built")
    assert status["version"] == 1
    assert int(status["build"]["id"].partition("-")[2]) > 1


def test_images_of_one_environment_build_it_once(scene: Scene) -> None:
    names = ("one", "two", "three")
    with FileServer(scene.cluster.gateway).serving() as server:
        steps, gate = server.step_that_waits()
        for name in names:
            scene.image(with_steps(steps, **{"name.txt": name}), name, **FILE)
        scene.until(
            lambda: [scene.columns("inferenceimage", name)["REASON"] for name in names],
            lambda seen: seen.count("WaitingForSharedEnvironment") == 2,
        )
        gate.set()
        seen = [scene.reason("inferenceimage", "Built", name) for name in names]
        assert len(server.requests) == 1
    assert len({status["environment"]["image"] for status in seen}) == 1
    repository = f"http://localhost:5000/v2/{scene.namespace}/fairlead/environments/tags/list"
    tags = CLIENT.get(repository).json()["tags"]
    assert len([tag for tag in tags if not tag.startswith(("log-", "lock-"))]) == 1


def test_an_image_that_is_deleted_while_it_builds_ends_its_build(scene: Scene) -> None:
    scene.image(with_steps("RUN sleep 300\n"), **FILE)
    scene.reason("inferenceimage", "BuildingEnvironment")
    scene.until(scene.containers, lambda names: any("sleep 300" in name for name in names))
    scene.kubectl("delete", "inferenceimage", "diabetes", "--timeout=30s")
    scene.until(scene.containers, lambda names: not any("sleep 300" in name for name in names))
    scene.image(name="next")
    scene.reason("inferenceimage", "Built", "next")


def test_a_build_whose_inputs_moved_on_is_ended(scene: Scene) -> None:
    scene.image(with_steps("RUN sleep 301\n"), **FILE)
    scene.until(scene.containers, lambda names: any("sleep 301" in name for name in names))
    scene.image()
    scene.until(scene.containers, lambda names: not any("sleep 301" in name for name in names))
    assert scene.reason("inferenceimage", "Built")["version"] == 2
