"""What is handed to a container that tries an image, and what is taken from it."""

import io
import tarfile
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound

from fairlead.engines import docker_trial
from fairlead.engines.docker_trial import (
    MAX_RESULT_BYTES,
    ImageNotPulledError,
    Trial,
    TrialEnd,
    handed,
    left_result,
    limits_of,
    result_path,
    run_trial,
)

IMAGE = f"localhost:5000/demo/diabetes@sha256:{'ab' * 32}"
TRIAL = Trial(IMAGE, "smoke-test", b"{}", {"A": "b"}, {"memory": "1Gi"})


class Printed:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def phase(self, name: str) -> None:
        self.lines.append(f"[{name}]")

    def write(self, text: str) -> None:
        self.lines.append(text)


def archive(name: str, content: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as made:
        member = tarfile.TarInfo(name)
        member.type = kind
        member.size = len(content)
        made.addfile(member, io.BytesIO(content))
    return target.getvalue()


class Container:
    def __init__(self, result: bytes | None = b"{}") -> None:
        self.result, self.removed, self.put = result, 0, b""
        self.attrs: dict[str, Any] = {"State": {"OOMKilled": True}}

    def put_archive(self, _: str, content: bytes) -> None:
        self.put = content

    def start(self) -> None: ...
    def reload(self) -> None: ...

    def logs(self, **asked: Any) -> Any:
        return iter([b"loading\n"]) if asked.get("stream") else b"loading\nthe end"

    def wait(self) -> dict[str, int]:
        return {"StatusCode": 137}

    def get_archive(self, _: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        if self.result is None:
            raise APIError("gone")
        return iter([archive("result", self.result)]), {}

    def remove(self, **_: Any) -> None:
        self.removed += 1


class Engine:
    """A client with one image, where ``has`` it, or where it can be pulled."""

    def __init__(self, container: Container, *, has: bool = False, pulls: bool = True) -> None:
        self.container, self.has, self.pulls = container, has, pulls
        self.left = Container()
        self.created: dict[str, Any] = {}
        self.gone: list[str] = []
        self.images = self.containers = self

    def get(self, name: str) -> str:
        if not self.has:
            raise ImageNotFound(name)
        return name

    def pull(self, repository: str, tag: str) -> str:
        if not self.pulls:
            raise APIError("no", explanation="denied")
        return f"{repository}@{tag}"

    def create(self, image: str, command: list[str], **options: Any) -> Container:
        self.created = {"image": image, "command": command, **options}
        return self.container

    def list(self, **_: Any) -> Sequence[Container]:
        return [self.left]

    def remove(self, name: str) -> None:
        self.gone.append(name)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None: ...


def tried(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> tuple[TrialEnd, Printed]:
    monkeypatch.setattr(docker_trial, "engine", lambda _: engine)
    log = Printed()
    return run_trial(TRIAL, log), log


def test_a_container_runs_to_its_end_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(Container(b'{"ok": {}}'))
    end, log = tried(engine, monkeypatch)
    assert end == TrialEnd(137, '{"ok": {}}', out_of_memory=True)
    assert log.lines == ["[image]", f"Pulling {IMAGE}", "[smoke-test]", "loading"]
    assert engine.created["image"] == IMAGE
    assert engine.created["command"] == ["--smoke-test", "/fairlead-trial/order.json"]
    assert engine.created["cap_drop"] == ["ALL"]
    assert engine.created["security_opt"] == ["no-new-privileges"]
    assert engine.created["mem_limit"] == 2**30
    assert (engine.container.removed, engine.left.removed, engine.gone) == (1, 1, [IMAGE])


def test_an_image_that_was_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(Container(None), has=True)
    end, _ = tried(engine, monkeypatch)
    assert end.message == "loading\nthe end"  # as the kubelet falls back to the log
    assert not engine.gone


def test_an_image_that_cannot_be_had_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageNotPulledError, match="was not pulled: denied"):
        tried(Engine(Container(), pulls=False), monkeypatch)


def test_the_order_is_readable_and_the_result_the_users() -> None:
    with tarfile.open(fileobj=io.BytesIO(handed(b'{"sample": "1"}'))) as found:
        members = {member.name: member for member in found.getmembers()}
        order = found.extractfile("fairlead-trial/order.json")
        assert order
        assert order.read() == b'{"sample": "1"}'
    assert members["fairlead-trial/result"].uid == 10001
    assert members["fairlead-trial/order.json"].uid == 0
    assert result_path() == "/fairlead-trial/result"


@pytest.mark.parametrize(
    ("limits", "given"),
    [
        ({}, {}),
        ({"cpu": "500m"}, {"nano_cpus": 500_000_000}),
        ({"memory": "1Mi"}, {"mem_limit": 2**20, "memswap_limit": 2**20}),
    ],
)
def test_limits_are_those_of_a_pod(limits: dict[str, str], given: dict[str, int]) -> None:
    assert limits_of(limits) == given


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (archive("result", b"words"), "words"),
        (archive("result", b"", tarfile.DIRTYPE), ""),
        (archive("result", b"x" * (MAX_RESULT_BYTES + 1)), ""),
        (b"no archive", ""),
    ],
)
def test_what_a_container_leaves_is_read_within_bounds(content: bytes, text: str) -> None:
    assert left_result(iter([content])) == text
