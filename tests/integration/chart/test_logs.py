"""Logs in a cluster, as people read them: past the API server, by port-forward, with a token.

But for one build the task is a Job of the test's own that looks like one of the operator's, so that
it goes on for as long as the test wants.
"""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from fairlead.api.meta import LOG_LABEL
from fairlead.api.refs import Manifest
from fairlead.contract import EnvironmentRecipe, LogTarget, Owner, ResolveRequest, Task
from fairlead.desired.task_job import task_draft
from fairlead.images.build_log import append_log
from fairlead.job_request import CONTAINER
from fairlead.log_address import LogKeys, LogName, image_log
from fairlead.registry.client import Registry
from fairlead.registry.reference import parse_repository
from fairlead.settings import Settings
from tests.cluster import Cluster, ClusterError
from tests.cluster.charts import CHART
from tests.cluster.operator_image import name as image_name
from tests.cluster.places import places
from tests.cluster.ports import free_port
from tests.integration.chart.administrator import NAMESPACES, PATIENCE, Administrator, until

HOME, TEAM = NAMESPACES[0], NAMESPACES[2]
RELEASE = "fairlead"
SERVICE = f"/api/v1/namespaces/{HOME}/services/{RELEASE}-logs/proxy"
NAME = image_log(TEAM, "planted", "7-1")
JANE = "--as=jane@example.com"
PROGRAM = """
import os, time
print("begun", flush=True)
while not os.path.exists("/tmp/go"):
    time.sleep(0.1)
print("token=hunter2 and over", flush=True)
"""


@pytest.fixture(scope="module")
def installed(administrator: Administrator) -> Administrator:
    """With two replicas: one works, the other stands by, and both serve logs."""
    chart = places().checkout / CHART
    administrator.install("install", RELEASE, chart, HOME, "--set", "replicas=2")
    return administrator


@pytest.fixture(scope="module")
def keys(installed: Administrator) -> LogKeys:
    return LogKeys(base64.b64decode(secret(installed)))


def secret(administrator: Administrator) -> str:
    place = ("get", "secret", f"{RELEASE}-log-key", f"--namespace={HOME}")
    return administrator.kubectl(*place, "--output=jsonpath={.data.key}")


def address(keys: LogKeys, name: LogName = NAME) -> str:
    """As status shows it."""
    return f"{SERVICE}{name.path}?key={keys.of(name)}"


def planted() -> Manifest:
    """A Job that prints, waits, and prints."""
    recipe = EnvironmentRecipe(base_image="x")
    request = ResolveRequest(repository="x", environments="x", recipe=recipe)
    owner = Owner("InferenceImage", "planted", "uid")
    task = Task("planted", "assemble", 1, request, 300.0, namespace=TEAM, owner=owner, log=NAME)
    settings = Settings(runner="job", task_image=image_name("tasks"))
    job = task_draft(task, owner, settings).job
    del job["metadata"]["ownerReferences"]
    job["metadata"]["labels"] = {LOG_LABEL: NAME.label}  # no runner looks at it
    job["spec"]["template"]["metadata"]["labels"] = {}
    job["spec"]["suspend"] = False
    pod = job["spec"]["template"]["spec"]
    pod["terminationGracePeriodSeconds"] = 1  # it waits for nothing but its file
    pod["volumes"] = [volume for volume in pod["volumes"] if volume["name"] != "request"]
    [container] = pod["containers"]
    mounts = container["volumeMounts"]
    container["volumeMounts"] = [mount for mount in mounts if mount["name"] != "request"]
    container |= {"command": ["python", "-c", PROGRAM], "args": []}
    return dict(job)


@pytest.fixture
def job(installed: Administrator) -> Iterator[str]:
    """Its name."""
    manifest = planted()
    installed.kubectl("apply", "-f", "-", text=json.dumps(manifest))
    name = str(manifest["metadata"]["name"])
    yield name
    installed.kubectl("delete", "job", name, f"--namespace={TEAM}", "--ignore-not-found")


def go_on(administrator: Administrator, job: str) -> None:
    place = (f"--namespace={TEAM}", f"job/{job}", f"--container={CONTAINER}")
    administrator.kubectl("exec", *place, "--", "touch", "/tmp/go")


def raw(administrator: Administrator, uri: str, *more: str) -> str:
    """What a person gets to see."""
    try:
        return administrator.kubectl("get", "--raw", uri, *more)
    except ClusterError as error:
        return "\n".join(error.tail)


@contextmanager
def running(cluster: Cluster, *arguments: str, output: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """kubectl, for as long as the context lasts."""
    command = [str(cluster.kubectl), f"--kubeconfig={cluster.kubeconfig}", *arguments]
    with output.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_a_log_is_followed_while_its_task_runs_and_read_when_it_is_over(
    installed: Administrator, cluster: Cluster, keys: LogKeys, job: str, tmp_path: Path
) -> None:
    output = tmp_path / "followed"
    uri = address(keys)
    with running(cluster, "get", "--raw", f"{uri}&follow=1", output=output) as following:
        until(output.read_text, lambda said: said == "begun\n")
        assert raw(installed, uri) == "begun\n"
        go_on(installed, job)
        assert following.wait(60) == 0
    assert output.read_text() == "begun\ntoken=*** and over\n"
    until(lambda: raw(installed, uri), lambda said: said == "begun\ntoken=*** and over\n")


def test_ever_after_it_is_read_from_the_registry(
    installed: Administrator, cluster: Cluster, keys: LogKeys
) -> None:
    name = image_log(TEAM, "long-ago", "3-2")
    assert "NotFound" in raw(installed, address(keys, name))
    repository = parse_repository(f"{cluster.registry}/{TEAM}/long-ago")
    target = LogTarget(repository=str(repository), tag=name.tag, owner=f"{TEAM}/long-ago")
    with Registry(Settings(registry=cluster.registry)) as registry:
        append_log(registry, repository, target.tag, target.owner, "installed\n")
    assert raw(installed, address(keys, name)) == "installed\n"
    other = image_log(TEAM, "long-ago", "3-1")
    for wrong in (address(keys, other), address(keys, name)[:-1], address(keys, name) + "A"):
        assert "NotFound" in raw(installed, wrong.replace("3-1", "3-2"))


def test_what_status_says_opens_the_log_of_a_build(
    installed: Administrator, cluster: Cluster, tmp_path: Path
) -> None:
    """First of the environment, while it is built, and in the end of the image."""
    files = {"score.py": "def init(): ...\ndef run(data): ...\n", "steps": "LABEL of=logs\n"}
    source = {"inline": {"files": files}}
    spec = {"source": source, "entryScript": "score.py", "dockerFile": "steps"}
    installed.apply("InferenceImage", "told", spec)
    place = ("get", "inferenceimage", "told", f"--namespace={TEAM}")
    where = (*place, "--output=jsonpath={.status.build.logUri}")
    until(lambda: installed.kubectl(*where), bool)
    first, output = installed.kubectl(*where), tmp_path / "followed"
    assert first.startswith(f"{SERVICE}/namespaces/{TEAM}/environments/")
    with running(cluster, "get", "--raw", f"{first}&follow=1", output=output) as following:
        assert following.wait(PATIENCE) == 0
    assert "sha256:" in output.read_text()
    installed.reason("inferenceimage", "told", "Built")
    last = installed.kubectl(*where)
    assert last.startswith(f"{SERVICE}{image_log(TEAM, 'told', '1-1').path}?key=")
    stored = f"{TEAM}/told, version 1 without its tag, is sha256:"
    until(
        lambda: raw(installed, last),
        lambda said: stored in said and "The smoke test has passed" in said,
    )
    delete = ("delete", "jobs", "--all", f"--namespace={TEAM}")
    installed.kubectl(*delete)
    assert stored in raw(installed, last)
    assert "sha256:" in raw(installed, first)


def test_a_person_needs_the_right_to_that_one_service(
    installed: Administrator, keys: LogKeys, job: str
) -> None:
    assert job
    until(lambda: raw(installed, address(keys)), lambda said: said == "begun\n")
    assert "Forbidden" in raw(installed, address(keys), JANE)
    role = (f"--role={RELEASE}-log-reader", f"--user={JANE.partition('=')[2]}")
    installed.kubectl("create", "rolebinding", "readers", f"--namespace={HOME}", *role)
    until(lambda: raw(installed, address(keys), JANE), lambda said: said == "begun\n")
    other = f"/api/v1/namespaces/{HOME}/services/{RELEASE}-metrics/proxy/metrics"
    assert "Forbidden" in raw(installed, other, JANE)


def test_by_port_forward_it_opens_with_the_key_or_with_a_token(
    installed: Administrator, cluster: Cluster, keys: LogKeys, job: str, tmp_path: Path
) -> None:
    """A browser gets the address as status has it, behind the host."""
    assert job
    until(lambda: raw(installed, address(keys)), lambda said: said == "begun\n")
    port = free_port()
    where = ("port-forward", f"--namespace={HOME}", f"service/{RELEASE}-logs", f"{port}:80")
    base = f"http://127.0.0.1:{port}"

    def answer(path: str, token: str = "") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with suppress(httpx.TransportError):
            got = httpx.get(base + path, headers=headers, timeout=20)
            return got.status_code, got.text
        return 0, ""

    with running(cluster, *where, output=tmp_path / "forward"):
        until(lambda: answer(address(keys)), lambda said: said == (200, "begun\n"))
        account = ("create", "token", "default", f"--namespace={TEAM}")
        token = installed.kubectl(*account).strip()
        assert answer(NAME.path, token)[0] == 404
        rights = ("--verb=get", "--resource=inferenceimages.fairlead.dev", f"--namespace={TEAM}")
        installed.kubectl("create", "role", "readers", *rights)
        who = ("--role=readers", f"--serviceaccount={TEAM}:default", f"--namespace={TEAM}")
        installed.kubectl("create", "rolebinding", "readers", *who)
        until(lambda: answer(NAME.path, token), lambda said: said == (200, "begun\n"))
        assert answer(NAME.path, token[:-2])[0] == 404
        assert answer(NAME.path)[0] == 404


def test_an_upgrade_keeps_the_secret_and_so_the_addresses(
    installed: Administrator, keys: LogKeys, job: str
) -> None:
    assert job
    before = secret(installed)
    installed.install("upgrade", RELEASE, places().checkout / CHART, HOME, "--set", "replicas=1")
    assert secret(installed) == before
    until(lambda: raw(installed, address(keys)), lambda said: said == "begun\n")


def test_no_key_is_in_the_operators_log(installed: Administrator, keys: LogKeys) -> None:
    select = ("--selector=app.kubernetes.io/name=fairlead", "--tail=-1", f"--namespace={HOME}")
    said = installed.kubectl("logs", *select)
    assert said
    assert "key=" not in said
    assert keys.of(NAME) not in said
