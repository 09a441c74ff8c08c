from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.api.refs import ref_of
from fairlead.leader.lease import (
    API_VERSION,
    DURATION_S,
    MAX_DURATION_S,
    SeenLease,
    held_spec,
    lease_ref,
    may_take,
    read_lease,
    released_spec,
    seen_lease,
)

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 26, 12, 0, 2, tzinfo=UTC)


def manifest(version: str = "1", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": version}, "spec": spec}


def held(by: str, version: str = "1") -> dict[str, Any]:
    return manifest(version, **held_spec(by, None, NOW))


def test_a_lease_that_somebody_holds_and_renews_is_left_to_them() -> None:
    seen = seen_lease(None, read_lease(held("a")), 100.0)
    assert not may_take(seen, "b", 100.0 + DURATION_S)
    renewed = seen_lease(seen, read_lease(held("a", "2")), 110.0)
    assert not may_take(renewed, "b", 110.0 + DURATION_S)


def test_a_lease_that_was_not_renewed_for_its_duration_is_anybodys() -> None:
    seen = seen_lease(None, read_lease(held("a")), 100.0)
    again = seen_lease(seen, read_lease(held("a")), 114.0)
    assert again.since_s == 100.0
    assert may_take(again, "b", 100.1 + DURATION_S)


@pytest.mark.parametrize("holder", ["", "b"])
def test_ones_own_lease_and_nobodys_are_taken_at_once(holder: str) -> None:
    assert may_take(seen_lease(None, read_lease(manifest(holderIdentity=holder)), 0.0), "b", 0.0)


def test_a_renewal_keeps_when_it_was_taken_and_a_change_of_holder_is_counted() -> None:
    first = read_lease(held("a"))
    renewed, taken = held_spec("a", first, LATER), held_spec("b", first, LATER)
    assert (renewed["acquireTime"], renewed["leaseTransitions"]) == (first.acquired, 0)
    assert renewed["renewTime"] == "2026-11-26T12:00:02.000000Z"
    assert (taken["acquireTime"], taken["leaseTransitions"]) == (taken["renewTime"], 1)


def test_what_is_given_back_is_nobodys() -> None:
    spec = released_spec(read_lease(held("a")), LATER)
    assert may_take(SeenLease(read_lease(manifest(**spec)), 0.0), "b", 0.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "holderIdentity": JSON,
            "leaseDurationSeconds": JSON,
            "acquireTime": JSON,
            "leaseTransitions": JSON,
        },
    )
)
def test_whatever_a_lease_holds_it_is_read_and_runs_out_one_day(spec: dict[str, Any]) -> None:
    seen = seen_lease(None, read_lease(manifest(**spec)), 0.0)
    assert may_take(seen, "us", MAX_DURATION_S + 1.0)
    assert held_spec("us", seen.lease, NOW)["holderIdentity"] == "us"


def test_a_lease_is_made_where_it_is_looked_for() -> None:
    metadata = {"name": "operator", "namespace": "system"}
    made = {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata}
    assert ref_of(made) == lease_ref("system", "operator")
