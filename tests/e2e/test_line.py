"""The line, once, as a user goes it: the example's three manifests become a scored request."""

import json
from pathlib import Path

import httpx
import pytest

from fairlead.api.refs import Manifest
from tests.cluster.demo import REQUEST, train
from tests.cluster.places import places
from tests.e2e.scene import Scene, condition, score

EXAMPLE = Path(__file__).parents[2] / "examples/diabetes"
KINDS = ("model", "inferenceimage", "webservice")
CHILDREN = ("deployment", "service", "poddisruptionbudget")


@pytest.fixture(scope="module")
def line(stage: Scene) -> Scene:
    """The example, applied as its README says, and waited for, where only restricted pods may
    run."""
    stage.let_in_restricted_pods_alone()
    train(places(), EXAMPLE)
    stage.kubectl("apply", "-k", str(EXAMPLE))
    stage.reason("webservice", "Serving")
    stage.reason("inferenceimage", "Built")  # it serves by its digest before it has its tag
    return stage


def version_of(seen: Manifest) -> str:
    if seen["kind"] != "Webservice":
        return str(seen["metadata"]["resourceVersion"])
    status = {k: v for k, v in seen["status"].items() if k not in ("capacity", "display")}
    return json.dumps([seen["metadata"]["generation"], seen["spec"], status], sort_keys=True)


def versions_of(scene: Scene) -> dict[str, str]:
    """Every object of the line, and the version of it that the API server has; of the Webservice
    all but what requests did, which its status tells once a minute."""
    objects = [*scene.items(",".join(KINDS)), *scene.items(",".join(CHILDREN))]
    return {
        f"{seen['kind']} {seen['metadata']['uid']}": version_of(seen)
        for seen in objects
        if seen["kind"] != "Deployment"  # its status counts seconds
    }


def test_the_guides_request_is_answered_with_a_prediction(line: Scene) -> None:
    answer = score(line.address(), REQUEST)
    assert answer.status_code == httpx.codes.OK
    predictions = json.loads(answer.json())["result"]  # v1: a JSON string in JSON
    assert [round(prediction) for prediction in predictions] == [6783, 4073]


def test_a_person_sees_at_a_glance_that_all_is_well(line: Scene) -> None:
    model, image, service = (line.columns(kind) for kind in KINDS)
    assert model.items() >= {"READY": "True", "REASON": "Stored", "VERSION": "1"}.items()
    assert model["SIZE"].removesuffix("B").isdigit()
    assert image.items() >= {"READY": "True", "REASON": "Built"}.items()
    assert image["IMAGE"] == f"localhost:5000/{line.namespace}/diabetes:1"
    assert image["BUILD"].endswith("s")
    assert (
        service.items()
        >= {
            "READY": "True",
            "REASON": "Serving",
            "STATE": "Healthy",
            "REPLICAS": "2/2",
            "URI": "http://localhost:30080/score",
        }.items()
    )


def test_every_condition_speaks_of_the_generation_it_has_seen(line: Scene) -> None:
    for kind in KINDS:
        seen = line.get(kind)
        generation = seen["metadata"]["generation"]
        assert seen["status"]["observedGeneration"] == generation
        assert {c["observedGeneration"] for c in seen["status"]["conditions"]} == {generation}
        assert not condition(seen["status"], "Reconciling")["reason"]
        assert "failure" not in seen["status"]


def test_the_way_is_told_by_events(line: Scene) -> None:
    for reason in ("BuildingEnvironment", "EnvironmentBuilt", "Assembling", "Built"):
        assert line.told("InferenceImage", f"Normal {reason}: ")
    assert line.told("Webservice", "Normal Serving: ")


def test_the_build_log_opens_with_kubectl(line: Scene) -> None:
    build = line.get("inferenceimage")["status"]["build"]
    assert build["engine"] == "pod"
    place = f"/namespaces/{line.namespace}/inferenceimages/diabetes/builds/{build['id']}/log"
    assert place in build["logUri"]
    assert "scikit-learn" in line.operator.build_log(build["logUri"])


def test_its_environment_was_built_in_a_pod_where_foreign_code_is_by_itself(line: Scene) -> None:
    [pod] = line.items("pods", labels="app.kubernetes.io/component=environment")
    assert [one["name"] for one in pod["spec"]["containers"]] == ["install", "task"]


def test_the_pods_run_restricted_and_without_a_token(line: Scene) -> None:
    [pod, *_] = line.pods()
    [container] = pod["spec"]["containers"]
    assert container["image"].startswith(f"localhost:5000/{line.namespace}/diabetes@sha256:")
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_same_manifests_applied_again_do_nothing_at_all(line: Scene) -> None:
    before, log = versions_of(line), line.operator.whole_log()
    line.kubectl("apply", "-k", str(EXAMPLE))
    canary = Scene(line.cluster, line.operator, line.namespace)
    canary.service("canary", imageRef={"name": "nobody"})  # looked at after the others
    canary.reason("webservice", "ImageNotFound", "canary")
    canary.kubectl("delete", "webservice", "canary")
    assert {key: versions_of(line)[key] for key in before} == before
    news = line.operator.whole_log().removeprefix(log)
    assert f"{line.namespace}/diabetes " not in news


def test_a_changed_script_is_the_next_version_and_the_old_pods_serve_until_it_does(
    line: Scene,
) -> None:
    address, old = line.address(), {pod["metadata"]["name"] for pod in line.pods()}
    script = (EXAMPLE / "score.py").read_text().replace('"result"', '"prediction"')
    line.config_map(
        "diabetes-code", score__py=script, myenv__yml=(EXAMPLE / "myenv.yml").read_text()
    )

    def asked() -> str:
        answer = score(address, REQUEST)
        assert answer.status_code == httpx.codes.OK, answer.text  # never an interruption
        return str(answer.json())

    line.until(asked, lambda text: "prediction" in text)
    status = line.reason("webservice", "Serving")
    assert line.columns("inferenceimage")["IMAGE"].endswith(":2")
    line.until(
        lambda: {pod["metadata"]["name"] for pod in line.pods()},
        lambda names: not names & old,
    )
    assert status["revision"]["active"] == status["revision"]["target"]


def test_a_child_that_somebody_deleted_or_edited_comes_back(line: Scene) -> None:
    before: Manifest = line.get("service")
    line.kubectl("delete", "service", "diabetes")
    line.kubectl("patch", "deployment", "diabetes", "-p", '{"spec": {"replicas": 1}}')
    line.until(lambda: line.items("service"), lambda seen: seen and seen[0] != before)
    line.until(lambda: line.get("deployment"), lambda seen: seen["spec"]["replicas"] == 2)
    line.reason("webservice", "Serving")


def test_a_status_that_was_lost_is_recovered_from_the_registry(line: Scene) -> None:
    was = line.get("inferenceimage")["status"]
    for kind in ("model", "inferenceimage"):
        empty = '{"status": null}'
        line.kubectl("patch", kind, "diabetes", "--subresource=status", "--type=merge", "-p", empty)
    model = line.until(
        lambda: line.get("model")["status"], lambda status: status.get("latestVersion")
    )
    assert [version["version"] for version in model["versions"]] == [1]
    image = line.until(
        lambda: line.get("inferenceimage")["status"], lambda status: status.get("imageDigest")
    )
    assert (image["version"], image["imageDigest"]) == (was["version"], was["imageDigest"])
