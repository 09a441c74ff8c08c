"""`fairlead deploy`, `delete`, `scale`, `rollback`, `keys`, `export` and `doctor`."""

import base64
import json
import re
import threading
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from fairlead.api.meta import GROUP
from fairlead.cli import exit_codes
from fairlead.cli.app import app
from fairlead.cli.progress import Progress
from fairlead.remote import deploying, rotation
from fairlead.remote.plain_manifests import DEPLOYED_FOR
from fairlead.remote.rollback import ROLLED_BACK
from tests.unit.remote.fake_api import FakeApi
from tests.unit.remote.objects import FAILURE, ready

pytestmark = pytest.mark.usefixtures("config")
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
OURS = "/apis/fairlead.dev/v1alpha1/namespaces/default"
CORE = "/api/v1/namespaces/default"
CONFIG_MAPS = {"name": "configmaps", "kind": "ConfigMap", "namespaced": True}


def run(*words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(words), **more)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PERIOD_S", 0.05), ("SETTLE_S", 0.1)):
        monkeypatch.setattr(f"fairlead.remote.waiting.{name}", value)
    monkeypatch.setattr("fairlead.cli.deploy_command.FAIL_DOUBT_S", 0.0)
    monkeypatch.setattr(rotation, "PERIOD_S", 0.05)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "score.py").write_text(SCRIPT)
    (tmp_path / "m.pkl").write_bytes(b"\x80model")
    return tmp_path


@pytest.fixture
def operator(api: FakeApi) -> FakeApi:
    """As if one looked at all that is there whenever somebody asks."""
    api.answers["GET", "/api/v1"] = (200, {"resources": [CONFIG_MAPS]})

    def look(api: FakeApi) -> None:
        for path, one in list(api.objects.items()):
            if f"/{GROUP}/" in path:
                one["status"] = {**ready(), **STATUSES[one["kind"]]}
                one["status"]["observedGeneration"] = one["metadata"].get("generation", 1)

    api.on_get = look
    return api


STATUSES: dict[str, dict[str, Any]] = {
    "Model": {"latestVersion": 4},
    "InferenceImage": {"imageDigest": "sha256:ab", "imageLocation": "r:5000/credit:2"},
    "Webservice": {
        "revision": {"active": "r:5000/credit:2@sha256:ab", "target": "r:5000/credit:2@sha256:ab"},
        "scoringUri": "http://credit.default.svc/score",
    },
}


def deploy(files: Path, *more: str) -> Result:
    script = ["--entry-script", str(files / "score.py")]
    return run("deploy", "credit", *script, "--model", f"w={files / 'm.pkl'}", *more)


# --- deploy


def test_deploy_of_plain_files(operator: FakeApi, files: Path) -> None:
    done = deploy(files, "--replicas", "2", "--env", "A=1")
    assert done.exit_code == 0, done.output
    assert "'credit' serves at http://credit.default.svc/score" in done.stdout
    assert "Webservice 'credit' created." in done.output
    image = operator.objects[f"{OURS}/inferenceimages/credit"]["spec"]
    assert image["source"] == {"inline": {"files": {"score.py": SCRIPT}}}
    assert image["models"] == [{"name": "credit-w", "version": 4}]
    assert image["environmentVariables"] == {"A": "1"}
    service = operator.objects[f"{OURS}/webservices/credit"]
    assert service["spec"] == {"imageRef": {"name": "credit"}, "replicas": 2}
    [name] = [path for path in operator.objects if "/configmaps/" in path]
    data = operator.objects[name]["binaryData"]
    assert base64.b64decode(data["m.pkl"]) == b"\x80model"
    assert "fieldManager=fairlead-cli&fieldValidation=Strict" in operator.requests("PATCH")[0]
    assert "force" not in operator.requests("PATCH")[0]
    (files / "m.pkl").write_bytes(b"other")
    done = deploy(files, "--force-conflicts")
    assert "force=true" in operator.requests("PATCH")[-1]
    assert name not in operator.objects  # nothing names it any more
    assert sum("/configmaps/" in path for path in operator.objects) == 1


def test_deploy_for_machines(operator: FakeApi, files: Path) -> None:
    told = json.loads(deploy(files, "-o", "json").stdout)
    assert told["services"] == [
        {
            "name": "credit",
            "namespace": "default",
            "scoringUri": "http://credit.default.svc/score",
        }
    ]
    assert "webservice.fairlead.dev/credit" in deploy(files, "-o", "name").stdout
    done = deploy(files, "--no-wait")
    assert "Applied. To wait for it: fairlead wait credit" in done.stdout
    assert operator.asked


def test_deploy_to_a_cluster_without_our_kinds(operator: FakeApi, files: Path) -> None:
    operator.has_definitions = False
    done = deploy(files)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "DefinitionsMissing: The cluster of context 'test' does not know" in flat(done.output)
    assert "Remedy: Install Fairlead's chart in this cluster" in flat(done.output)


def test_deploy_to_a_cluster_with_older_definitions(operator: FakeApi, files: Path) -> None:
    """In the words, and with the code, of a real API server."""
    what = "(default/credit; fairlead.dev/v1alpha1, Kind=Webservice)"
    said = f"failed to create typed patch object {what}: .spec.replicas: field not declared in"
    operator.refuse("PATCH", f"{OURS}/webservices/credit", 500, f"{said} schema")
    done = deploy(files, "--replicas", "2")
    assert done.exit_code == exit_codes.FAILED
    assert ".spec.replicas: field not declared in schema" in flat(done.output)
    assert "definitions older than this program: `fairlead doctor` tells" in flat(done.output)


def test_deploy_where_no_operator_looks(
    api: FakeApi, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.remote.waiting.UNSEEN_S", 0)
    api.answers["GET", "/api/v1"] = (200, {"resources": [CONFIG_MAPS]})
    done = deploy(files, "--timeout", "0.1")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "OperatorAbsent" in done.output
    assert "no operator has looked at it in" in flat(done.output)
    assert "Warning: the operator has not looked at Model 'credit-w'" in flat(done.output)


def test_deploy_shows_what_it_would_apply(api: FakeApi, files: Path) -> None:
    whole = list(yaml.safe_load_all(deploy(files, "--dry-run").stdout))
    kinds = ["ConfigMap", "Model", "InferenceImage", "Webservice"]
    assert [one["kind"] for one in whole] == kinds
    assert json.loads(deploy(files, "--dry-run", "-o", "json").stdout)["items"] == whole
    assert len(deploy(files, "--dry-run", "-o", "name").stdout.splitlines()) == 4
    assert api.asked == []


def test_deploy_of_manifests(operator: FakeApi, tmp_path: Path) -> None:
    image = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "InferenceImage"}
    service = {**image, "kind": "Webservice", "metadata": {"name": "credit"}}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "files"}}
    documents = [
        {**service, "spec": {"imageRef": {"name": "credit"}}},
        {**image, "metadata": {"name": "credit", "namespace": "default"}, "spec": {}},
        {**config_map, "data": {"a": "b"}},
    ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(documents))
    done = run("deploy", "-f", str(tmp_path / "all.yaml"))
    assert done.exit_code == 0, done.output
    plurals = [path.rpartition("/")[0].rpartition("/")[2] for path in operator.requests("PATCH")]
    assert plurals == ["configmaps", "inferenceimages", "webservices"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The files hold no object"),
        ("kind: Webservice", "an object has no apiVersion, or no kind"),
        ("{apiVersion: v1, kind: ConfigMap}", "a ConfigMap has no metadata.name"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: 3}}", "has no metadata.name"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: ../x}}", "no metadata.name that can"),
        ("{apiVersion: v1, kind: Nothing, metadata: {name: x}}", "has no kind Nothing in v1"),
        ("{apiVersion: ../v1, kind: X, metadata: {name: x}}", "cannot be an apiVersion"),
        ("a: [", "a manifest is YAML"),
    ],
)
@pytest.mark.usefixtures("operator")
def test_wrong_manifests(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text)
    done = run("deploy", "-f", str(tmp_path / "a.yaml"))
    assert done.exit_code == exit_codes.FAILED
    assert words in flat(done.output)


def test_a_failure_ends_it_with_the_operators_finding(operator: FakeApi, files: Path) -> None:
    failure = {**FAILURE, "class": "Network"}
    status = ready("False", FAILURE["reason"], "m", failure=failure, stalled=True)

    def look(api: FakeApi) -> None:
        for one in list(api.objects.values()):
            if one["kind"] == "InferenceImage":
                one["status"] = status
            elif one["kind"] == "Model":
                one["status"] = {**ready(), "latestVersion": 1}

    operator.on_get = look
    done = deploy(files)
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "ModelFileNotFound: InferenceImage 'credit': init() raised" in flat(done.output)
    told = json.loads(deploy(files, "-o", "json").stdout)["failure"]
    assert told["location"] == "score.py:12"
    assert told["restarts"] == "4"


def test_what_fails_of_the_image_before_is_waited_for(operator: FakeApi) -> None:
    """The service is Stalled because of an image that is being replaced."""
    service = ready("False", "UserScriptInitFailed", "old", failure=FAILURE, stalled=True)
    looks = 0

    def look(api: FakeApi) -> None:
        nonlocal looks
        looks += 1
        digest = "sha256:ab" if looks > 12 else "sha256:aa"
        image = ready() if looks > 12 else ready("Unknown", "Assembling")
        api.ours("InferenceImage", status={**image, "imageDigest": digest})
        status = {**ready(), **STATUSES["Webservice"]} if looks > 20 else service
        api.ours("Webservice", spec={"imageRef": {"name": "credit"}}, status=status)

    operator.on_get = look
    done = run("wait", "credit")
    assert done.exit_code == 0, done.output


def test_the_log_of_a_build_is_shown_meanwhile(
    operator: FakeApi, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/api/v1/namespaces/f/services/l/proxy/namespaces/default/inferenceimages/credit/builds"
    uri = f"{path}/1-1/log?key=a"
    operator.logs[f"{uri}&follow=1"] = b"Collecting \x1b[2Jnumpy\n"
    shown = threading.Event()
    whole, write = operator.on_get, Progress.write

    def written(progress: Progress, text: str) -> None:
        write(progress, text)
        shown.set()

    monkeypatch.setattr(Progress, "write", written)

    def look(api: FakeApi) -> None:
        whole(api)
        for one in api.objects.values():
            if one["kind"] == "InferenceImage" and not shown.is_set():
                build = {"id": "1-1", "phase": "Environment", "logUri": uri}
                one["status"] = {**ready("Unknown", "BuildingEnvironment"), "build": build}

    operator.on_get = look
    done = deploy(files, "--verbose", "--timeout", "120")
    assert done.exit_code == 0, done.output
    assert "BuildingEnvironment" in done.output
    assert "Collecting numpy" in done.output


def test_ctrl_c_says_what_is_there(
    operator: FakeApi, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deploying.Deployment, "await_all", interrupted)
    done = deploy(files)
    assert done.exit_code == exit_codes.INTERRUPTED
    assert "Webservice 'credit'. `fairlead wait credit` waits on" in flat(done.output)
    assert operator.asked


def test_fields_of_others_are_a_finding(operator: FakeApi, files: Path) -> None:
    path = f"{OURS}/webservices/credit"
    operator.refuse("PATCH", path, 409, 'conflict with "argocd-controller": .spec.replicas')
    done = deploy(files)
    assert done.exit_code == exit_codes.FAILED
    assert "FieldConflict: Applying Webservice 'credit': conflict with" in flat(done.output)
    operator.refuse("PATCH", path, 422, "spec.replicas: too many")
    assert "Invalid: Applying Webservice 'credit': spec.replicas" in flat(deploy(files).output)


def test_files_that_objects_cannot_hold(files: Path) -> None:
    (files / "m.pkl").write_bytes(bytes(2 * 1024**2))
    done = deploy(files, "--dry-run")
    assert "has 2.0 MiB: an object holds 0.9 MiB" in flat(done.output)
    assert "--model NAME=https://" in flat(done.output)
    (files / "folder/inner").mkdir(parents=True)
    (files / "folder/inner/a").touch()
    done = run("deploy", "--dry-run", "--entry-script", str(files / "score.py"), "--model",
               str(files / "folder"))  # fmt: skip
    assert "has folders, or names such as 'inner/a'" in flat(done.output)
    done = run("deploy", "--dry-run", "--entry-script", str(files / "none.py"))
    assert "none.py is not there" in flat(done.output)
    done = run("deploy", "--dry-run", "--entry-script", str(files / "score.py"), "--model", "-=x")
    assert "'-' cannot be" in flat(done.output)


def test_a_source_that_is_no_text_goes_into_a_config_map(files: Path) -> None:
    folder = files / "source"
    folder.mkdir()
    (folder / "score.py").write_text(SCRIPT)
    (folder / "table.bin").write_bytes(b"\xff\x00")
    words = ["--entry-script", str(folder / "score.py"), "--source-directory", str(folder)]
    model = ["--model", "w=https://models.example/w.pkl", "--no-auth", "--memory", "1Gi"]
    long = "c" + "o" * 49
    done = run("deploy", long, "--dry-run", *words, *model)
    config_map, model_, image, service = yaml.safe_load_all(done.stdout)
    assert set(config_map["binaryData"]) == {"score.py", "table.bin"}
    assert image["spec"]["source"] == {"configMap": {"name": config_map["metadata"]["name"]}}
    assert model_["spec"]["source"] == {"uri": "https://models.example/w.pkl"}
    assert len(model_["metadata"]["name"]) <= 50
    assert service["spec"]["auth"] == {"enabled": False}
    assert service["spec"]["resources"]["limits"] == {"memory": "1Gi"}


# --- delete, scale, rollback


def test_delete(api: FakeApi) -> None:
    api.ours("Webservice", spec={"imageRef": {"name": "credit"}})
    labels = {DEPLOYED_FOR: "credit"}
    image = api.ours("InferenceImage", spec={"models": [{"name": "m"}]})
    model = api.ours("Model", "m")
    image["metadata"]["labels"] = model["metadata"]["labels"] = labels
    files = {"apiVersion": "v1", "kind": "ConfigMap"}
    api.put({**files, "metadata": {"name": "f", "labels": labels}}, "configmaps")
    done = run("delete", "image/credit")
    assert done.exit_code == exit_codes.FAILED
    assert "is needed by Webservice 'credit'" in flat(done.output)
    assert "is needed by InferenceImage 'credit'" in flat(run("delete", "model/m").output)
    done = run("delete", "credit", "--all")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "Webservice 'credit' is gone."
    assert api.objects == {}
    assert run("delete", "credit").exit_code == exit_codes.NOT_FOUND
    api.ours("Webservice", spec={"imageRef": {"name": "credit"}})
    api.ours("InferenceImage")
    assert run("delete", "image/credit", "--force").exit_code == 0


BOUNDS = {"minReplicas": 2, "maxReplicas": 5, "targetUtilization": 50}


def test_scale(api: FakeApi) -> None:
    service = api.ours("Webservice", spec={"autoscale": BOUNDS})
    service["metadata"]["labels"] = {"argocd.argoproj.io/instance": "fleet"}
    done = run("scale", "credit", "3")
    assert done.exit_code == 0, done.output
    assert "Argo CD (application fleet) applies 'credit' from Git" in flat(done.output)
    assert "so again: --min 2 --max 5" in done.output
    path = f"{OURS}/webservices/credit"
    autoscale = {"minReplicas": 2, "maxReplicas": 5, "targetUtilization": 50}
    assert api.objects[path]["spec"] == {
        "replicas": 3,
        "autoscale": {**autoscale, "enabled": False},
    }
    assert run("scale", "credit", "1").stdout == "'credit' is to have 1 replica.\n"
    done = run("scale", "credit", "--min", "20")
    assert done.stdout == "'credit' is to have 20 to 20 replicas, as the load asks.\n"
    autoscale = {**autoscale, "minReplicas": 20, "maxReplicas": 20, "enabled": True}
    assert api.objects[path]["spec"] == {"autoscale": autoscale}
    assert "4 to 4" in run("scale", "credit", "--max", "4").stdout
    for words in (["scale", "credit"], ["scale", "credit", "3", "--min", "1"]):
        assert run(*words).exit_code == exit_codes.USAGE


DIGESTS = [f"sha256:{number}" for number in range(4)]


@pytest.fixture
def versions(api: FakeApi) -> FakeApi:
    history = [{"version": number, "digest": DIGESTS[number]} for number in (1, 2, 3)]
    status = ready(history=history, imageLocation="r:5000/credit:3")
    api.ours("InferenceImage", spec={"pullSecretRef": {"name": "login"}}, status=status)
    revision = {"active": f"r:5000/credit:3@{DIGESTS[3]}"}
    spec = {"imageRef": {"name": "credit"}}
    api.ours("Webservice", spec=spec, status=ready(revision=revision))
    return api


def test_rollback_and_back(versions: FakeApi) -> None:
    done = run("rollback", "credit")
    assert done.exit_code == 0, done.output
    assert "will not follow InferenceImage 'credit' any more" in flat(done.output)
    assert "'credit' serves version 2." in done.stdout
    service = versions.objects[f"{OURS}/webservices/credit"]
    image = f"r:5000/credit:2@{DIGESTS[2]}"
    assert service["spec"] == {"image": image, "pullSecretRef": {"name": "login"}}
    assert service["metadata"]["annotations"] == {ROLLED_BACK: "credit"}
    assert run("rollback", "credit", "--to", "1", "--no-wait").exit_code == 0
    done = run("rollback", "credit", "--undo")
    assert "follows InferenceImage 'credit' again" in done.stdout
    assert service["metadata"]["annotations"] == {ROLLED_BACK: "credit"}  # the one read before
    service = versions.objects[f"{OURS}/webservices/credit"]
    assert service["spec"] == {"imageRef": {"name": "credit"}}
    assert service["metadata"]["annotations"] == {}
    assert "nothing is to be undone" in flat(run("rollback", "credit", "--undo").output)


def test_undo_is_refused_where_the_service_follows_another_image(versions: FakeApi) -> None:
    service = versions.objects[f"{OURS}/webservices/credit"]
    service["metadata"]["annotations"] = {ROLLED_BACK: "older"}
    done = run("rollback", "credit", "--undo")
    assert done.exit_code == exit_codes.NOT_FOUND
    assert "It follows InferenceImage 'credit': nothing is to be undone" in flat(done.output)
    assert versions.requests("PATCH") == []


@pytest.mark.usefixtures("versions")
def test_an_image_that_a_service_was_rolled_back_from_is_needed() -> None:
    assert run("rollback", "credit", "--no-wait").exit_code == 0
    done = run("delete", "image/credit")
    assert done.exit_code == exit_codes.FAILED
    assert "is needed by Webservice 'credit'" in flat(done.output)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "9"], "There is no version 9. status.history has 1, 2 and 3."),
        (["--to", "3"], "Version 3 serves already"),
    ],
)
@pytest.mark.usefixtures("versions")
def test_rollback_to_what_is_not_there(words: list[str], said: str) -> None:
    done = run("rollback", "credit", *words)
    assert done.exit_code == exit_codes.NOT_FOUND
    assert said in flat(done.output)


def test_rollback_without_an_image(versions: FakeApi) -> None:
    versions.ours("InferenceImage", status={})
    done = run("rollback", "credit")
    assert "it serves none of its versions. status.history has none" in flat(done.output)
    status = {"history": [{"version": 1}, {"version": 2, "digest": DIGESTS[3]}]}
    versions.ours("InferenceImage", status=status)
    assert "names no repository" in flat(run("rollback", "credit").output)
    versions.ours("Webservice", spec={"image": "r/x"})
    assert "follows no InferenceImage" in flat(run("rollback", "credit").output)


def test_a_manifest_takes_back_what_was_changed_by_hand(operator: FakeApi, tmp_path: Path) -> None:
    fields: Any = {"f:spec": {"f:image": {}, "f:replicas": {}}}
    manager = {"manager": "fairlead-cli", "operation": "Update", "fieldsV1": fields}
    service = operator.ours("Webservice", spec={"image": "r/x:1", "replicas": 3})
    service["metadata"]["managedFields"] = [manager]
    operator.ours("InferenceImage")
    head = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "Webservice", "metadata": {"name": "credit"}}
    spec = {"imageRef": {"name": "credit"}, "autoscale": {"enabled": True}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({**head, "spec": spec}))
    done = run("deploy", "-f", str(tmp_path / "a.yaml"))
    assert done.exit_code == 0, done.output
    assert "is taken back" in done.output
    assert operator.bodies[0]["spec"] == {"image": None, "replicas": None, **spec}


def applied(folder: Path, spec: dict[str, Any], *words: str, namespace: str = "") -> Result:
    head = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "Webservice"}
    metadata = {"name": "credit", **({"namespace": namespace} if namespace else {})}
    one = {**head, "metadata": metadata, "spec": spec}
    (folder / "a.yaml").write_text(yaml.safe_dump(one))
    return run("deploy", "-f", str(folder / "a.yaml"), *words)


def test_a_manifest_is_applied_again_after_it_was_scaled(operator: FakeApi, tmp_path: Path) -> None:
    image = {"image": "r/x:1"}
    path = f"{OURS}/webservices/credit"
    assert applied(tmp_path, {**image, "replicas": 2}).exit_code == 0
    assert run("scale", "credit", "3").exit_code == 0
    done = applied(tmp_path, {**image, "replicas": 5})
    assert done.exit_code == 0, done.output
    assert "is taken back" in done.output
    assert operator.objects[path]["spec"] == {**image, "replicas": 5}
    assert "is taken back" not in applied(tmp_path, {**image, "replicas": 5}).output
    assert applied(tmp_path, {**image, "autoscale": BOUNDS}).exit_code == 0
    assert run("scale", "credit", "4").exit_code == 0
    done = applied(tmp_path, {**image, "autoscale": {**BOUNDS, "maxReplicas": 9}})
    assert done.exit_code == 0, done.output
    patch = operator.bodies[-2]["spec"]
    assert (patch["replicas"], patch["autoscale"]["enabled"]) == (None, None)
    assert operator.objects[path]["spec"] == {**image, "autoscale": {**BOUNDS, "maxReplicas": 9}}


def test_what_another_program_owns_stays_a_conflict(operator: FakeApi, tmp_path: Path) -> None:
    service = operator.ours("Webservice", spec={"image": "r/x:1", "replicas": 2})
    fields: Any = {"f:spec": {"f:replicas": {}}}
    manager = {"manager": "argocd", "operation": "Apply", "fieldsV1": fields}
    service["metadata"]["managedFields"] = [manager]
    done = applied(tmp_path, {"image": "r/x:1", "replicas": 5})
    assert done.exit_code == exit_codes.FAILED
    assert "FieldConflict" in done.output
    assert applied(tmp_path, {"image": "r/x:1", "replicas": 5}, "--force-conflicts").exit_code == 0


def test_a_manifest_of_another_namespace_than_asked(operator: FakeApi, tmp_path: Path) -> None:
    spec = {"image": "r/x:1"}
    done = applied(tmp_path, spec, "-n", "test", namespace="prod")
    assert done.exit_code == exit_codes.FAILED
    assert "Not of namespace 'test', as --namespace says: Webservice 'credit' (prod)" in flat(
        done.output
    )
    assert operator.requests("PATCH") == []
    assert applied(tmp_path, spec, "--no-wait", namespace="prod").exit_code == 0
    assert applied(tmp_path, spec, "-n", "prod", "--no-wait", namespace="prod").exit_code == 0
    assert all("/namespaces/prod/" in path for path in operator.requests("PATCH"))


# --- keys, export


def with_keys(api: FakeApi) -> None:
    api.ours("Webservice", spec={})
    data = {
        name: base64.b64encode(text).decode()
        for name, text in (("primaryKey", b"one"), ("secondaryKey", b"two"))
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "credit-fairlead-keys"}}
    api.put({**secret, "data": data}, "secrets")


def replica(api: FakeApi) -> None:
    labels = {"fairlead.dev/webservice": "credit", "app.kubernetes.io/component": "scoring"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "credit-a", "labels": labels}}
    conditions = [{"type": "Ready", "status": "True"}]
    api.put({**pod, "status": {"conditions": conditions}}, "pods")


def answer(status: int) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def test_keys_are_shown(api: FakeApi) -> None:
    with_keys(api)
    assert run("keys", "credit").stdout == "primary:    one\nsecondary:  two\n"
    assert json.loads(run("keys", "credit", "-o", "json").stdout) == {
        "primary": "one",
        "secondary": "two",
    }
    assert run("keys", "credit", "--value", "x").exit_code == exit_codes.USAGE
    api.objects.clear()
    api.ours("Webservice")
    done = run("keys", "credit")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "is not there (yet)" in flat(done.output)


def test_a_new_key_is_awaited_at_every_replica(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.remote.fake_api.REQUEST_END", b"\r\n\r\n")
    with_keys(api)
    replica(api)
    api.pod_answer = answer(401)

    def later(api: FakeApi) -> None:
        if len([path for path in api.requests("GET") if "portforward" in path]) > 3:
            api.pod_answer = answer(200)

    api.on_get = later
    done = run("keys", "credit", "--rotate", "secondary", "--value", "0123456789abcdef")
    assert done.exit_code == 0, done.output
    assert "0 of 1 replicas take the new secondary key." in done.output
    assert "1 of 1 replicas take the new secondary key." in done.output
    assert done.stdout == "secondary:  0123456789abcdef\n"
    annotations = api.objects[f"{CORE}/pods/credit-a"]["metadata"]["annotations"]
    assert "fairlead.dev/rotated" in annotations  # so that its kubelet looks at once
    assert b"Bearer 0123456789abcdef" in api.pod_heard
    assert "GET /swagger.json" in api.pod_heard.decode()


def test_a_new_key_without_a_replica(api: FakeApi) -> None:
    with_keys(api)
    done = run("keys", "credit", "--rotate", "primary", "--value", "0123456789abcdef")
    assert done.exit_code == 0, done.output
    assert "Warning: no replica is ready: those that start take the new key." in done.stderr
    assert "0 of 0" not in done.output


def test_ctrl_c_says_that_the_key_is_replaced(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with_keys(api)
    monkeypatch.setattr(rotation, "await_key", interrupted)
    done = run("keys", "credit", "--rotate", "primary")
    assert done.exit_code == exit_codes.INTERRUPTED
    assert "The primary key of 'credit' is replaced" in flat(done.output)
    assert "`fairlead keys credit` shows it" in flat(done.output)
    assert len(api.requests("PATCH")) == 1


def test_a_new_key_that_is_not_taken_in_time(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.remote.fake_api.REQUEST_END", b"\r\n\r\n")
    with_keys(api)
    replica(api)
    api.pod_answer = answer(401)
    done = run("keys", "credit", "--rotate", "primary", "--timeout", "0")
    assert done.exit_code == exit_codes.TIMED_OUT
    assert "0 of 1 replicas of 'credit' take the new key" in flat(done.output)
    assert len(base64.b64decode(api.bodies[0]["data"]["primaryKey"])) == 43
    api.refuse("GET", f"{CORE}/pods/credit-a/portforward", 403)
    done = run("keys", "credit", "--rotate", "primary", "--value", "-", input="k" * 20 + "\n")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert "pods/portforward" in flat(done.output)
    api.refuse("GET", f"{CORE}/pods/credit-a/portforward", 500)
    done = run("keys", "credit", "--rotate", "primary", "--timeout", "0")
    assert done.exit_code == exit_codes.TIMED_OUT


@pytest.mark.parametrize("key", ["short", "with a blank in it", "ü" * 20, "k" * 5000])
def test_a_key_that_is_none(key: str, api: FakeApi) -> None:
    with_keys(api)
    done = run("keys", "credit", "--rotate", "primary", "--value", key)
    assert done.exit_code == exit_codes.FAILED
    assert api.bodies == []


def test_export(api: FakeApi) -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}
    service = api.ours("Webservice", spec={"imageRef": {"name": "credit"}}, status=ready())
    service["metadata"] |= {"annotations": annotations, "uid": "u", "labels": {"a": "b"}}
    spec = {
        "source": {"configMap": {"name": "files"}},
        "pullSecretRef": {"name": "login"},
        "models": [{"name": "m"}, {"name": "gone"}],
    }
    api.ours("InferenceImage", spec=spec)
    volumes = [{"secret": {"name": "mounted"}}, {"emptyDir": {}}]
    api.ours("Model", "m", spec={"source": {"uri": "https://x"}, "volumes": volumes})
    files = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "files"}}
    api.put({**files, "data": {"score.py": SCRIPT}}, "configmaps")
    done = run("export", "credit")
    found = list(yaml.safe_load_all(done.stdout))
    kinds = ["ConfigMap", "Model", "InferenceImage", "Webservice"]
    assert [one["kind"] for one in found] == kinds
    metadata = {"name": "credit", "labels": {"a": "b"}, "annotations": {"mine": "1"}}
    assert found[-1]["metadata"] == metadata
    assert "status" not in found[-1]
    assert "Secrets, which are not printed: login, mounted" in done.stderr
    assert "Model 'gone' of namespace 'default' is not there, and so not printed" in done.stderr
    assert len(json.loads(run("export", "credit", "-o", "json").stdout)["items"]) == 4


# --- doctor


@pytest.fixture
def healthy(versions: FakeApi) -> FakeApi:
    from fairlead.api.meta import KINDS
    from fairlead.api.published import schema_of

    schemas = {}
    for kind in KINDS:
        schema = deepcopy(schema_of(kind))
        gvk = {"group": GROUP, "kind": kind.kind, "version": "v1alpha1"}
        schemas[kind.kind] = {**schema, "x-kubernetes-group-version-kind": [gvk]}
    path = "/openapi/v3/apis/fairlead.dev/v1alpha1"
    versions.answers["GET", path] = (200, {"components": {"schemas": schemas}})
    versions.answers["GET", "/version"] = (200, {"gitVersion": "v1.34.0"})
    versions.answers["GET", "/apis/metrics.k8s.io/v1beta1"] = (200, {})
    labels = {
        "app.kubernetes.io/name": "fairlead",
        "app.kubernetes.io/version": version("fairlead"),
    }
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment"}
    metadata = {"name": "fairlead", "namespace": "fairlead-system", "labels": labels}
    status = {"readyReplicas": 1}
    versions.put({**deployment, "metadata": metadata, "status": status}, "deployments")
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    versions.answers["POST", review] = (201, {"status": {"allowed": True}})
    versions.ours("InferenceImage", status=ready("True", "Built"))
    versions.ours("Webservice", spec={}, status=ready("True", "Serving"))
    return versions


def outcomes(done: Result) -> dict[str, str]:
    return {one["name"]: one["outcome"] for one in json.loads(done.stdout)["checks"]}


def test_doctor_where_all_is_well(healthy: FakeApi) -> None:
    done = run("doctor")
    assert done.exit_code == 0, done.output
    assert re.search(r"cluster +ok +Kubernetes v1.34.0 at http", done.stdout)
    assert "FAILED" not in done.stdout
    assert set(outcomes(run("doctor", "-o", "json")).values()) == {"ok"}
    assert run("doctor", "-o", "name").stdout == ""
    assert healthy.asked


def test_doctor_without_a_cluster(config: Path) -> None:
    config.write_text(re.sub(r":\d+", ":1", config.read_text()))
    done = run("doctor", "-o", "json")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert outcomes(done) == {"cluster": "failed"}


def test_doctor_names_what_is_missing(healthy: FakeApi) -> None:
    healthy.answers["GET", "/openapi/v3/apis/fairlead.dev/v1alpha1"] = (404, {})
    healthy.answers["GET", "/apis/metrics.k8s.io/v1beta1"] = (404, {})
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    healthy.answers["POST", review] = (201, {"status": {"allowed": False}})
    healthy.refuse("GET", "/apis/apps/v1/deployments", 403)
    done = run("doctor", "-o", "json")
    assert done.exit_code == exit_codes.UNAVAILABLE
    assert outcomes(done) == {
        "cluster": "ok",
        "definitions": "failed",
        "operator": "unknown",
        "metrics": "failed",
        "rights": "failed",
    }
    text = flat(run("doctor").stdout)
    assert "Remedy: Install metrics-server" in text
    assert "you may not: list models (get, describe, wait);" in text


def test_doctor_names_what_is_old_or_dead(healthy: FakeApi) -> None:
    place = "/apis/apps/v1/namespaces/fairlead-system/deployments/fairlead"
    metadata = healthy.objects[place]["metadata"]
    metadata["labels"] = {**metadata["labels"], "app.kubernetes.io/version": "v0.0.0-rc.1"}
    assert "is v0.0.0-rc.1, older than this program" in flat(run("doctor").stdout)
    healthy.objects[place]["status"] = {}
    assert "has no ready replica" in flat(run("doctor").stdout)
    del healthy.objects[place]
    assert "No Deployment of the operator" in flat(run("doctor").stdout)
    path = "/openapi/v3/apis/fairlead.dev/v1alpha1"
    schemas = healthy.answers["GET", path][1]["components"]["schemas"]
    del schemas["Webservice"]["properties"]["spec"]["properties"]["front"]
    assert "webservices.fairlead.dev has no spec.front" in flat(run("doctor").stdout)


def test_doctor_tells_what_the_operator_found(healthy: FakeApi) -> None:
    failure = {"reason": "RegistryUnreachable", "message": "No answer.", "remedy": "Start it."}
    healthy.ours("InferenceImage", status=ready("False", "RegistryUnreachable", failure=failure))
    healthy.ours("Webservice", spec={}, status=ready("Unknown", "WaitingForImage"))
    found = outcomes(run("doctor", "-o", "json"))
    assert (found["registry"], found["nodes"]) == ("failed", "unknown")
    healthy.refuse("GET", f"{OURS}/webservices", 403)
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    healthy.refuse("POST", review, 500)
    assert outcomes(run("doctor", "-o", "json"))["rights"] == "unknown"
