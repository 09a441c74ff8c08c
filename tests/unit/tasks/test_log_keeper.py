"""A log that is kept while its task runs, over a registry in memory."""

import io
import threading
import time
from collections.abc import Callable

import pytest

from fairlead.contract import LogTarget
from fairlead.images.build_log import append_log, read_log
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError, RegistryDeniedError
from fairlead.registry.reference import Repository, parse_repository
from fairlead.settings import Settings
from fairlead.tasks import log_keeper
from fairlead.tasks.log_keeper import LogKeeper
from fairlead.tasks.task_log import TaskLog
from tests.unit.images.test_log_retention import InMemory

PLACE = "registry.example.com/team/credit"
HERE = parse_repository(PLACE)
TARGETS = [LogTarget(repository=PLACE, tag=tag, owner="demo/a") for tag in ("log-1-1", "log-2-1")]
PATIENCE_S = 60.0


class Shared(InMemory):
    """The same for all who open it."""

    def __init__(self) -> None:
        super().__init__()
        self.denies = False

    def __enter__(self) -> "Shared":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def upload_bytes(self, repository: Repository, content: bytes) -> None:
        if self.denies:
            raise RegistryDeniedError(repository, "403")
        super().upload_bytes(repository, content)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Shared:
    there = Shared()
    monkeypatch.setattr(log_keeper, "Registry", lambda _: there)
    monkeypatch.setattr(log_keeper, "FIRST_FLUSH_S", 0.01)
    monkeypatch.setattr(log_keeper, "FLUSH_EVERY_S", 0.01)
    return there


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # poll


def text(registry: Registry, tag: str) -> str:
    try:
        return read_log(registry, HERE, tag).text.decode()
    except NotInRegistryError:
        return ""


@pytest.fixture
def log() -> TaskLog:
    return TaskLog(io.StringIO())


def stopped(keeper: LogKeeper) -> None:
    """As `finish` does it, without its signals: those are pytest's here."""
    keeper._stop.set()
    for thread in threading.enumerate():
        if thread.name == "log-keeper":
            thread.join(PATIENCE_S)


def test_it_is_kept_in_every_place_while_the_task_runs(registry: Shared, log: TaskLog) -> None:
    append_log(registry, HERE, "log-2-1", "demo/a", "the attempt before\n")
    log.write("begun")
    keeper = LogKeeper(Settings(), log, TARGETS).begin()
    until(lambda: "begun" in text(registry, "log-1-1"))
    log.write("token=hunter2 goes on")
    until(lambda: "goes on" in text(registry, "log-2-1"))
    assert text(registry, "log-2-1").startswith("the attempt before\n")
    assert text(registry, "log-2-1").count("begun") == 1
    assert "hunter2" not in text(registry, "log-1-1")
    stopped(keeper)


def test_a_registry_that_takes_nothing_is_asked_again(registry: Shared, log: TaskLog) -> None:
    registry.denies = True
    log.write("begun")
    keeper = LogKeeper(Settings(), log, TARGETS).begin()
    registry.denies = False
    until(lambda: "begun" in text(registry, "log-1-1"))
    stopped(keeper)


def test_where_no_log_is_wanted_nothing_is_started(registry: Shared, log: TaskLog) -> None:
    LogKeeper(Settings(), log, []).begin()
    assert "log-keeper" not in {thread.name for thread in threading.enumerate()}
    assert registry.named == {}


@pytest.mark.parametrize("before", ["other/a", "demo-2/a", "other/environments"])
def test_a_log_of_another_namespace_is_neither_taken_over_nor_added_to(
    registry: Shared, log: TaskLog, before: str
) -> None:
    """Whoever owns a log reads it; anybody may write to a repository that all share."""
    append_log(registry, HERE, "log-2-1", before, "theirs\n")
    log.write("ours")
    keeper = LogKeeper(Settings(), log, TARGETS).begin()
    until(lambda: "ours" in text(registry, "log-1-1"))
    stopped(keeper)
    kept = read_log(registry, HERE, "log-2-1")
    assert (kept.text, kept.owners) == (b"theirs\n", (before,))
