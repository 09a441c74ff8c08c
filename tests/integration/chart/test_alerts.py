"""The alerts as Prometheus reads them: when they fire, and when they do not."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.cluster.charts import CHART
from tests.cluster.command import read
from tests.cluster.places import places
from tests.monitoring import ALERTS, DASHBOARD

ROOT = places().checkout
VALUES = ROOT / "tests/golden/chart/guarded.values.yaml"


def test_each_fires_where_it_should_and_nowhere_else(promtool: Path, tmp_path: Path) -> None:
    for file in (ALERTS, ROOT / "tests/golden/alerts/alerts_test.yaml"):
        shutil.copy(file, tmp_path)
    assert "SUCCESS" in read([promtool, "test", "rules", tmp_path / "alerts_test.yaml"])


@pytest.fixture
def made(helm: Path) -> list[dict[str, object]]:
    """What the chart makes where everything of monitoring is on."""
    place = ("fairlead", ROOT / CHART, "--namespace", "fairlead-system", "--values", VALUES)
    shown = read([helm, "template", *place, "--set", "monitoring.dashboard.enabled=true"])
    return [one for one in yaml.safe_load_all(shown) if one]


def test_what_the_chart_makes_of_them_is_read_by_prometheus(
    promtool: Path, made: list[dict[str, object]], tmp_path: Path
) -> None:
    [rules] = [one for one in made if one["kind"] == "PrometheusRule"]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(rules["spec"]))
    assert "SUCCESS: 15 rules found" in read([promtool, "check", "rules", file])
    for word in ("RELEASE_NAME", "RUNBOOKS"):
        assert word not in file.read_text()


def test_the_dashboard_is_handed_on_as_it_is(made: list[dict[str, object]]) -> None:
    [found] = [
        one for one in made if one["kind"] == "ConfigMap" and "dashboard" in str(one["metadata"])
    ]
    data = found["data"]
    assert isinstance(data, dict)
    assert data["fairlead-webservices.json"].strip() == DASHBOARD.read_text().strip()
