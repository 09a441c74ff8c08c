"""The program: what it imports, what it says of itself, and how it ends."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
import typer.main
from typer.testing import CliRunner

from fairlead.api.reasons import Reason
from fairlead.cli import exit_codes
from fairlead.cli.app import app
from fairlead.cli.reference import CODES, reference
from fairlead.cli.told import finds
from fairlead.local.errors import refusal
from fairlead.local.places import Places
from fairlead.local.service import Services, failure_of
from tests.unit.local.services import service

CHECKOUT = Path(__file__).parents[3]
DEADLINE_S = 300
HEAVY = ("aiohttp", "docker", "httpx", "kubernetes", "pydantic_settings", "requests", "yaml")
ONLY_OPERATOR = ("kopf", "prometheus_client", "structlog", "uvloop")


def python(code: str, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env=environ or None,
    )


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield path, command
    for name in inner:
        yield from commands(inner[name], (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_says_what_it_does_and_has_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"])
    assert shown.exit_code == 0
    assert ALL[path].help
    assert f"Example: fairlead {' '.join(path)}" in " ".join(shown.output.split())
    assert all(one.help for one in ALL[path].params if one.name != "help")


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_what_is_no_number_is_refused_wherever_one_is_asked_for(path: tuple[str, ...]) -> None:
    numbers = [one for one in ALL[path].params if "float" in one.type.name]
    assert all(one.callback for one in numbers), [one.name for one in numbers]


def test_the_document_is_made_of_the_commands() -> None:
    assert (CHECKOUT / "docs/cli.md").read_text() == reference(), "run `make cli-docs`"


def test_every_exit_code_is_documented() -> None:
    assert set(CODES) == {v for k, v in vars(exit_codes).items() if k.isupper()}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from fairlead.cli.program import main\n"
        "sys.argv = ['fairlead', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit:\n"
        "    loaded = [name for name, module in sys.modules.items() if module]\n"
        "    print(sorted({name.split('.')[0] for name in loaded}))"
    )
    for arguments in (["--help"], ["local", "--help"], ["local", "deploy", "--help"]):
        done = python(code, *arguments)
        assert done.returncode == 0, done.stderr
        loaded = json.loads(done.stdout.splitlines()[-1].replace("'", '"'))
        assert set(loaded) & {*HEAVY, *ONLY_OPERATOR} == set()


def test_it_works_where_what_only_the_operator_has_cannot_be_imported() -> None:
    code = (
        "import importlib, pkgutil, sys\n"
        f"for name in {ONLY_OPERATOR!r}: sys.modules[name] = None\n"
        "import fairlead.cli, fairlead.local\n"
        "for package in (fairlead.cli, fairlead.local):\n"
        "    for one in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(one.name)\n"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_without_its_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None\nfrom fairlead.cli.program import main; main()"
    done = python(code)
    assert done.returncode == exit_codes.USAGE
    assert "pip install 'fairlead[cli]'" in done.stderr


def test_a_bug_is_one_line_and_no_traceback() -> None:
    code = "from fairlead.cli import program\nimport sys\nsys.excepthook = program._bug\n1 / 0"
    done = python(code)
    assert done.returncode == exit_codes.BUG
    assert "InternalError: ZeroDivisionError: division by zero" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in python(code, FAIRLEAD_TRACEBACK="1").stderr


def test_a_bug_tells_no_secret() -> None:
    code = (
        "from fairlead.cli import program\nimport sys\nsys.excepthook = program._bug\n"
        "raise ValueError('Invalid header value: Bearer SUPERSECRETKEY123\x1b[2J')"
    )
    done = python(code)
    assert done.stderr.startswith("InternalError: ValueError: Invalid header value: Bearer ***\n")
    traceback = python(code, FAIRLEAD_TRACEBACK="1").stderr
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.endswith("ValueError: Invalid header value: Bearer ***\n")


def test_its_version() -> None:
    assert re.fullmatch(
        r"fairlead \d+\.\d+\.\d+\S*\n", CliRunner().invoke(app, ["--version"]).output
    )


FAILED = refusal(
    Reason.USER_SCRIPT_INIT_FAILED,
    "init() raised ValueError at score.py:12: the number of columns is 9, and the model was "
    "trained on 10",
    "Correct the code in score.py:12 in the source of InferenceImage 'credit'; the traceback is in "
    "the log: fairlead local logs credit.",
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """With one service that has failed."""
    state = Places(tmp_path / "fairlead/local", tmp_path)
    failure = failure_of(FAILED).model_copy(update={"location": "score.py:12"})
    services = Services(state)
    services.keep(service(failure=failure, models=("credit.pkl:1",), python="3.11.2"))
    return {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path), "TERM": "xterm"}


@pytest.mark.parametrize(
    ("screen", "columns", "command"),
    [
        ("describe", 100, "local describe"),
        ("describe-60", 60, "local describe credit"),
        ("ls", 80, "local ls"),
        ("no-such-service-60", 60, "local logs other"),
    ],
)
def test_screens(screen: str, columns: int, command: str, environ: dict[str, str]) -> None:
    """In a real terminal; colours apart. A screen that is to be another is written anew by hand."""
    program = str(Path(sys.executable).with_name("fairlead"))
    child = pexpect.spawn(
        program,
        command.split(),
        env={**environ, "PATH": "/usr/bin:/bin", "COLUMNS": str(columns), "LINES": "24"},
        dimensions=(24, columns),
        timeout=DEADLINE_S,
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    child.close()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", str(child.before)).replace("\r\n", "\n")
    expected = Path(__file__).parent / "screens" / f"{screen}.txt"
    assert shown == expected.read_text()
    limit = columns if command != "local ls" else 200
    wide = [line for line in shown.splitlines() if len(line) > limit and ":  " not in line]
    assert wide == []
    assert child.exitstatus == (exit_codes.NOT_FOUND if "other" in command else 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deploy"], "give manifests (-f, -k), or a script"),
        (["deploy", "-f", "a.yaml", "--conda-file", "b"], "-f and -k exclude --conda-file"),
        (["deploy", "--entry-script", "a.py", "--env", "X"], "'X' is not NAME=VALUE"),
        (["deploy", "--entry-script", "a.py", "--port", "0"], "--port"),
        (["lst"], "No such command"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["local", *arguments])
    assert done.exit_code == exit_codes.USAGE
    assert words in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_machine_reads_the_failure_too(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["local", "describe", "other", "-o", form])
    assert done.exit_code == exit_codes.NOT_FOUND
    assert "ServiceNotFound" in done.stdout
    assert done.stdout.startswith("{" if form == "json" else "failure:")


def test_what_there_is_for_machines(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    run = CliRunner().invoke
    [found] = json.loads(run(app, ["local", "ls", "-o", "json"]).stdout)["services"]
    assert (found["name"], found["state"]) == ("credit", "Failed")
    assert found["failure"]["location"] == "score.py:12"
    assert run(app, ["local", "ls", "-o", "name"]).stdout == "credit\n"
    assert run(app, ["local", "describe", "-o", "name"]).stdout == "credit\n"
    assert json.loads(run(app, ["local", "describe", "-o", "json"]).stdout) == found


@pytest.fixture
def spoilt(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of the only service, which cannot be read."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    record = Path(environ["HOME"]) / "fairlead/local/credit/service.json"
    record.write_text("{")
    return record


def test_a_record_that_cannot_be_read_is_listed(spoilt: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["local", "ls"]).stdout.splitlines()[1].split() == [
        *("credit", "Failed", "FileUnreadable")
    ]
    [found] = json.loads(run(app, ["local", "ls", "-o", "json"]).stdout)["services"]
    assert str(spoilt) in found["failure"]["message"]
    done = run(app, ["local", "delete", "--all"])
    assert done.exit_code == exit_codes.FAILED
    assert "Remove the folder" in " ".join(done.output.split())


@pytest.mark.parametrize("command", ["deploy", "delete"])
def test_a_folder_that_is_none_is_no_bug(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    script = ["--entry-script", str(tmp_path / "score.py"), "--no-container"]
    arguments = {"deploy": script, "delete": ["x"]}[command]
    done = CliRunner().invoke(app, ["local", command, *arguments])
    expected = {"deploy": exit_codes.UNAVAILABLE, "delete": exit_codes.NOT_FOUND}[command]
    assert done.exit_code == expected, done.output
    if command == "deploy":
        assert "This machine refuses it" in " ".join(done.output.split())


def test_what_is_no_fault_of_the_system_stays_a_bug() -> None:
    @finds
    def command() -> None:
        raise OSError("something of a library")

    with pytest.raises(OSError, match="something"):
        command()
