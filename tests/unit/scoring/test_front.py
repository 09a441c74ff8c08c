"""The small pure parts of the front: counters, progress, and the words for an end."""

from pathlib import Path
from typing import Any

import pytest

from fairlead_scoring.front.failure import death, how_it_ended, interruption
from fairlead_scoring.front.memory import oom_kills
from fairlead_scoring.front.progress import Progress
from fairlead_scoring.slot.record import Failure

AT = {"file": "score.py", "line": 12, "function": "init", "code": "model = download()"}
V2 = "low 0\nhigh 0\nmax 3\noom 3\noom_kill 2\noom_group_kill 0\n"
V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        pytest.param({"memory.events": V2}, 2, id="cgroup v2"),
        pytest.param({"memory.oom_control": V1}, 1, id="cgroup v1"),
        pytest.param({}, 0, id="neither"),
        pytest.param({"memory.events": "low 0\n"}, 0, id="an old kernel"),
    ],
)
def test_the_kernels_count_is_read(tmp_path: Path, files: dict[str, str], kills: int) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert oom_kills([tmp_path / "memory.events", tmp_path / "memory.oom_control"]) == kills


def spoken(progress: Progress, stage: str, *seconds: float) -> list[str]:
    frames: list[dict[str, Any]] = [
        {"type": "progress", "stage": stage, "seconds": s, "location": AT} for s in seconds
    ]
    return [line for frame in frames if (line := progress.note(frame))]


def test_the_log_hears_of_a_slow_start_every_30_seconds() -> None:
    progress = Progress("score.py")
    assert spoken(progress, "import", 5, 25) == []
    said = (
        "score.py has been in init() for {} s, now at score.py:12 (model = download()). The "
        "service is not ready before init() returns."
    )
    assert spoken(progress, "init", *range(5, 95, 5)) == [said.format(s) for s in (30, 60, 90)]
    assert (progress.stage, progress.location) == ("init", AT)


def test_a_place_that_is_not_known_is_left_out() -> None:
    frame = {"type": "progress", "stage": "import", "seconds": 31.0, "location": None}
    assert Progress("score.py").note(frame) == (
        "score.py has been in its import for 31 s. The service is not ready before init() returns."
    )


@pytest.mark.parametrize(
    ("code", "out_of_memory", "words"),
    [
        (0, False, "ended with exit code 0"),
        (-11, False, "was killed by SIGSEGV"),
        (-9, True, "used more memory than the container may have and was killed by the kernel"),
    ],
)
def test_an_end_is_put_into_words(code: int, *, out_of_memory: bool, words: str) -> None:
    assert how_it_ended(code, out_of_memory=out_of_memory) == words


@pytest.mark.parametrize(
    ("code", "out_of_memory", "exception"),
    [(1, False, "ProcessExited"), (-9, False, "ProcessKilled"), (-9, True, "OutOfMemory")],
)
def test_a_death_has_a_name(code: int, *, out_of_memory: bool, exception: str) -> None:
    found = death(code, Progress("score.py", "init"), out_of_memory=out_of_memory)
    assert (found.stage, found.exception) == ("init", exception)
    assert found.message.startswith("The process that runs score.py ")
    assert found.message.endswith(" during init().")


def test_an_interruption_says_where_the_script_was() -> None:
    assert interruption(Progress("score.py", "init", AT), 310.4) == Failure(
        "init",
        "InitInterrupted",
        "The service was told to stop after 310 s; score.py was still in init().",
        AT,
    )
