"""An image is tried in a pod of its own before it has a tag; what served stays until it passes. And
it is measured in another, while it serves."""

from fairlead.api.refs import Manifest
from tests.e2e.scene import Scene, condition
from tests.plain_http import CLIENT

BAD_INIT = "def init():\n    raise ValueError('bad weights')\n\n\ndef run(data):\n    return data\n"
BAD_RUN = "def init():\n    pass\n\n\ndef run(data):\n    return {}['bias']\n"
WITH_SAMPLE: Manifest = {"smokeTest": {"sample": {"inline": '{"data": [[1, 2]]}'}}}
PROFILE: Manifest = {"cpu": "200m", "memory": "256Mi", "requests": 20, "seconds": 200}
TRIED: Manifest = {"smokeTest": {"enabled": True}}


def tags(scene: Scene) -> set[str]:
    """Of the image's repository, but for those of logs."""
    answer = CLIENT.get(f"http://localhost:5000/v2/{scene.namespace}/diabetes/tags/list")
    return {tag for tag in answer.json()["tags"] if not tag.startswith("log-")}


def test_a_script_that_fails_is_told_with_its_line_and_what_served_stays(scene: Scene) -> None:
    scene.image(**WITH_SAMPLE)
    scene.service()
    status = scene.reason("inferenceimage", "Built")
    assert condition(status, "Assembled")["message"].endswith("Its smoke test has passed.")
    assert status["build"]["smokeTest"] == "Passed"
    good = status["imageDigest"]
    scene.reason("webservice", "Serving")

    assert_is_measured(scene, good)

    scene.image({"score.py": BAD_INIT}, **TRIED)
    status = scene.reason("inferenceimage", "UserScriptInitFailed")
    failure = status["failure"]
    assert failure["location"] == "score.py:2"
    assert failure["message"] == (
        "Smoke test: init() raised ValueError at score.py:2: bad weights "
        "Version 2 failed; version 1 stays in use."
    )
    assert "raise ValueError('bad weights')" in failure["logTail"]
    assert "score.py" in scene.operator.build_log(failure["logUri"])

    scene.image({"score.py": BAD_RUN}, **WITH_SAMPLE)
    status = scene.reason("inferenceimage", "UserScriptRunFailed")
    assert status["failure"]["location"] == "score.py:6"
    assert "run() raised KeyError at score.py:6 for the sample" in status["failure"]["message"]
    assert (status["version"], status["imageDigest"]) == (1, good)
    assert tags(scene) == {"1"}
    status = scene.reason("webservice", "Serving")
    assert status["revision"]["active"].endswith(good)
    assert status["revision"]["target"].endswith(good)


def assert_is_measured(scene: Scene, digest: str) -> None:
    """The image with ``digest`` serves meanwhile."""
    before = {pod["metadata"]["uid"] for pod in scene.pods()}
    scene.image(**WITH_SAMPLE, profile=PROFILE)

    def is_measured(seen: Manifest) -> bool:
        return bool(condition(seen["status"], "Profiled")["reason"] == "Profiled")

    status = scene.until(lambda: scene.get("inferenceimage"), is_measured)["status"]
    found = status["profile"]
    assert (found["imageDigest"], found["requests"], found["errors"]) == (digest, 20, 0)
    assert 0 < found["latencyMilliseconds"]["p50"] <= found["latencyMilliseconds"]["p999"]
    assert found["recommended"].keys() == {"cpu", "memory"}, found
    assert found["given"] == {"cpu": "200m", "memory": "256Mi"}
    assert (status["version"], status["imageDigest"]) == (1, digest)
    assert condition(status, "Ready")["reason"] == "Built"
    assert {pod["metadata"]["uid"] for pod in scene.pods()} == before
