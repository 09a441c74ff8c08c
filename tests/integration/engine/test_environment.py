"""Environments built for real: what comes out, what is said when nothing does, what is left."""

import json
import os
import re
import signal
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from docker.models.images import Image

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRequest
from fairlead.engines.docker_client import context
from fairlead.images.environment_labels import HASH_LABEL, PYTHON_LABEL
from tests.cluster import Cluster
from tests.cluster.waiting import until
from tests.integration.engine.conftest import Build, Line
from tests.integration.registry.server import wait_until

STEPS = (
    "ENV GREETING=hello\nRUN echo step > /step\nUSER nobody\nCOPY settings.json /opt/$GREETING/\n"
)
LOOK = (
    "import json, os, tabulate; print(json.dumps([os.getuid(), os.getcwd(), "
    "os.environ['GREETING'], os.path.exists('/step'), os.path.exists('/opt/fairlead/build'), "
    "tabulate.__file__.split('/lib/')[0], tabulate.__version__]))"
)
PATIENCE_S = 60.0  # for what a container prints


@pytest.fixture
def busy_index(cluster: Cluster) -> Iterator[str]:
    """A package index that builds can reach, and that answers 503."""

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what matters."""

    with ThreadingHTTPServer((cluster.gateway, 0), Busy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{cluster.gateway}:{server.server_port}/simple"
        server.shutdown()


def test_an_environment_is_built_once_and_found_again(line: Line) -> None:
    request = line.request("tabulate==0.9.0", steps=STEPS, python="3.11")
    ended = line.run(request)
    digest = ended.ok["digest"]
    assert ended.ok["built"] is True
    assert ended.ok["python"].startswith("3.11.")
    assert line.registry.digest_of(line.environments, request.hash) == digest
    see_that_it_works(line, request, digest, ended.ok["python"])
    see_that_it_holds_no_settings(line, request)
    assert "Successfully installed tabulate-0.9.0" in line.kept_log(request)
    assert line.left_behind() == []

    again = line.run(request)
    assert again.ok | {"seconds": 0} == {
        "digest": digest,
        "python": ended.ok["python"],
        "built": False,
        "locked": True,
        "seconds": 0,
    }
    assert again.ok["seconds"] < 2


def see_that_it_works(line: Line, request: EnvironmentRequest, digest: str, python: str) -> None:
    image = line.engine.images.pull(str(line.environments), digest)
    assert image.labels | {HASH_LABEL: request.hash, PYTHON_LABEL: python} == image.labels
    said = output_of(line, image, "python", "-c", LOOK)
    copied = output_of(line, image, "cat", "/opt/hello/settings.json")
    assert copied == line.files["settings.json"]
    root, environment = "/var/azureml-app", "/opt/fairlead/env"
    assert json.loads(said) == [10001, root, "hello", True, False, environment, "0.9.0"]
    line.engine.images.remove(f"{line.environments}@{digest}")


def output_of(line: Line, image: Image, *command: str) -> bytes:
    """What it prints. On a busy machine Docker Engine may lose what a container that ends at once
    has printed: then it is run again."""
    run = line.engine.containers.run
    return until(lambda: bytes(run(image, list(command), remove=True)), bool, PATIENCE_S)


def see_that_it_holds_no_settings(line: Line, request: EnvironmentRequest) -> None:
    """Neither the index nor the certificates nor pip's configuration, in any layer's history."""
    manifest, _ = line.registry.manifest(line.environments, request.hash)
    config = line.registry.blob(line.environments, manifest.config.digest).decode()
    assert not [
        word for word in ("pip.conf", "ca.pem", "fairlead/build", "index") if word in config
    ]


def test_a_step_that_prints_a_million_lines_fills_no_log(line: Line) -> None:
    new = uuid.uuid4().hex  # a step that Docker Engine has in its cache prints nothing
    request = line.request(steps=f"RUN yes | head -n 1000000 && echo the end {new}\n")
    ended = line.run(request)
    assert ended.ok["built"] is True
    for log in (ended.log, line.kept_log(request)):
        assert len(log) < 2_000_000
        assert re.search(r"\[that was line \d+: the next are left out", log)
        assert re.search(r"\[\d{6} lines were left out\]", log)
        assert "the end" in log


def test_builds_at_once_each_get_their_own_answer(line: Line, busy_index: str) -> None:
    """pip says "No matching distribution found" in both."""
    wrong = line.start(line.request("tabulate==0.9.0", "scikit-lern==1.9"))
    busy = line.start(
        line.request("pandas==2.2.0"),
        FAIRLEAD_PACKAGE_INDEX=busy_index,
        FAIRLEAD_INSECURE_HOSTS=busy_index.split("/")[2],
    )
    see_that_the_user_is_to_blame(wrong)
    see_that_the_index_is_to_blame(busy, f"(it answers 503): {busy_index}/pandas/")
    assert line.left_behind() == []


def see_that_the_user_is_to_blame(build: Build) -> None:
    failure = build.end().failure
    assert (failure.reason, failure.class_) == (Reason.PACKAGE_NOT_FOUND, FailureClass.USER)
    assert failure.requirement == "scikit-lern==1.9"
    assert failure.message == (
        "scikit-lern==1.9; no such package on the index. Did you mean scikit-learn?"
    )
    assert failure.retryable is False
    assert "No matching distribution found for scikit-lern==1.9" in str(failure.log_tail)
    kept = build.line.kept_log(build.request)
    assert "No matching distribution found for scikit-lern==1.9" in kept


def see_that_the_index_is_to_blame(build: Build, why: str) -> None:
    failure = build.end().failure
    assert failure.reason is Reason.PACKAGE_INDEX_UNREACHABLE
    assert failure.class_ is FailureClass.NETWORK
    assert failure.message == f"The package index does not answer {why}"
    assert failure.retryable is True


def test_credentials_of_an_index_are_refused_and_not_repeated(line: Line) -> None:
    index = "https://me:hunter2@index.example.com/simple"
    request = line.request("numpy")
    ended = line.run(request, FAIRLEAD_PACKAGE_INDEX=index)
    assert ended.failure.reason is Reason.PACKAGE_INDEX_REFUSED
    assert "hunter2" not in ended.log + line.kept_log(request) + ended.failure.model_dump_json()


def test_a_python_that_the_base_image_does_not_have(line: Line) -> None:
    ended = line.run(line.request("numpy", python="3.12"))
    assert ended.failure.reason is Reason.PYTHON_UNAVAILABLE
    assert ended.failure.location == "myenv.yml:3"
    base = line.cluster.base_image
    assert ended.failure.message.startswith(
        f"myenv.yml:3 asks for Python 3.12; the base image {base} has 3.11."
    )
    assert "Collecting" not in ended.log


def test_a_base_image_without_python(line: Line) -> None:
    name = f"{line.cluster.registry}/{line.namespace}/empty"
    archive = context({"empty": b""}).read()
    line.engine.api.import_image_from_data(
        archive, f"{name}:1", changes=["LABEL fairlead.dev/owner=tests"]
    )
    line.engine.images.push(name, "1")
    ended = line.run(line.request("numpy", base=f"{name}:1"))
    line.engine.images.remove(f"{name}:1")
    assert ended.failure.reason is Reason.PYTHON_UNAVAILABLE
    assert ended.failure.message == f"The base image {name}:1 has no python3."


def test_a_step_that_fails_is_told_with_its_line(line: Line) -> None:
    ended = line.run(line.request(steps="ENV A=b\n\nRUN echo fine && \\\n  ls /no-such-folder\n"))
    assert ended.failure.reason is Reason.STEP_FAILED
    assert ended.failure.location == "Dockerfile.steps:3"
    assert ended.failure.message == (
        "Dockerfile.steps:3: `RUN echo fine && ls /no-such-folder` ended with exit code 2: "
        "ls: cannot access '/no-such-folder': No such file or directory"
    )


def test_an_engine_that_does_not_answer(line: Line, tmp_path: Path) -> None:
    ended = line.run(line.request("numpy"), DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert ended.failure.reason is Reason.ENGINE_UNREACHABLE
    assert ended.failure.message == (
        f"Docker Engine does not answer at unix://{tmp_path}/none.sock: No such file or directory."
    )
    assert ended.failure.retryable is True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])
def test_a_build_that_is_ended_leaves_nothing_running(line: Line, number: signal.Signals) -> None:
    steps = f"LABEL namespace={line.namespace}\nRUN sleep 300\n"
    build = line.start(line.request(steps=steps))
    wait_until(lambda: running(line), "the step to run")
    os.kill(build.process.pid, number)
    if number is signal.SIGTERM:
        assert build.end().failure.reason is Reason.TASK_INTERRUPTED
        assert "RUN sleep 300" in line.kept_log(build.request)
    else:
        build.process.wait()
    wait_until(lambda: not running(line), "the engine to end the step")


def running(line: Line) -> bool:
    found = line.engine.containers.list(filters={"label": f"namespace={line.namespace}"})
    return any("sleep" in str(container.attrs["Args"]) for container in found)


def test_a_build_that_is_ended_while_packages_install_is_tidied_up(line: Line) -> None:
    """An index that never answers keeps pip waiting."""
    with ThreadingHTTPServer((line.cluster.gateway, 0), BaseHTTPRequestHandler) as server:
        host = f"{line.cluster.gateway}:{server.server_port}"  # accepts, and says nothing
        build = line.start(
            line.request("numpy"),
            FAIRLEAD_PACKAGE_INDEX=f"http://{host}/simple",
            FAIRLEAD_INSECURE_HOSTS=host,
        )
        wait_until(lambda: "Looking in indexes" in build.log, "pip to ask")
        build.process.terminate()
        ended = build.end()
    assert ended.failure.reason is Reason.TASK_INTERRUPTED
    assert line.left_behind() == []
