"""What an environment's task asks of the registry before an engine works, and where its base is."""

import io
from pathlib import Path
from typing import Literal, NoReturn

import pytest

from fairlead.contract import EnvironmentRecipe, EnvironmentRequest, LogTarget
from fairlead.registry.errors import CredentialsMissingError
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from fairlead.tasks import environment as module
from fairlead.tasks.environment import _plan, environment
from fairlead.tasks.program import TaskContext
from fairlead.tasks.task_log import TaskLog
from tests.unit.memory_registry import MemoryRegistry

ENVIRONMENTS = Repository("r:5000", "demo/fairlead/environments")
DIGEST = f"sha256:{'b' * 64}"
SETTINGS = Settings(registry="r:5000", registry_push="push:5000")


class WithoutRight(MemoryRegistry):
    def check_push(self, repository: Repository) -> None:
        raise CredentialsMissingError(repository, f"{repository} wants credentials.")


class Untouched:
    """An engine that is not to begin."""

    closed = False

    def prepare(self, *_: object) -> NoReturn:
        raise AssertionError("it began")

    def close(self) -> None:
        self.closed = True


def request(engine: Literal["docker", "pod", "buildkit"], *, kept: bool) -> EnvironmentRequest:
    return EnvironmentRequest(
        recipe=EnvironmentRecipe(base_image="r:5000/base:1"),
        base_digest=DIGEST,
        hash="e" * 64,
        environments=str(ENVIRONMENTS),
        log=LogTarget(repository="r:5000/demo/x", tag="log-1-1", owner="demo/x"),
        engine=engine,
        base_kept=kept,
    )


def test_a_kept_base_image_is_read_beside_the_environments() -> None:
    assert _plan(request("buildkit", kept=True), SETTINGS).base == ENVIRONMENTS
    elsewhere = _plan(request("buildkit", kept=False), SETTINGS)
    assert elsewhere.base == Repository("push:5000", "base")
    assert elsewhere.base_digest == DIGEST


def test_the_namespace_for_builds_may_push_or_it_is_said_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Untouched()
    monkeypatch.setattr(module, "ENGINES", {"buildkit": lambda _: engine, "pod": lambda _: engine})
    task = TaskContext(tmp_path, SETTINGS, WithoutRight().client, TaskLog(io.StringIO()))
    with pytest.raises(CredentialsMissingError):
        environment(request("buildkit", kept=True), task)
    assert engine.closed
    with pytest.raises(AssertionError, match="it began"):  # the task before it has asked
        environment(request("pod", kept=False), task)
