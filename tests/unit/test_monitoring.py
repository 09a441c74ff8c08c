"""Alerts, their chapters and their tests belong together; the dashboard can be read."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring import DASHBOARD, alerts, labels_of, metrics_of, panels

CHECKOUT = Path(__file__).parents[2]
NAMES = [rule["alert"] for rule in alerts()]
SHOWN = {  # issue by issue: what a person looks for
    "code": "fairlead_requests_total",
    "queue": "haproxy_backend_current_queue",
    "utilization": "fairlead_slots_busy",
    "replicas": "fairlead_ready",
    "causes": "fairlead_rejected_total",
    "run time": "fairlead_run_seconds_bucket",
    "restarts": "fairlead_slot_restarts_total",
}


def test_every_alert_has_its_chapter_and_links_to_it() -> None:
    text = (CHECKOUT / "docs/runbooks.md").read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == NAMES
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"RUNBOOKS#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_every_alert_is_in_the_table() -> None:
    text = (CHECKOUT / "docs/monitoring.md").read_text()
    assert re.findall(r"`(Fairlead[A-Za-z]+)`", text) == NAMES


def test_every_alert_is_tried_both_where_it_fires_and_where_it_does_not() -> None:
    groups = yaml.safe_load((CHECKOUT / "tests/golden/alerts/alerts_test.yaml").read_text())
    tried = [one for group in groups["tests"] for one in group["alert_rule_test"]]
    for fires in (True, False):
        found = {one["alertname"] for one in tried if bool(one["exp_alerts"]) is fires}
        assert found == set(NAMES)


def test_the_dashboard_shows_what_is_looked_for() -> None:
    asked = {
        name
        for panel in panels()
        for target in panel["targets"]
        for name in metrics_of(target["expr"])
    }
    assert set(SHOWN.values()) <= asked
    assert any("vector($target)" in one["expr"] for p in panels() for one in p["targets"])


def test_the_dashboard_names_what_it_needs_and_no_panel_lies_on_another() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    known = {one["name"] for one in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)", json.dumps(dashboard["panels"])))
    assert used <= known | {"__rate_interval"}
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)
    for one, other in itertools.combinations(dashboard["panels"], 2):
        assert apart(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


def apart(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return any(
        one[at] + one[size] <= other[at] or other[at] + other[size] <= one[at]
        for at, size in (("x", "w"), ("y", "h"))
    )


@pytest.mark.parametrize(
    ("expression", "metrics", "labels"),
    [
        ('sum by (a, b) (rate(fairlead_x_total{c="fairlead_y"}[5m]))', ["fairlead_x_total"], "abc"),
        ('count(up{p=~"x"} == 1) unless on () haproxy_z', ["up", "haproxy_z"], "p"),
    ],
)
def test_what_an_expression_asks_for(expression: str, metrics: list[str], labels: str) -> None:
    assert metrics_of(expression) == set(metrics)
    assert labels_of(expression) == set(labels)
