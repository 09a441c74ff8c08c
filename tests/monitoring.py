"""What alerts and dashboard ask of Prometheus."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FILES = Path(__file__).parents[1] / "charts/fairlead/files"
ALERTS, DASHBOARD = FILES / "alerts.yaml", FILES / "dashboard.json"
METRIC = re.compile(r"\b(?:fairlead|haproxy)_[a-z0-9_]+\b|\bup\b")
GROUPED = re.compile(r"\b(?:by|on|ignoring|group_left)\s*\(([^)]*)\)")
MATCHERS = re.compile(r"\{([^}]*)\}")
LABEL = re.compile(r"([a-zA-Z_]+)\s*(?:=~|!=|=)")
TEXT = re.compile(r'"[^"]*"')


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Those that show something."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Where each stands, and what it says."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])


def metrics_of(expression: str) -> set[str]:
    return set(METRIC.findall(TEXT.sub('""', expression)))


def labels_of(expression: str) -> set[str]:
    """Those that it selects or groups by."""
    bare = TEXT.sub('""', expression)
    grouped = (name.strip() for names in GROUPED.findall(bare) for name in names.split(","))
    selected = (name for matchers in MATCHERS.findall(bare) for name in LABEL.findall(matchers))
    return {name for name in (*grouped, *selected) if name}
