"""What the operator's start imports is most of its processor time, and stays in its memory."""

import subprocess
import sys

UNNEEDED = {
    "docker",
    "dulwich",
    "google.auth.transport",
    "httpcore",  # what speaks to registries: only to read the log of a task that has ended
    "httpx",
    "psutil",  # tasks as child processes
    "rattler",
    "rich.console",
    "tests",
    "typer",
}
START = """
import gc, sys
from fairlead.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
print(*sys.modules)
"""


def started() -> list[str]:
    """What a start says that ends as soon as all is imported."""
    done = subprocess.run(
        [sys.executable, "-c", START, "--version"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_start_imports_nothing_that_it_does_not_need() -> None:
    *_, modules = started()
    assert "fairlead.operator_program" in modules.split()
    assert not UNNEEDED & {*modules.split()}


def test_garbage_is_looked_for_once_it_has_started_but_not_among_modules() -> None:
    version, collecting, _ = started()
    assert version.startswith("fairlead ")
    assert collecting == "True True"
