"""A task is a fresh interpreter: what it imports is most of what a short one takes."""

import subprocess
import sys

import pytest

UNNEEDED = {
    "click",  # httpx's command line
    "docker",
    "dulwich",
    "kopf",
    "kubernetes",
    "packaging.metadata",
    "pygments",
    "rattler",
    "rich",
    "typer",
}


@pytest.mark.parametrize("program", ["assemble", "resolve", "ingest"])
def test_a_short_task_imports_nothing_that_it_does_not_use(program: str) -> None:
    code = f"import fairlead.tasks.{program}, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    assert not UNNEEDED & set(done.stdout.split())
