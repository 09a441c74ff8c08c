"""The runtime's layer, laid out once as the image has it, and a way to start it."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from fairlead.images.bundled_runtime import Runtime
from fairlead.images.runtime_layer import install
from fairlead.settings import Settings
from tests.integration.scoring.service import Command, Gate, Service

DEBUGPY = "debugpy==1.8.22"
SOURCE = Path(__file__).parents[3] / "operator" / "scoring"


class Serve(Protocol):
    def __call__(
        self,
        script: str,
        *,
        python: Path = ...,
        files: dict[str, str] = ...,
        output: int | None = ...,
        prefix: Sequence[str] = ...,
        arguments: Sequence[str] = ...,
        **environment: str,
    ) -> Service: ...


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    subprocess.run(command, check=True)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(SOURCE))
    [made] = folder.glob("fairlead_scoring-*.whl")
    return made


@pytest.fixture(scope="session")
def runtime(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``/opt/fairlead/runtime``: the wheel and its pins, installed by the maker of the layer."""
    folder = tmp_path_factory.mktemp("runtime")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    install(Runtime(wheel, python), folder / "layer", Settings(), print)
    return folder / "layer"


@pytest.fixture(scope="session")
def debugpy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to import debugpy from."""
    folder = tmp_path_factory.mktemp("debugpy")
    pip("install", "--target", str(folder), "--no-deps", DEBUGPY)
    return folder


@pytest.fixture
def serve(runtime: Path, tmp_path: Path) -> Iterator[Serve]:
    """Start ``score.py`` with the given content; what was started ends with the test."""
    started: list[Service] = []

    def start(
        script: str,
        *,
        python: Path = Path(sys.executable),
        files: dict[str, str] | None = None,
        output: int | None = None,
        prefix: Sequence[str] = (),
        arguments: Sequence[str] = (),
        **environment: str,
    ) -> Service:
        folder = tmp_path / str(len(started))
        contents = {"score.py": script, **(files or {})}
        command = Command((*prefix, str(python)), arguments)
        service = Service(folder, runtime, contents, environment, command, output)
        started.append(service)
        return started[-1]

    yield start
    for service in started:
        service.end()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")
