"""A task is a fresh interpreter: what it imports is most of what a short one takes."""

import subprocess
import sys

import pytest

UNNEEDED = {
    "asyncio",
    "click",  # httpx's command line
    "docker",
    "dulwich",
    "fairlead.api.webservice",
    "importlib.metadata",  # what looks for pydantic's plugins
    "kopf",
    "kubernetes",
    "multiprocessing",
    "packaging.metadata",
    "pygments",
    "rattler",
    "rich",
    "typer",
}
NEEDED_TO_MAKE = {
    "fairlead.images.runtime_layer",
    "fairlead.sources.kinds",
    "packaging",
    "yaml",
    "zipfile",
}
"""What makes layers, and reads sources: a changed script needs none of it."""


@pytest.mark.parametrize("program", ["assemble", "publish"])
def test_what_each_changed_script_waits_for_imports_least(program: str) -> None:
    assert not (UNNEEDED | NEEDED_TO_MAKE) & imported(program)


@pytest.mark.parametrize("program", ["resolve", "ingest"])
def test_a_short_task_imports_nothing_that_it_does_not_use(program: str) -> None:
    assert not UNNEEDED & imported(program)


def imported(program: str) -> set[str]:
    code = f"import fairlead.tasks.in_job, fairlead.tasks.{program}, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    return set(done.stdout.split())
