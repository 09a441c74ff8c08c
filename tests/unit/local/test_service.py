"""What is remembered of local services, and how they are found again."""

import json
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.local.asked import Asked
from fairlead.local.errors import LocalError, refusal
from fairlead.local.places import Places, held, new_private, places
from fairlead.local.service import Services, error_of, failure_of
from fairlead.local.update import changed
from tests.unit.local.services import service


@pytest.fixture
def here(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "cache")


def test_what_is_kept_is_found_by_another_shell(here: Places) -> None:
    kept = service(models=("m:1",), differences=("no limits",))
    Services(here).keep(kept)
    assert Services(here).get("credit") == kept
    assert list(Services(here).all()) == [kept]
    assert kept.scoring_uri == "http://localhost:8890/score"


def test_the_only_one_needs_no_name(here: Places) -> None:
    known = Services(here)
    with pytest.raises(LocalError, match="There is no local web service"):
        known.only(None)
    known.keep(service("a"))
    assert known.only(None).name == "a"
    known.keep(service("b"))
    with pytest.raises(LocalError, match=r"Which one\? There is a, b"):
        known.only(None)
    assert known.only("b").name == "b"


@pytest.mark.parametrize("name", ["other", "../state/credit", "", "A b"])
def test_a_name_that_is_none_is_told(name: str, here: Places) -> None:
    Services(here).keep(service())
    with pytest.raises(LocalError, match="there is credit") as caught:
        Services(here).get(name)
    assert caught.value.finding.reason == Reason.SERVICE_NOT_FOUND


def test_a_record_that_cannot_be_read_is_told_and_hides_no_other(here: Places) -> None:
    known = Services(here)
    known.keep(service("a"))
    known.keep(service("b"))
    (here.service("a") / "service.json").write_text("{")
    assert [one.name for one in known.all()] == ["b"]
    assert [name for name, _ in known.broken()] == ["a"]
    with pytest.raises(LocalError, match="cannot be read") as caught:
        known.get("a")
    assert str(here.service("a")) in str(caught.value.finding.remedy)


@pytest.mark.parametrize("fields", [{"name": "other"}, {"port": 0}, {"port": 65536}])
def test_a_record_is_that_of_its_folder_and_has_a_port(
    fields: dict[str, object], here: Places
) -> None:
    known = Services(here)
    known.keep(service())
    record = here.service("credit") / "service.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), **fields}))
    for name in ("credit", None):
        with pytest.raises(LocalError) as caught:
            known.only(name)
        assert caught.value.finding.reason == Reason.FILE_UNREADABLE
    assert list(known.all()) == []


def test_what_is_forgotten_leaves_nothing(here: Places) -> None:
    Services(here).keep(service())
    Services(here).forget("credit")
    assert list(here.state.iterdir()) == []


def test_a_failure_is_kept_whole() -> None:
    error = refusal(Reason.PORT_TAKEN, "Taken.", "Take another.")
    error.log_tail = "the end"
    again = error_of(failure_of(error))
    assert (again.finding, again.log_tail) == (error.finding, "the end")


def test_a_reason_of_another_version_is_told_as_far_as_it_goes() -> None:
    kept = failure_of(refusal(Reason.PORT_TAKEN, "Taken.", "")).model_copy(
        update={"reason": "SomethingNew"}
    )
    assert error_of(kept).finding.reason == Reason.SERVICE_NOT_RUNNING


def test_folders_follow_the_xdg_base_directories() -> None:
    assert places({"HOME": "/h"}) == Places(
        Path("/h/.local/state/fairlead/local"), Path("/h/.cache/fairlead/local")
    )
    own = places({"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"})
    assert own.environments == Path("/c/fairlead/local/environments")
    assert own.service("a") == Path("/s/fairlead/local/a")


def test_one_command_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path / "state/a"):
        assert (tmp_path / "state/.a.lock").exists()
    with held(tmp_path / "state/a"):
        pass


def open_to_others(folder: Path) -> list[str]:
    """What anybody but this user may look into."""
    return [str(path) for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]


def test_what_is_kept_is_this_users_alone(here: Places) -> None:
    Services(here).keep(service())
    assert open_to_others(here.state) == []
    assert new_private(here.service("credit") / "log").stat().st_mode & 0o777 == 0o600


def test_what_others_could_look_into_is_closed(here: Places) -> None:
    """Made by a version that left it open."""
    folder = here.service("credit")
    folder.mkdir(parents=True, mode=0o755)
    (folder / "service.json").touch(mode=0o644)
    Services(here).keep(service())
    assert open_to_others(here.state) == []
    with held(here.models / "key"):
        assert open_to_others(here.models) == []


def test_an_update_replaces_models_and_variables_by_their_names() -> None:
    asked = Asked(models=("a=/1", "b=/2"), variables={"X": "1", "Y": "2"}, memory="1Gi")
    new = changed(asked, ("b=/3", "c=/4"), {"Y": "3"}, None)
    assert new.models == ("a=/1", "b=/3", "c=/4")
    assert (new.variables, new.memory) == ({"X": "1", "Y": "3"}, "1Gi")
    assert changed(asked, (), {}, "2Gi").memory == "2Gi"
