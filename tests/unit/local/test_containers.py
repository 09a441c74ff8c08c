"""Services that are containers: what Docker Engine is asked, and what its answers mean."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound, NotFound

from fairlead.api.reasons import Reason
from fairlead.api.webservice import WebserviceSpec
from fairlead.engines.base import EngineUnreachableError
from fairlead.local import containers, engine
from fairlead.local.container_maker import _published, _started, limits_of
from fairlead.local.containers import (
    RECORD,
    Containers,
    code_archive,
    images_of,
    record_archive,
)
from fairlead.local.errors import LocalError
from fairlead.local.host import Exit
from tests.unit.local.services import service

ONE = service(container="c1", image="fairlead.local/services:1", environment="e1")


@dataclass
class Container:
    """Of Docker's SDK, as far as it is used."""

    state: dict[str, Any] = field(default_factory=lambda: {"Status": "running"})
    record: bytes = b""
    calls: list[object] = field(default_factory=list)
    files: str = ""

    @property
    def attrs(self) -> dict[str, Any]:
        return {"State": self.state}

    def get_archive(self, path: str) -> tuple[list[bytes], dict[str, Any]]:
        if not self.record:
            raise NotFound(path)
        return [self.record], {}

    def exec_run(self, command: list[str], user: str) -> Any:
        self.calls.append((command[3:], user))
        return type("Ran", (), {"output": self.files.encode()})

    def put_archive(self, _: str, content: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            self.calls.append([member.name for member in archive if member.isreg()])

    def logs(self, **_: object) -> Any:
        return iter([b"line\n"]) if _ else b"line\n"

    def stop(self, timeout: int) -> None:
        self.calls.append(f"stop {timeout}")

    def remove(self, **_: object) -> None:
        self.calls.append("remove")


class Docker:
    """Of Docker's SDK, with one container."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.removed: list[str] = []
        self.containers = self.images = self

    def get(self, identifier: str) -> Container:
        if identifier != "c1":
            raise NotFound(identifier)
        return self.container

    def remove(self, image: str) -> None:
        self.removed.append(image)
        if image.endswith(":e1"):
            raise ImageNotFound(image)


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Container:
    one = Container()
    docker = Docker(one)
    one.calls.append(docker)

    @contextmanager
    def client() -> Iterator[Docker]:
        yield docker

    monkeypatch.setattr(containers, "client", client)
    return one


def test_one_that_runs_has_not_ended(container: Container, tmp_path: Path) -> None:
    assert Containers().addresses(ONE) == {"127.0.0.1"}
    assert Containers().addresses(service()) == set()
    assert Containers().ended(ONE, tmp_path) is None
    container.state = {"Status": "exited", "ExitCode": 3}
    assert Containers().ended(ONE, tmp_path) == Exit(3, "")
    gone = ONE.model_copy(update={"container": "c2"})
    assert Containers().ended(gone, tmp_path) == Exit(None, "")
    assert Containers().ended(service(), tmp_path) == Exit(None, "")


@pytest.mark.usefixtures("container")
def test_what_the_runtime_left_behind_is_read_within_bounds(
    container: Container, tmp_path: Path
) -> None:
    container.state = {"Status": "exited", "ExitCode": 3}
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("record")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"why?"))
    container.record = target.getvalue()
    assert Containers().ended(ONE, tmp_path) == Exit(3, "why?")
    for odd in (b"x" * 100, b"x" * 100_000):
        container.record = odd
        assert Containers().ended(ONE, tmp_path) == Exit(3, "")


def test_changed_code_is_put_and_what_is_gone_is_removed(
    container: Container, tmp_path: Path
) -> None:
    container.files = "score.py\nold.py\n.fairlead-termination-log\n"
    Containers().put_code(ONE, tmp_path, {"score.py": b"1", "lib/a.py": b"a"})
    _, listed, put, removed = container.calls
    assert listed == (["/var/azureml-app"], "0")
    assert put == ["var/azureml-app/lib/a.py", "var/azureml-app/score.py"]
    assert removed == (["/var/azureml-app/old.py"], "0")


def test_logs_of_now_are_kept_when_it_is_stopped(container: Container, tmp_path: Path) -> None:
    keeper = Containers()
    assert keeper.log(ONE, tmp_path) == b"line\n"
    assert list(keeper.followed(ONE, tmp_path)) == [b"line\n"]
    keeper.stop(ONE, tmp_path)
    assert container.calls[1:] == ["stop 10", "remove"]
    previous = tmp_path / "previous.log"
    assert previous.read_bytes() == b"line\n"
    assert previous.stat().st_mode & 0o777 == 0o600
    gone = ONE.model_copy(update={"container": "c2"})
    assert keeper.log(gone, tmp_path) == b""
    keeper.stop(gone, tmp_path)
    keeper.stop(service(), tmp_path)


def test_images_go_with_the_last_service_that_has_them(container: Container) -> None:
    docker = container.calls[0]
    assert isinstance(docker, Docker)
    Containers().forget(ONE, (ONE,))
    assert docker.removed == []
    Containers().forget(ONE, (ONE.model_copy(update={"image": "other"}),))
    assert docker.removed == ["fairlead.local/services:1"]
    Containers().forget(ONE, ())
    assert docker.removed[-1] == "fairlead.local/environments:e1"
    assert images_of(service()) == ()


def test_what_is_put_into_a_container_is_what_a_layer_has() -> None:
    with tarfile.open(fileobj=io.BytesIO(code_archive({"score.py": b"1"}))) as archive:
        [code] = [member for member in archive if member.isreg()]
    assert (code.name, code.mode, code.uid, code.mtime) == ("var/azureml-app/score.py", 0o644, 0, 0)
    with tarfile.open(fileobj=io.BytesIO(record_archive(10001))) as archive:
        [record] = archive.getmembers()
    assert (record.name, record.uid, record.mode) == (RECORD, 10001, 0o600)


def test_ports_are_published_on_loopback_alone() -> None:
    assert _published(ONE) == {"5001/tcp": ("127.0.0.1", 8890)}
    debugged = ONE.model_copy(update={"debug_port": 5679})
    assert _published(debugged)["5678/tcp"] == ("127.0.0.1", 5679)


@pytest.mark.parametrize(
    ("said", "port"),
    [("Bind for 127.0.0.1:8890 failed: port is already allocated", 8890),
     ("Bind for 127.0.0.1:5679 failed: port is already allocated", 5679)],
)  # fmt: skip
def test_the_port_that_is_taken_is_told(said: str, port: int) -> None:
    class Refused:
        def start(self) -> None:
            raise APIError("no", explanation=said)

    debugged = ONE.model_copy(update={"debug_port": 5679})
    with pytest.raises(LocalError, match=f"Port {port} is taken"):
        _started(Refused(), debugged)  # type: ignore[arg-type]


def test_limits_are_those_of_the_spec() -> None:
    limits = {"memory": "1Gi", "cpu": "500m"}
    spec = {"imageRef": {"name": "a"}, "resources": {"limits": limits}}
    assert limits_of(WebserviceSpec.model_validate(spec)) == (1024**3, 500_000_000)
    assert limits_of(WebserviceSpec.model_validate({"imageRef": {"name": "a"}})) == (0, 0)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Docker Engine does not answer at …: Permission denied.", "group docker"),
        ("Docker Engine does not answer at …: No such file or directory.", "Start Docker Engine"),
    ],
)
def test_an_engine_that_does_not_answer_is_told_with_what_to_do(
    said: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def silent() -> Iterator[None]:
        raise EngineUnreachableError(said)
        yield

    monkeypatch.setattr(engine, "engine", silent)
    with pytest.raises(LocalError) as caught, engine.client():
        pass
    assert caught.value.finding.reason == Reason.ENGINE_UNREACHABLE
    assert remedy in str(caught.value.finding.remedy)
    assert "--no-container" in str(caught.value.finding.remedy)


def test_a_refusal_of_the_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def refusing() -> Iterator[None]:
        yield None

    monkeypatch.setattr(engine, "engine", refusing)
    with pytest.raises(LocalError, match="no space left on device"), engine.client():
        raise APIError("500", explanation="no space left on device")
