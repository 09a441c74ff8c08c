"""What the metrics API says of Webservices, once a minute."""

from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.errors import WaitingError
from fairlead.evidence import Answering, MeasuredLoad
from fairlead.observe.measures import MAX_FAILURES, Measures, read_measures
from tests.unit.fake_cluster import FakeCluster

NAME = ("demo", "iris")


def item(metric: str, value: object, name: str = "iris") -> Manifest:
    described = {"kind": "Webservice", "namespace": "demo", "name": name}
    return {"describedObject": described, "metric": {"name": f"fairlead_{metric}"}, "value": value}


class Told(FakeCluster):
    def __init__(self, *items: Manifest) -> None:
        super().__init__()
        self.items = list(items)
        self.asked: list[str] = []

    async def get(self, ref: Ref) -> Manifest | None:
        self.asked.append(ref.path)
        self._count("get", ref.plural)
        return {"items": self.items}


async def test_each_namespace_is_asked_once_and_what_is_news_is_named() -> None:
    cluster = Told(item("requests_per_second", "1500m"), item("queue_length", "3"))
    measures = Measures(cluster)
    assert await measures.look([NAME, ("demo", "other")]) == {NAME}
    assert cluster.asked == [
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces/demo/webservices.fairlead.dev/*/"
        "fairlead_measures"
    ]
    assert measures.of(NAME) == MeasuredLoad(1.5, 1.5, queued=3)
    assert measures.of(("demo", "other")) is None
    assert await measures.look([NAME]) == set()
    cluster.items = [item("requests_per_second", "500m")]
    assert await measures.look([NAME]) == {NAME}
    assert measures.of(NAME) == MeasuredLoad(0.5, 1.5)
    assert await measures.look([]) == {NAME}
    assert measures.of(NAME) is None


async def test_where_there_is_no_answer_nothing_is_known() -> None:
    cluster = Told(item("queue_length", "3"))
    measures = Measures(cluster)
    await measures.look([NAME])
    cluster.refusals["get", "webservices.fairlead.dev"] = [
        WaitingError(Reason.API_UNAVAILABLE, "no")
    ]
    assert await measures.look([NAME]) == {NAME}
    assert measures.of(NAME) is None


async def test_pods_that_do_not_answer_are_news_though_there_are_no_numbers() -> None:
    cluster = Told(item("pods_asked", "4"), item("pods_silent", "3"))
    measures = Measures(cluster)
    assert await measures.look([NAME]) == {NAME}
    assert measures.answering(NAME) == Answering(4, 3)
    assert measures.of(NAME) is None
    assert await measures.look([NAME]) == set()
    cluster.items = []
    assert await measures.look([NAME]) == {NAME}
    assert measures.answering(NAME) == Answering()


async def test_where_nobody_answers_not_every_namespace_waits_for_it() -> None:
    cluster = Told(item("queue_length", "3"))
    refusal = WaitingError(Reason.API_UNAVAILABLE, "no")
    cluster.refusals["get", "webservices.fairlead.dev"] = [refusal] * 20
    names = [(f"team-{number}", "iris") for number in range(20)]
    assert await Measures(cluster).look(names) == set()
    assert cluster.requests["get", "webservices.fairlead.dev"] == MAX_FAILURES


async def test_the_peak_is_that_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr("fairlead.observe.measures.time.time", lambda: now_s)
    cluster = Told(item("requests_per_second", "9"))
    measures = Measures(cluster)
    await measures.look([NAME])
    cluster.items = [item("requests_per_second", "2")]
    for now_s, peak in ((23.0 * 3600, 9.0), (24.0 * 3600, 2.0)):  # noqa: B007
        await measures.look([NAME])
        found = measures.of(NAME)
        assert found is not None
        assert found.peak_requests_per_second == peak


@pytest.mark.parametrize("value", [None, "", "NaN", "-1", "1e99", "9E", {}, [1], "9" * 100])
def test_what_is_no_number_of_ours_counts_for_nothing(value: Any) -> None:
    [load] = read_measures({"items": [item("queue_length", "1"), item("busy", value)]}).values()
    assert load == MeasuredLoad(queued=1)
    for one in read_measures({"items": [item("queue_length", value)]}).values():
        assert one.queued == 0


def test_no_list_is_none() -> None:
    answers: list[Manifest | None] = [None, {}, {"items": None}, {"items": [{}]}]
    for answer in answers:
        assert read_measures(answer) == {}
