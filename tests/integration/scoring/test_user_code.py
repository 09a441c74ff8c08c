"""User code runs as if nobody else were there: its packages, its modules, its output."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.integration.scoring.conftest import Serve, pip
from tests.integration.scoring.service import ECHO, wait_until

SEES = """
import importlib, sys

versions = {name: importlib.import_module(name).__version__ for name in ("click", "h11")}


def init():
    pass


def run(data):
    return versions
"""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds nothing but the standard library."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


def site_packages(python: Path) -> str:
    command = [str(python), "-c", "import site; print(site.getsitepackages()[0])"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_users_pins_and_ours_do_not_meet(serve: Serve, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    pip("install", "--target", site_packages(python), "--no-deps", "click==7.1.2", "h11==0.9.0")
    service = serve(SEES, python=python).until_ready()
    assert service.score("").json() == {"click": "7.1.2", "h11": "0.9.0"}


def test_nothing_of_the_fronts_can_be_imported(
    serve: Serve, environment: Path, runtime: Path
) -> None:
    names = {path.name.partition(".")[0] for path in runtime.iterdir()} - {"bin"}
    packages = sorted(name for name in names if name.isidentifier())
    ours = {path.stem for path in (runtime / "fairlead_scoring" / "slot").glob("[a-z]*.py")}
    modules = sorted(ours - sys.stdlib_module_names)
    assert {"uvicorn", "httptools", "uvloop", "prometheus_client", "fairlead_scoring"} <= names
    script = f"""
import importlib.util, sys

found = [name for name in {packages + modules} if importlib.util.find_spec(name)]
found += [name for name in sys.modules if name.partition(".")[0] in {packages}]


def init():
    import werkzeug


def run(data):
    return found
"""
    assert serve(script, python=environment).until_ready().score("").json() == []


def test_no_module_of_the_user_is_shadowed(serve: Serve, environment: Path) -> None:
    names = ["wire", "utils", "config", "main", "script", "record", "program", "app"]
    script = f"""
import importlib

{"; ".join(f"import {name}" for name in names)}


def init():
    pass


def run(data):
    return [importlib.import_module(name).MINE for name in {names}]
"""
    files = {f"{name}.py": f"MINE = '{name}'\n" for name in names}
    service = serve(script, python=environment, files=files).until_ready()
    assert service.score("").json() == names


def test_modules_are_found_where_the_contract_says(serve: Serve, environment: Path) -> None:
    script = """
import sys

import at_root
import in_source
import beside


def init():
    pass


def run(data):
    return [at_root.HERE, in_source.HERE, beside.HERE, sys.path[-6:], sys.argv, __name__]
"""
    files = {
        "at_root.py": "HERE = 'root'\n",
        "src/in_source.py": "HERE = 'source'\n",
        "src/deep/beside.py": "HERE = 'beside'\n",
        "src/deep/score.py": script,
    }
    service = serve(
        ECHO,
        python=environment,
        files=files,
        AZUREML_SOURCE_DIRECTORY="src",
        AZUREML_ENTRY_SCRIPT="src/deep/score.py",
    ).until_ready()
    *found, paths, argv, name = service.score("").json()
    root = str(service.root)
    assert found == ["root", "source", "beside"]
    assert paths[:3] == [root, f"{root}/src", f"{root}/src/deep"]
    assert paths[3].endswith("shims")
    assert paths[4].endswith("/script-packages")
    assert paths[5].endswith("/debugger")
    assert argv == [f"{root}/src/deep/score.py"]
    assert name == "entry_module"


def test_without_an_entry_script_it_is_main(serve: Serve) -> None:
    service = serve("not Python", files={"main.py": ECHO}, AZUREML_ENTRY_SCRIPT="").until_ready()
    assert service.score("1").json() == "1"


@pytest.mark.parametrize("place", ["src", "packages"])
def test_without_an_entry_script_main_is_found_where_python_finds_it(
    serve: Serve, tmp_path: Path, place: str
) -> None:
    script = ECHO.replace("return data", "return __file__")
    packages = tmp_path / "packages"
    packages.mkdir()
    if place == "packages":
        (packages / "main.py").write_text(script)
    service = serve(
        ECHO,
        files={"src/main.py": script},
        AZUREML_ENTRY_SCRIPT="",
        AZUREML_SOURCE_DIRECTORY="src",
        PYTHONPATH=str(packages),
    ).until_ready()
    folder = packages if place == "packages" else service.root / "src"
    assert service.score("").json() == f"{folder}/main.py"


def test_without_any_script_it_is_said_where_it_was_looked_for(serve: Serve) -> None:
    service = serve(ECHO, AZUREML_ENTRY_SCRIPT="")
    assert service.exit_code() == 3
    assert "No score script found. Expected score script main.py." in service.err
    assert "Expected script to be found in PYTHONPATH: ['" in service.err
    assert "Current contents of AML_APP_ROOT: ['score.py']" in service.err
    assert service.record["message"] == "No module named 'main'"


def test_the_guides_script_works_unchanged(serve: Serve, environment: Path) -> None:
    script = """
import json
import pickle
from azureml.core.model import Model


def init():
    global model
    model_path = Model.get_model_path('sklearn_regression_model.pkl')
    with open(model_path) as file:
        model = json.load(file)


def run(raw_data):
    try:
        data = json.loads(raw_data)['data']
        return [sum(w * x for w, x in zip(model, row)) for row in data]
    except Exception as e:
        error = str(e)
        return error
"""
    model = "azureml-models/sklearn_regression_model.pkl/2/sklearn_regression_model.pkl"
    service = serve(script, python=environment, files={model: "[1, 10]"}).until_ready()
    assert service.score('{"data": [[1, 2], [3, 4]]}').json() == [21, 43]
    assert service.score("{}").text == "\"'data'\""


def test_what_the_script_says_is_kept(serve: Serve) -> None:
    script = """
import contextlib
import io
import logging
import os
import subprocess
import sys

print("at import")


def init():
    logging.getLogger("mine").info("told at INFO, token=abc123")
    sys.stdout.write("written\\n")
    os.write(1, b"to the descriptor\\n")
    subprocess.run(["echo", "by a child"], check=True)


def run(data):
    print("got", data, sep=": ")
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught):
        print("caught")
    print("to stderr", file=sys.stderr)
    return caught.getvalue()
"""
    service = serve(script).until_ready()
    assert service.score("1").json() == "caught\n"
    said = [line.partition(" - ")[2] or line for line in service.out.splitlines()]
    expected = ["at import", "written", "to the descriptor", "by a child", "got: 1"]
    assert [line for line in said if line in expected] == expected
    assert " mine - told at INFO, token=abc123" in service.err, "the user's words are the user's"
    assert "\nto stderr\n" in service.err


def test_print_follows_descriptor_1(serve: Serve) -> None:
    script = """
import os


def init():
    print("to the log")
    kept = os.dup(1)
    os.dup2(os.open("captured", os.O_WRONLY | os.O_CREAT), 1)
    print("to the file")
    os.dup2(kept, 1)
    print("to the log again")


def run(data):
    return open("captured").read()
"""
    service = serve(script).until_ready()
    assert service.score("").json().endswith(" azmlinfsrv.print - to the file\n")
    said = [line.partition(" - ")[2] for line in service.out.splitlines()]
    assert [line for line in said if line.startswith("to the")] == [
        "to the log",
        "to the log again",
    ]


def test_a_scripts_own_logging_setup_is_respected(serve: Serve) -> None:
    script = (
        "import logging\nlogging.basicConfig(level=logging.DEBUG, format='mine: %(message)s')\n"
    )
    service = serve(script + ECHO.replace("pass", "logging.debug('detail')")).until_ready()
    wait_until(lambda: "mine: detail\n" in service.err, "the line of the script's own format")


def test_a_dataclass_in_the_script_can_be_made(serve: Serve) -> None:
    script = """
from __future__ import annotations

import dataclasses
import pickle


@dataclasses.dataclass
class Point:
    x: dataclasses.InitVar[int]
    y: int = 0


def init():
    pass


def run(data):
    return pickle.loads(pickle.dumps(Point(1, 2))).y
"""
    assert serve(script).until_ready().score("").json() == 2


def test_run_finds_its_parameters_by_name(serve: Serve) -> None:
    script = """
def init():
    pass


def run(request_headers, *, anything):
    return [anything, request_headers["X-A"]]
"""
    assert serve(script).until_ready().score("1", x_a="2").json() == ["1", "2"]


def test_the_error_of_a_request_is_in_the_log_under_its_id(serve: Serve) -> None:
    script = "def init():\n    pass\n\n\ndef run(data):\n    raise ValueError('password=hunter2')\n"
    service = serve(script).until_ready()
    assert service.score("1", x_request_id="r-1").status_code == 500
    expected = (
        "fairlead - run() failed in request r-1. Encountered Exception: Traceback (most recent "
        f'call last):\n  File "{service.root}/score.py", line 6, in run\n'
        "    raise ValueError('password=***')\nValueError: password=***\n"
    )
    wait_until(lambda: expected in service.err, "the traceback, without our own frames")


def test_the_version_of_python_is_the_environments(serve: Serve, environment: Path) -> None:
    script = "import sys\n" + ECHO.replace("return data", "return [sys.prefix, sys.flags.isolated]")
    found = serve(script, python=environment).until_ready().score("").json()
    assert found == [str(environment.parents[1]), 0]
    assert json.dumps(sys.prefix) not in found
