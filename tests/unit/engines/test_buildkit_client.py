"""BuildKit's client as a child process; a script stands in for it."""

import json
from pathlib import Path

import pytest

from fairlead.engines import buildkit_client
from fairlead.engines.buildkit_client import BuildkitClient, Solve
from fairlead.tasks.program import TaskCancelledError

GONE = "error: failed to receive status: rpc error: code = Unavailable desc = EOF"


def client(folder: Path, script: str) -> BuildkitClient:
    program = folder / "buildctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    return BuildkitClient(program, "unix:///socket", home)


def solve(folder: Path, target: str = "base", made: Path | None = None) -> Solve:
    return Solve(folder / "context", ("b", folder / "base", "sha256:1"), target, made, [])


def test_it_is_told_what_to_build_and_knows_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret")
    mine = client(tmp_path, f'echo "$@" > {tmp_path}/args; env > {tmp_path}/env')
    logged: list[str] = []
    ended = mine.solve(solve(tmp_path, "", tmp_path / "image.tar"), logged.append)
    assert (ended.ok, ended.error, ended.lost) == (True, "", False)
    arguments = (tmp_path / "args").read_text().split()
    assert arguments[:2] == ["--addr=unix:///socket", "build"]
    assert "--opt=context:b=oci-layout://b@sha256:1" in arguments
    assert f"--output=type=oci,dest={tmp_path}/image.tar" in arguments
    assert not [one for one in arguments if "target" in one]
    known = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert known["DOCKER_CONFIG"] == known["HOME"] == str(tmp_path / "home")
    assert "REGISTRY_PASSWORD" not in known


def test_a_build_that_fails_is_told_by_its_last_word(tmp_path: Path) -> None:
    mine = client(tmp_path, 'echo "error: failed to solve: boo" >&2; exit 1')
    ended = mine.solve(solve(tmp_path), print)
    assert (ended.ok, ended.error, ended.lost) == (False, "boo", False)


@pytest.mark.parametrize("code", [0, 1])
def test_a_buildkit_that_does_not_answer_any_more_is_lost(tmp_path: Path, code: int) -> None:
    mine = client(tmp_path, f'test "$2" = debug && exit {code}\necho "{GONE}"; exit 1')
    ended = mine.solve(solve(tmp_path), print)
    assert (ended.ok, ended.lost) == (False, code == 1)


FAILED = 'process "/bin/sh -c ./get || (echo the connection is closing; exit 3)" did not complete'


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        ("context deadline exceeded", True),
        ("no active session for x4mk: context deadline exceeded", True),
        ("failed to compute cache key: context canceled", True),
        (f"{FAILED} successfully: exit code: 137: context canceled: context canceled", True),
        (f"{FAILED} successfully: context canceled", True),
        (f"{FAILED} successfully: exit code: 3", False),
        (f"{FAILED} successfully: exit code: 137", False),
        ('failed to compute cache key: "/docs/no active session.md": not found', False),
        ('failed to compute cache key: "/context canceled": not found', False),
    ],
)
def test_one_that_gives_up_is_no_fault_of_the_step(
    tmp_path: Path, error: str, *, lost: bool
) -> None:
    said = tmp_path / "said"
    said.write_text(f"error: failed to solve: {error}\n")
    mine = client(tmp_path, f'test "$2" = debug && exit 0\ncat {said}; exit 1')
    ended = mine.solve(solve(tmp_path), print)
    assert (ended.ok, ended.lost) == (False, lost)


def test_one_that_hangs_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buildkit_client, "ANSWER_TIMEOUT_S", 0.05)
    assert not client(tmp_path, "exec sleep 60").answers()


def test_a_build_that_nobody_wants_any_more_ends_its_client(tmp_path: Path) -> None:
    told = json.dumps({"vertexes": [{"digest": "1", "name": "begun", "started": "now"}]})
    mine = client(tmp_path, f"echo $$ > {tmp_path}/pid; echo '{told}'; exec sleep 60")

    def cancelled(_: str) -> None:
        raise TaskCancelledError

    with pytest.raises(TaskCancelledError):
        mine.solve(solve(tmp_path), cancelled)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()
