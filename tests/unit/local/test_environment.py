"""What a virtual environment is made from, and what it cannot be."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import EnvironmentRecipe
from fairlead.images.bundled_runtime import Runtime, RuntimeInstallError
from fairlead.local import interpreters, virtual_environment
from fairlead.local.errors import LocalError
from fairlead.local.interpreters import candidates, interpreter, minor_asked, version_of
from fairlead.local.preparation import Prepared
from fairlead.local.variables import local_variables, moved
from fairlead.local.virtual_environment import (
    Installation,
    VirtualEnvironment,
    check_recipe,
    clean_environment,
    lay_out,
    make_environment,
)
from fairlead.requirement import CondaRecipe, Requirement
from fairlead.settings import Settings
from tests.unit.local.services import Told
from tests.unit.local.test_preparation import asked, folder, places, prepared

__all__ = ["folder", "places"]  # fixtures
SETTINGS = Settings()
OWN = "{}.{}.{}".format(*sys.version_info[:3])


def recipe(**fields: object) -> EnvironmentRecipe:
    whole = {"base_image": "python:3.11-slim", "file": "myenv.yml", **fields}
    return EnvironmentRecipe.model_validate(whole)


def conda(*packages: str) -> CondaRecipe:
    texts = (Requirement(text=text, line=line) for line, text in enumerate(packages, 3))
    return CondaRecipe(channels=(), packages=tuple(texts))


def test_python_and_pip_alone_need_no_channel() -> None:
    check_recipe(recipe(conda=conda("python=3.11", "pip")))
    check_recipe(recipe(steps="ENV A=1"))


def test_packages_of_conda_need_a_container() -> None:
    with pytest.raises(LocalError, match=r"myenv\.yml:4 asks for numpy and scipy") as caught:
        check_recipe(recipe(conda=conda("python=3.11", "numpy", "scipy")))
    assert caught.value.finding.reason == Reason.NOT_WITHOUT_CONTAINER


def test_steps_would_change_this_machine() -> None:
    with pytest.raises(LocalError, match=r"Dockerfile\.steps:1 has RUN"):
        check_recipe(recipe(steps="RUN apt-get update", steps_file="Dockerfile.steps"))


def test_without_a_wish_our_own_python_is_taken() -> None:
    assert interpreter(recipe()) == (Path(sys.executable), OWN)
    assert interpreter(recipe(python=">=3.8"))[1] == OWN


def test_a_python_that_is_nowhere_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(LocalError, match=r"myenv\.yml:3 asks for Python 3\.99") as caught:
        interpreter(recipe(python="3.99", python_line=3))
    assert caught.value.finding.reason == Reason.PYTHON_UNAVAILABLE
    assert "uv python install 3.99" in str(caught.value.finding.remedy)


def test_pythons_of_the_path_of_pyenv_and_of_uv_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bin/python3.8", "pyenv/versions/3.8.20/bin/python3", "bin/uv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("#!/bin/sh\necho /uv/python3.8\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert list(candidates("3.8.*")) == [
        Path(sys.executable),
        tmp_path / "bin/python3.8",
        tmp_path / "pyenv/versions/3.8.20/bin/python3",
        Path("/uv/python3.8"),
    ]
    assert list(candidates(None)) == [Path(sys.executable)]
    assert version_of(tmp_path / "nothing") is None
    assert interpreters.minor_asked(">=3.9,<3.13") == minor_asked("3.9") == "3.9"


def test_an_old_python_has_a_server_on_another() -> None:
    new, old = (VirtualEnvironment(Path("/e"), "", version) for version in ("3.11.2", "3.6.15"))
    assert new.server == new.program == Path("/e/env/bin/python")
    assert (old.server, old.program) == (Path(sys.executable), Path("/e/env/bin/python"))


def test_what_this_shell_sets_for_others_does_not_reach_the_service() -> None:
    environ = {"PATH": "/bin", "PYTHONPATH": "/x", "FAIRLEAD_PORT": "1", "AML_APP_ROOT": "/y"}
    assert clean_environment({**environ, "SERVICE_URL": "u"}) == {
        "PATH": "/bin",
        "SERVICE_URL": "u",
    }


def ready(folder: Path, places: object, **more: object) -> Prepared:
    return prepared(asked(folder, **more), places)  # type: ignore[arg-type]


def test_a_local_service_is_told_what_a_pod_is_and_asks_for_no_key(
    folder: Path,
    places: object,
) -> None:
    told = local_variables(ready(folder, places), 8890, "127.0.0.1", "/t/log")
    assert told["SERVICE_NAME"] == "credit"
    assert told["SCORING_TIMEOUT_MS"] == "60000"
    assert told["FAIRLEAD_MAX_QUEUE_WAIT_MS"] == "500"
    assert (told["FAIRLEAD_PORT"], told["FAIRLEAD_HOST"]) == ("8890", "127.0.0.1")
    assert told["FAIRLEAD_TERMINATION_LOG"] == "/t/log"
    assert "FAIRLEAD_KEYS_DIR" not in told
    assert Settings().runner == "local"


def test_what_lies_in_an_image_lies_elsewhere_here() -> None:
    told = {"AML_APP_ROOT": "/var/azureml-app", "A": "b", "D": "/var/azureml-app/azureml-models/m"}
    assert moved(told, "/var/azureml-app", "/s/app") == {
        "AML_APP_ROOT": "/s/app",
        "A": "b",
        "D": "/s/app/azureml-models/m",
    }


PIP_SAYS = """\
ERROR: Could not find a version that satisfies the requirement nosuch==1.0 (from versions: none)
ERROR: No matching distribution found for nosuch==1.0
"""


def make_stub(folder: Path, says: str, code: int) -> None:
    """An environment whose Python says this, whatever it is told."""
    program = folder / "bin/python"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{says}END\nexit {code}\n")
    program.chmod(0o755)


def test_an_installation_that_fails_is_told_as_in_the_cluster_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        virtual_environment, "_make_venv", lambda _, at, **__: make_stub(at, PIP_SAYS, 1)
    )
    wanted = recipe(requirements=(Requirement(text="nosuch==1.0", line=4),))
    with pytest.raises(LocalError, match=r"^myenv\.yml:4 asks for nosuch==1\.0") as caught:
        make_environment(Installation(wanted, SETTINGS), tmp_path / "environments", Told())
    assert caught.value.finding.reason == Reason.PACKAGE_NOT_FOUND
    assert "No matching distribution" in caught.value.log_tail
    assert list((tmp_path / "environments").iterdir()) == []


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[Path]()

    def make(_: Path, at: Path, **__: object) -> None:
        make_stub(at, f"{OWN}\n", 0)
        made.append(at)

    monkeypatch.setattr(virtual_environment, "_make_venv", make)
    monkeypatch.setattr(virtual_environment, "_install_runtime", lambda *_: None)
    told = Told()
    one, again = (
        make_environment(Installation(recipe(), SETTINGS), tmp_path, told) for _ in range(2)
    )
    assert one == again
    assert made == [one.folder / "env"]
    assert told.lines[-1] == f"The environment is there already (Python {OWN})."


def test_a_debugger_is_added_to_an_environment_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = list[Path]()

    def install(_: object, folder: Path, *__: object) -> None:
        (folder / "debugger").mkdir()
        installed.append(folder)

    monkeypatch.setattr(
        virtual_environment, "_make_venv", lambda _, at, **__: make_stub(at, f"{OWN}\n", 0)
    )
    monkeypatch.setattr(virtual_environment, "install", lambda *_: None)
    monkeypatch.setattr(virtual_environment, "install_debugger", install)
    wanted = Installation(recipe(), SETTINGS)
    made = make_environment(wanted, tmp_path / "e", Told())
    target = made.folder / "runtime/debugger"
    assert not target.exists()
    for _ in range(2):
        assert make_environment(replace(wanted, debugger=True), tmp_path / "e", Told()) == made
    assert target.is_dir()
    assert len(installed) == 1


def test_another_runtime_is_another_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade: the folder of before has the runtime of before in it."""

    def make(runtime: str) -> VirtualEnvironment:
        (tmp_path / runtime).write_text(runtime)
        bundled = Runtime(tmp_path / runtime, "3.11")
        monkeypatch.setattr(virtual_environment, "bundled_runtime", lambda *_: bundled)
        wanted = Installation(recipe(), SETTINGS)
        return make_environment(wanted, tmp_path / "environments", Told())

    monkeypatch.setattr(
        virtual_environment, "_make_venv", lambda _, at, **__: make_stub(at, f"{OWN}\n", 0)
    )
    monkeypatch.setattr(virtual_environment, "install", lambda *_: None)
    assert make("older.whl").folder == make("older.whl").folder
    assert make("older.whl").folder != make("newer.whl").folder


def test_a_runtime_that_cannot_be_had_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeInstallError("ERROR: no route to host")

    monkeypatch.setattr(virtual_environment, "_make_venv", lambda *_, **__: None)
    monkeypatch.setattr(virtual_environment, "install", fail)
    with pytest.raises(LocalError) as caught:
        make_environment(Installation(recipe(), SETTINGS), tmp_path, Told())
    assert caught.value.finding.reason == Reason.PACKAGE_INDEX_UNREACHABLE
    assert "no route to host" in caught.value.log_tail


def test_a_python_without_venv_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = tmp_path / "stub"
    make_stub(stub, "No module named venv\n", 1)
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    with pytest.raises(LocalError, match="No module named venv") as caught:
        virtual_environment._make_venv(stub / "bin/python", tmp_path / "env", with_pip=True)
    assert "python3-venv" in str(caught.value.finding.remedy)


def test_what_pip_is_handed_lies_where_pip_runs(tmp_path: Path) -> None:
    options = (Requirement(text="--find-links ./wheels", line=3),)
    wanted = recipe(
        requirements=(Requirement(text="./wheels/a.whl", line=4),),
        options=options,
        local={"wheels/a.whl": "0" * 64},
    )
    settings = Settings(package_index="https://index.example.com/simple")
    lay_out(Installation(wanted, settings, {"wheels/a.whl": b"wheel"}), tmp_path)
    told = (tmp_path / "build/pip.conf").read_text()
    assert f"{tmp_path}/place/wheels" in told
    assert "https://index.example.com/simple" in told
    assert f'PLACE = "{tmp_path}/place"' in (tmp_path / "build/pip_install.py").read_text()
    assert (tmp_path / "build/source/wheels/a.whl").read_bytes() == b"wheel"
