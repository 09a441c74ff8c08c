from typing import Any

import pytest

from fairlead.decide.webservice.drift import holds, needs_apply
from fairlead.desired.service import service
from tests.unit.objects import webservice

WANTED = service(webservice())
LIVE = {
    **WANTED,
    "metadata": {**WANTED["metadata"], "uid": "u", "resourceVersion": "7"},
    "spec": {**WANTED["spec"], "clusterIP": "10.0.0.1"},
}


def edited(**spec: Any) -> dict[str, Any]:
    return {**LIVE, "spec": {**LIVE["spec"], **spec}}


def test_what_is_missing_is_made() -> None:
    assert needs_apply(WANTED, None)


def test_what_is_as_it_should_be_is_left_alone() -> None:
    assert not needs_apply(WANTED, LIVE)


def test_what_somebody_changed_is_put_right() -> None:
    assert needs_apply(WANTED, edited(type="LoadBalancer"))


def test_a_wish_that_was_dropped_is_seen_by_the_fingerprint() -> None:
    exposed = service(webservice(expose={"type": "NodePort", "nodePort": 30080}))
    live = {**LIVE, "metadata": exposed["metadata"]}
    assert needs_apply(WANTED, live)


@pytest.mark.parametrize(
    ("live", "wanted", "same"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="others may own fields"),
        pytest.param({"b": 2}, {"a": 1}, False, id="a field is gone"),
        pytest.param([1, 2], [1], False, id="an item more"),
        pytest.param([{"name": "x", "d": 1}], [{"name": "x"}], True, id="defaults in items"),
        pytest.param("1", "1000m", True, id="the API's own way to write a quantity"),
        pytest.param("1Gi", "1024Mi", True, id="memory likewise"),
        pytest.param("1", "1001m", False, id="another quantity"),
        pytest.param("web", "app", False, id="plain text"),
        pytest.param(True, "True", False, id="another type"),
    ],
)
def test_holds(live: object, wanted: object, same: bool) -> None:  # noqa: FBT001
    assert holds(live, wanted) is same
