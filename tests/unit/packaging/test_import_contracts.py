"""No package of the operator can be forgotten by the contracts that import-linter checks."""

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.unit.packaging.project import OPERATOR, packages, pyproject

CONTRACTS: list[dict[str, Any]] = pyproject()["tool"]["importlinter"]["contracts"]
PURE = "What decides, parses and builds manifests is pure"
TASKS = "Tasks are programs of their own: they never see the cluster"
IMPURE = {  # and why: a new package is either pure or named here
    "__main__": "the process: what it imports",
    "azureml": "the terminal, files, the environment",
    "cli": "the terminal",
    "cluster": "the Kubernetes API",
    "conda": "files, the network, the event loop",
    "connection": "TLS",
    "controller": "the clock, the event loop",
    "credentials": "files, programs",
    "engines": "Docker",
    "handlers": "kopf",
    "health": "sockets, the clock",
    "http_server": "sockets, the clock",
    "images": "files, the registry",
    "informer": "the Kubernetes API, the event loop",
    "left_out": "the process: what it imports",
    "local": "Docker, child processes, files",
    "from_environment": "the environment",
    "leader": "the clock, the Kubernetes API",
    "logs": "sockets, the Kubernetes API, the registry's API",
    "metrics_api": "sockets, the clock, the Kubernetes API",
    "observe": "the Kubernetes API",
    "operator_log": "the process's log",
    "operator_program": "the process: signals, the event loop",
    "operator_metrics": "counters that change",
    "parsing": "child processes",
    "registry": "the registry's API",
    "remote": "the Kubernetes API, sockets, the clock",
    "runners": "child processes",
    "settings": "the environment",
    "sources": "files, the network",
    "tasks": "programs",
}
CLOCKS = {"now", "utcnow", "today"}


def contract(name: str) -> dict[str, Any]:
    return next(contract for contract in CONTRACTS if contract["name"] == name)


def named(contract: dict[str, Any]) -> set[str]:
    return {module.removeprefix("fairlead.") for module in contract["source_modules"]}


PURE_PACKAGES = sorted(named(contract(PURE)))


def test_each_package_is_held_to_be_pure_or_has_a_reason_not_to_be() -> None:
    assert packages() == {*PURE_PACKAGES, *IMPURE}
    assert not set(PURE_PACKAGES) & IMPURE.keys()


@pytest.mark.parametrize("client", ["kopf", "kubernetes", "docker"])
def test_a_client_is_forbidden_to_all_packages_but_its_own(client: str) -> None:
    """``source_modules`` is the root, so a new package is included by itself."""
    about = [c for c in CONTRACTS if c.get("forbidden_modules") == [client]]
    assert [c["source_modules"] for c in about] == [["fairlead"]]
    assert all(line.endswith(f" -> {client}") for line in about[0]["ignore_imports"])


def test_tasks_may_import_nothing_that_sees_the_cluster() -> None:
    forbidden = {
        module.removeprefix("fairlead.") for module in contract(TASKS)["forbidden_modules"]
    }
    assert named(contract(TASKS)) <= packages()
    assert forbidden == {
        *("cluster", "controller", "decide", "handlers", "informer", "observe", "runners"),
    }


def test_contracts_name_no_package_that_is_gone() -> None:
    for each in CONTRACTS:
        modules = [*each.get("source_modules", ()), *each.get("forbidden_modules", ())]
        ours = {m.removeprefix("fairlead.") for m in modules if m.startswith("fairlead.")}
        assert ours <= packages(), each["name"]


@pytest.mark.parametrize("package", PURE_PACKAGES)
def test_what_is_pure_asks_no_clock(package: str) -> None:
    files = [*(OPERATOR / package).rglob("*.py"), *OPERATOR.glob(f"{package}.py")]
    assert files
    assert [found for file in files for found in clocks(file)] == []


def clocks(file: Path) -> list[str]:
    """Calls such as ``datetime.now()``: an import cannot be forbidden, for it is a type as well."""
    return [
        f"{file.name}:{node.lineno}"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
    ]


def test_a_clock_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "late.py"
    file.write_text("from datetime import UTC, datetime\n\nlate = datetime.now(UTC)\n")
    assert clocks(file) == ["late.py:3"]


LOADERS = {"cloudpickle", "dill", "joblib", "marshal", "numpy", "onnx", "pickle", "shelve", "torch"}


def test_nothing_of_the_operator_loads_a_model() -> None:
    """What unpickles runs what the file says. Models are bytes here, and scripts are text."""
    assert {name for file in OPERATOR.rglob("*.py") for name in imported(file)} & LOADERS == set()


def imported(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in plain | named}


def test_an_import_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "loads.py"
    file.write_text("def load():\n    import joblib.numpy_pickle\n    from pickle import load\n")
    assert imported(file) == {"joblib", "pickle"}
