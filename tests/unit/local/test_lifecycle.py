"""Deploy, reload, update and delete, with a stand-in for what runs services."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.webservice import WebserviceSpec
from fairlead.images.hashes import code_hash, file_digests
from fairlead.local import lifecycle
from fairlead.local.answers import NoAnswerError
from fairlead.local.asked import Asked
from fairlead.local.errors import LocalError
from fairlead.local.host import Exit
from fairlead.local.lifecycle import Change, Lifecycle, differences, left_words
from fairlead.local.places import Places, held
from fairlead.local.preparation import prepare, read_asked
from fairlead.local.readiness import POLL_S, await_ready
from fairlead.local.service import Mode
from fairlead.local.variables import local_variables
from fairlead.settings import Settings
from tests.unit.local.services import Standin, Told
from tests.unit.local.test_manifests import SCRIPT


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Standin:
    """Comes up at once, loads what it is given."""
    one = Standin()
    monkeypatch.setattr(lifecycle, "maker_of", lambda *_: one)
    monkeypatch.setattr(lifecycle, "keeper_of", lambda *_: one)
    monkeypatch.setattr(lifecycle, "choose_port", lambda port, _: port or 8890)
    monkeypatch.setattr(lifecycle, "is_free", lambda _: True)
    monkeypatch.setattr(lifecycle, "reload_script", lambda _: None)
    monkeypatch.setattr(
        lifecycle, "await_ready", partial(await_ready, ready=lambda _: not one.exit)
    )
    return one


@pytest.fixture
def work(tmp_path: Path, standin: Standin) -> Lifecycle:
    assert standin.exit is None
    return Lifecycle(Places(tmp_path / "state", tmp_path / "cache"), Settings(), Told())


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    folder = tmp_path / "credit"
    folder.mkdir()
    (folder / "score.py").write_text(SCRIPT)
    (folder / "r.txt").write_text("numpy==2.3.5\n")
    return Asked(entry_script=f"{folder}/score.py", requirements_file=f"{folder}/r.txt")


def test_a_service_is_made_started_and_remembered(
    work: Lifecycle, standin: Standin, asked: Asked
) -> None:
    service = work.deploy(asked, Mode.MACHINE, None)
    assert standin.calls == ["make credit", "start credit at 8890"]
    assert work.services.get("credit") == service
    assert "no limit of CPU or memory" in service.differences[0]


def test_one_of_the_same_name_is_replaced_and_keeps_its_port(
    work: Lifecycle, standin: Standin, asked: Asked
) -> None:
    work.deploy(asked, Mode.MACHINE, 9001)
    standin.calls.clear()
    assert work.deploy(asked, Mode.MACHINE, None).port == 9001
    assert standin.calls == ["make credit", "stop credit", "start credit at 9001"]
    work.deploy(asked, Mode.CONTAINER, None)
    assert standin.calls[-1] == "forget credit"


def test_a_debugger_may_attach_where_it_is_asked_for(
    work: Lifecycle, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port stays that of the service, and each service has its own."""
    folder = Path(str(asked.entry_script)).parent
    monkeypatch.chdir(folder)
    monkeypatch.setattr(lifecycle, "choose_debug_port", lambda taken: 5678 + len(taken))
    debugged = asked.model_copy(update={"debug": True})
    one = work.deploy(debugged, Mode.MACHINE, None)
    assert (one.debug_port, one.launch_json) == (5678, f"{folder}/.vscode/launch.json")
    assert '"Fairlead: credit"' in (folder / ".vscode/launch.json").read_text()
    assert work.update("credit", lambda known: known).debug_port == 5678
    other = debugged.model_copy(update={"service": "debit"})
    assert work.deploy(other, Mode.MACHINE, None).debug_port == 5679
    assert '"Fairlead: credit"' in (folder / ".vscode/launch.json").read_text()
    assert work.deploy(asked, Mode.MACHINE, None).debug_port is None


def test_one_that_fails_stays_with_its_reason(
    work: Lifecycle, standin: Standin, asked: Asked
) -> None:
    standin.exit = Exit(1, "")
    with pytest.raises(LocalError):
        work.deploy(asked, Mode.MACHINE, None)
    failure = work.services.get("credit").failure
    assert failure is not None
    assert failure.reason == Reason.CONTAINER_EXITED


def test_nothing_is_started_where_another_program_has_the_port(
    work: Lifecycle, standin: Standin, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that has ended gave its port up, and another program took it."""
    work.deploy(asked, Mode.MACHINE, 9001)
    standin.calls.clear()
    monkeypatch.setattr(lifecycle, "is_free", lambda port: port != 9001)
    with pytest.raises(LocalError, match="Port 9001 is taken") as caught:
        work.update("credit", lambda known: known)
    assert caught.value.finding.reason == Reason.PORT_TAKEN
    assert not any(call.startswith("start") for call in standin.calls)
    failure = work.services.get("credit").failure
    assert failure is not None
    assert failure.reason == Reason.PORT_TAKEN


def test_what_cannot_be_made_leaves_the_old_one_alone(
    work: Lifecycle, standin: Standin, asked: Asked
) -> None:
    before = work.deploy(asked, Mode.MACHINE, None)
    standin.calls.clear()
    Path(str(asked.entry_script)).write_text("def init(:")
    with pytest.raises(LocalError):
        work.deploy(asked, Mode.MACHINE, None)
    assert standin.calls == []
    assert work.services.get("credit") == before


def test_a_reload_gives_it_the_changed_source(
    work: Lifecycle, standin: Standin, asked: Asked
) -> None:
    work.deploy(asked, Mode.MACHINE, None)
    assert work.reload("credit").change is Change.UNCHANGED
    Path(str(asked.entry_script)).write_text(f"{SCRIPT}# changed\n")
    Path(str(asked.requirements_file)).write_text("numpy==2.3.6\n")
    done = work.reload(None)
    assert done.change is Change.RELOADED
    assert standin.code["score.py"].endswith(b"# changed\n")
    assert left_words(done.left, "credit").startswith("r.txt has changed, too: `fairlead local up")
    assert work.reload("credit").change is Change.UNCHANGED


def test_a_script_that_does_not_parse_never_gets_there(
    work: Lifecycle, standin: Standin, asked: Asked
) -> None:
    work.deploy(asked, Mode.MACHINE, None)
    Path(str(asked.entry_script)).write_text("def init(:")
    with pytest.raises(LocalError, match=r"score\.py:1"):
        work.reload("credit")
    assert not any(call.startswith("put") for call in standin.calls)


def test_a_script_that_does_not_load_is_told_and_not_taken_for_loaded(
    work: Lifecycle, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.deploy(asked, Mode.MACHINE, None)
    Path(str(asked.entry_script)).write_text(f"{SCRIPT}# changed\n")
    monkeypatch.setattr(lifecycle, "reload_script", lambda _: {"exception": "ValueError"})
    with pytest.raises(LocalError, match="serves on"):
        work.reload("credit")

    def silent(_: int) -> None:
        raise NoAnswerError("Connection refused")

    monkeypatch.setattr(lifecycle, "reload_script", silent)
    with pytest.raises(LocalError, match="Connection refused") as caught:
        work.reload("credit")
    assert caught.value.finding.reason == Reason.SERVICE_NOT_RUNNING


def test_one_that_does_not_run_is_started_by_a_reload(
    work: Lifecycle, standin: Standin, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.deploy(asked, Mode.MACHINE, None)
    standin.exit = Exit(None, "")
    monkeypatch.setattr(lifecycle, "await_ready", lambda *_, **__: None)
    assert work.reload("credit").change is Change.STARTED
    assert standin.calls[-1] == "start credit at 8890"


def test_an_update_reads_all_of_it_again(work: Lifecycle, standin: Standin, asked: Asked) -> None:
    work.deploy(asked, Mode.MACHINE, None)
    change = {"variables": {"LEVEL": "3"}}
    updated = work.update(None, lambda known: known.model_copy(update=change))
    assert updated.asked.variables == {"LEVEL": "3"}
    assert standin.calls[-1] == "start credit at 8890"


def test_nothing_is_left_of_one_that_is_deleted(
    work: Lifecycle, standin: Standin, asked: Asked, tmp_path: Path
) -> None:
    work.deploy(asked, Mode.MACHINE, None)
    work.delete("credit")
    assert standin.calls[-2:] == ["stop credit", "forget credit"]
    assert list((tmp_path / "state").iterdir()) == []
    with pytest.raises(LocalError):
        work.delete("credit")
    assert POLL_S < 1


def meanwhile(monkeypatch: pytest.MonkeyPatch, another: Callable[[], object]) -> None:
    """``another`` command had the service, and ends while the one under test waits for it."""

    @contextmanager
    def waited(folder: Path) -> Iterator[None]:
        with held(folder):
            another()
            yield

    monkeypatch.setattr(lifecycle, "held", waited)


@pytest.mark.parametrize("command", ["delete", "update"])
def test_what_an_update_started_meanwhile_is_what_is_ended(
    command: str,
    work: Lifecycle,
    standin: Standin,
    asked: Asked,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = work.deploy(asked, Mode.MACHINE, None)
    newer = before.model_copy(update={"pid": 2, "port": 9001, "asked": asked})
    meanwhile(monkeypatch, lambda: work.services.keep(newer))
    if command == "delete":
        work.delete("credit")
    else:
        assert work.update("credit", lambda known: known).port == 9001
    assert [one.pid for one in standin.stopped] == [2]


def test_a_reload_judges_what_runs_once_it_may_work(
    work: Lifecycle, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = work.deploy(asked, Mode.MACHINE, None)
    Path(str(asked.entry_script)).write_text(f"{SCRIPT}# changed\n")
    code = {"code": code_hash(file_digests(read_asked(asked).files), "score.py")}
    newer = before.model_copy(update={"pid": 2, **code})
    meanwhile(monkeypatch, lambda: work.services.keep(newer))
    assert work.reload("credit").change is Change.UNCHANGED
    assert work.services.get("credit") == newer


@pytest.mark.parametrize("command", ["delete", "update", "reload"])
def test_what_was_deleted_meanwhile_is_told_and_stays_deleted(
    command: str, work: Lifecycle, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.deploy(asked, Mode.MACHINE, None)
    meanwhile(monkeypatch, lambda: work.services.forget("credit"))
    run: dict[str, Callable[[], object]] = {
        "delete": lambda: work.delete("credit"),
        "update": lambda: work.update("credit", lambda known: known),
        "reload": lambda: work.reload("credit"),
    }
    with pytest.raises(LocalError) as caught:
        run[command]()
    assert caught.value.finding.reason == Reason.SERVICE_NOT_FOUND
    assert list(work.services.all()) == []


def test_what_only_a_cluster_has_is_told(asked: Asked, tmp_path: Path) -> None:
    places = Places(tmp_path / "state", tmp_path / "cache")
    wanted = read_asked(asked)
    service = {
        "imageRef": {"name": "credit"},
        "front": {"enabled": True},
        "volumes": [{"mountPath": "/data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
    spec = WebserviceSpec.model_validate(service)
    prepared = prepare(replace(wanted, service=spec), places, Settings())
    assert differences(prepared, Mode.CONTAINER) == (
        "the volumes of spec.volumes are not mounted",
        "requests come to it directly: there is no front",
        "no key is asked for (in the cluster spec.auth is on)",
    )
    variables = local_variables(prepared, 8890, "", "/t")
    assert variables["FAIRLEAD_MAX_QUEUE_WAIT_MS"] == "500"
