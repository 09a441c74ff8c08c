"""Children that others change, and what the operator applies again: counted in its log."""

from fairlead.api.refs import Manifest
from tests.e2e_process.scene import Scene

SLOW = "import time\n\n\ndef init():\n    time.sleep(4)\n\n\ndef run(data):\n    return data\n"


def applied(scene: Scene) -> int:
    """How often the operator has applied something here."""
    lines = scene.operator.whole_log().splitlines()
    return sum("applied " in line and f"{scene.namespace}/" in line for line in lines)


def environment(scene: Scene) -> dict[str, str | None]:
    container = scene.get("deployment")["spec"]["template"]["spec"]["containers"][0]
    return {variable["name"]: variable.get("value") for variable in container["env"]}


def rolled_out(deployment: Manifest) -> bool:
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = {status.get(name) for name in ("replicas", "updatedReplicas", "readyReplicas")}
    return seen and counts == {wanted}


def test_what_others_add_stays_and_what_they_take_is_put_right(scene: Scene) -> None:
    scene.image()
    scene.service(environmentVariables={"EMPTY": "", "PLAIN": "one"}, replicas=2)
    scene.reason("webservice", "Serving")
    count = applied(scene)
    scene.kubectl("set", "env", "deployment/diabetes", "EXTRA=1")
    scene.kubectl("annotate", "deployment", "diabetes", "example.com/note=x")
    scene.until(lambda: scene.get("deployment"), rolled_out)
    scene.reason("webservice", "Serving")
    assert (environment(scene)["EXTRA"], environment(scene)["EMPTY"]) == ("1", None)
    assert applied(scene) == count
    scene.kubectl("set", "env", "deployment/diabetes", "EMPTY=full", "PLAIN=two")
    scene.until(
        lambda: environment(scene), lambda seen: (seen["EMPTY"], seen["PLAIN"]) == (None, "one")
    )
    scene.kubectl("scale", "deployment", "diabetes", "--replicas=3")
    scene.until(lambda: scene.get("deployment")["spec"]["replicas"], lambda number: number == 2)
    assert environment(scene)["EXTRA"] == "1"
    scene.until(lambda: scene.get("deployment"), rolled_out)
    scene.reason("webservice", "Serving")
    settled = applied(scene)
    scene.operator.restart()  # whatever it remembered is gone
    scene.image({"score.py": SLOW})
    built = scene.until(
        lambda: scene.get("inferenceimage")["status"], lambda status: status["version"] == 2
    )
    scene.until(
        lambda: scene.get("webservice")["status"]["revision"]["active"],
        lambda active: active.endswith(built["imageDigest"]),
    )
    assert applied(scene) == settled + 1  # for the new image, and for nothing else
