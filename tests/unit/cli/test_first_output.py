"""How soon a command says something: in processor time, beside what no command can do without."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

DEADLINE_S = 300
RUNS = 5
REFERENCE = "import json, re, ssl, typer.main, urllib3, yaml"
"""Options are read, a kubeconfig is, and a server is asked by TLS."""
MOST_TIMES = 2.0  # as long as the reference takes; 1.2 is usual
UNNEEDED = (
    *("aiohttp", "asyncio", "docker", "httpx", "kubernetes", "kopf", "pydantic", "requests"),
    *("pydantic_settings", "rich.console", "jinja2", "pathspec"),
)
COMMANDS = {
    "get": ["get"],
    "describe": ["describe", "credit"],
    "run": ["run", "credit", "{}"],
    "logs": ["logs", "credit"],
    "delete": ["delete", "credit"],
}


@pytest.fixture(scope="module")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def environ(tmp_path: Path, bytecode: Path) -> dict[str, str]:
    """Of a cluster that is not there; with a cache of bytecode, as an installed program has one."""
    user = {"token": "t0ken"}
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    return {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "PYTHONPYCACHEPREFIX": str(bytecode),
    }


def seconds(code: str, words: list[str], environ: dict[str, str]) -> float:
    """Processor time of the quickest of some runs: others that are at work only ever add to it."""
    taken = list[float]()
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", code, *words],
            env=environ,
            check=False,
            capture_output=True,
            timeout=DEADLINE_S,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def test_a_command_takes_little_more_than_its_libraries(environ: dict[str, str]) -> None:
    program = "import sys; from fairlead.cli.program import main; sys.argv[0] = 'fairlead'; main()"
    bare = seconds(REFERENCE, [], environ)
    whole = seconds(program, ["get"], environ)
    assert whole < MOST_TIMES * bare, f"{whole:.3f} s beside {bare:.3f} s"


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_command_imports_nothing_that_it_does_not_need(
    words: list[str], environ: dict[str, str]
) -> None:
    code = (
        "import sys; from fairlead.cli.program import main\n"
        "sys.argv[0] = 'fairlead'\n"
        "try: main()\n"
        f"except SystemExit: print(*(name for name in {UNNEEDED!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert "ApiUnreachable" in done.stderr
    assert done.stdout.split() == []


def test_no_command_imports_the_command_line_of_a_library(environ: dict[str, str]) -> None:
    """Some of them speak to registries by httpx."""
    code = (
        "import sys; from fairlead.cli.program import main\n"
        "sys.argv[:] = ['fairlead', '--help']\n"
        "try: main()\n"
        "except SystemExit: import httpx; print('rich' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.check_output(command, env=environ, text=True, timeout=DEADLINE_S)
    assert said.endswith("False\n")
