"""What BuildKit tells, in the words that the table of failures knows; recorded from 0.31."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.explain import explain
from fairlead.diagnosis.build.output import BuildOutput, Phase
from fairlead.engines.buildkit_progress import Progress
from fairlead.finding import Finding
from fairlead.inputs.dockerfile_steps import instructions

RECORDED = Path(__file__).parent / "buildkit"
FAILING = "ENV A=1\nWORKDIR /opt/x\nRUN echo one\nRUN echo boo >&2; exit 3\n"
UNREADABLE = "ENV ${X:?boo}=1\n"


def followed(lines: list[str], steps: str = "") -> tuple[Progress, tuple[str, ...]]:
    logged: list[str] = []
    progress = Progress(instructions(steps), logged.append)
    for line in lines:
        progress.add(line)
    finished = progress.finished()
    assert tuple(logged) == finished
    return progress, finished


def recorded(name: str, steps: str) -> tuple[Progress, tuple[str, ...]]:
    return followed((RECORDED / f"{name}.jsonl").read_text().splitlines(keepends=True), steps)


def explained(name: str, steps: str) -> Finding:
    progress, lines = recorded(name, steps)
    recipe = EnvironmentRecipe(base_image="b", steps=steps, steps_file="Dockerfile.steps")
    return explain(BuildOutput(Phase.STEPS, lines, progress.error, "buildkit"), recipe)


def vertex(name: str, digest: str = "sha256:1", **more: Any) -> str:
    about = {"digest": digest, "name": name, "started": "2026-11-27T02:19:09Z", **more}
    return json.dumps({"vertexes": [about]})


def printed(text: bytes, digest: str = "sha256:1") -> str:
    piece = {"vertex": digest, "stream": 1, "data": base64.b64encode(text).decode()}
    return json.dumps({"logs": [piece]})


def test_a_step_that_fails_is_told_with_the_users_own_line_and_exit_code() -> None:
    _, lines = recorded("bad", FAILING)
    assert [line for line in lines if line.startswith("Step ")] == [
        "Step 5/7 : WORKDIR /opt/x",
        "Step 6/7 : RUN echo one",
        "Step 7/7 : RUN echo boo >&2; exit 3",
    ]
    found = explained("bad", FAILING)
    assert (found.reason, found.location) == ("StepFailed", "Dockerfile.steps:4")
    assert found.message == (
        "Dockerfile.steps:4: `RUN echo boo >&2; exit 3` ended with exit code 3: boo"
    )


def test_a_step_that_cannot_be_read_is_told_with_its_line() -> None:
    found = explained("unread", UNREADABLE)
    assert (found.reason, found.location) == ("DockerfileStepsInvalid", "Dockerfile.steps:1")
    assert "X: boo" in found.message


def test_a_buildkit_that_ends_in_between_leaves_the_clients_word() -> None:
    progress, _ = recorded("lost", "RUN sleep 40\n")
    assert "code = Unavailable" in progress.error


def test_what_a_step_prints_is_put_together_line_by_line() -> None:
    lines = [vertex("[2/2] RUN x"), printed(b"one\ntw"), printed(b"o\r\nlast \xff")]
    assert followed(lines)[1] == ("[2/2] RUN x", "one", "two", "last \ufffd")


def test_a_line_without_end_is_bounded() -> None:
    piece = printed(b"a" * 15_000)
    assert all(len(line) <= 20_000 for line in followed([piece] * 5)[1])


@pytest.mark.parametrize(
    "line",
    [
        vertex("[internal] load build definition"),
        vertex("[base 1/1] RUN x", started=None),
        '{"vertexes": 3, "logs": [3, {"data": "%%%"}]}',
        '{"logs": [{"vertex": "v", "data": null}]}',
        "[]",
        "{" * 100_000,
        "",
    ],
)
def test_what_tells_nothing_is_passed_over(line: str) -> None:
    assert followed([line])[1] == ()


def test_a_step_is_told_once_and_one_that_is_not_the_users_by_its_name() -> None:
    steps = "RUN one\nENV A=1\nCOPY x /y\n"
    lines = [
        vertex("[base 1/2] RUN one"),
        vertex("[base 1/2] RUN one", completed="2026-11-27T02:19:10Z"),
        vertex("[base 2/2] COPY source/x /y", "sha256:2"),
        vertex("[base 3/3] RUN nobody's", "sha256:3"),
        vertex("[build 1/4] WORKDIR /opt/fairlead/build", "sha256:4"),
    ]
    assert followed(lines, steps)[1] == (
        "Step 4/6 : RUN one",
        "Step 6/6 : COPY x /y",
        "[base 3/3] RUN nobody's",
        "[build 1/4] WORKDIR /opt/fairlead/build",
    )


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ([], ""),
        (["error: failed to solve: no space left on device"], "no space left on device"),
        (["error: dockerfile parse error on line 7: x"], "dockerfile parse error line 7: x"),
        (["Dockerfile:5", "error: failed to solve: boo"], "boo"),
        (["panic: x"], "panic: x"),
    ],
)
def test_the_last_word_is_the_clients(said: list[str], error: str) -> None:
    assert followed(said)[0].error == error
