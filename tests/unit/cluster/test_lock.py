import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.lock import Holder, exclusive, holder, refusal
from tests.cluster.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(checkout=Path("/home/ada/fairlead"), cache=tmp_path)


def test_a_second_run_is_told_who_holds_the_cluster(places: Places) -> None:
    with (
        exclusive(places, "make demo"),
        pytest.raises(ClusterError, match="`make demo` in /home/ada/fairlead") as refused,
        exclusive(places, "make test"),
    ):
        pass
    assert str(refused.value).endswith("wait until it has ended, then run this again.")


def test_the_refusal_is_one_sentence() -> None:
    other = Holder("make demo", "/home/ada/fairlead", "2026-11-24 10:03:00", 812, "boot 5")
    assert refusal(other) == (
        "`make demo` in /home/ada/fairlead (pid 812, since 2026-11-24 10:03:00) is using the test "
        "cluster: wait until it has ended, then run this again."
    )


def test_the_next_run_gets_in_after_a_failure(places: Places) -> None:
    with pytest.raises(KeyError), exclusive(places, "make up"):
        raise KeyError
    with exclusive(places, "make up"):
        assert holder(places) is not None
    assert holder(places) is None


def test_a_killed_run_holds_nothing(places: Places) -> None:
    dead = Holder("make up", "/home/ada/fairlead", "2026-11-24 10:03:00", 1, "an earlier boot")
    (places.run).mkdir()
    (places.run / "lock").write_text(json.dumps(asdict(dead)))
    assert holder(places) is None
