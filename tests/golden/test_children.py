"""Every child of a Webservice, compared whole with the file beside its input.

To accept a change that is meant: ``UPDATE_GOLDEN=1 pytest tests/golden``, then read the diff.
"""

import os
from pathlib import Path

import pytest
import yaml

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.desired.autoscaler import autoscaler
from fairlead.desired.deployment import deployment
from fairlead.desired.disruption_budget import disruption_budget
from fairlead.desired.exposure import NOTHING, Granted, http_route, ingress
from fairlead.desired.front import (
    FrontSettings,
    anyone_service,
    few_service,
    front_deployment,
    front_disruption_budget,
    pods_service,
)
from fairlead.desired.keys import keys
from fairlead.desired.service import service
from fairlead.evidence import NO_METRICS_API, ScalingSettings
from fairlead.inputs.bounded_yaml import LOADER
from tests.unit.objects import webservice

CASES = Path(__file__).parent / "children"
IMAGE = f"localhost:5000/demo/diabetes@sha256:{'ab' * 32}"


FRONT = FrontSettings("haproxy:3.2", pull_secret="fairlead-registry", serves=True)
SCALING = {
    "scaled-by-requests": ScalingSettings(installed=True, tolerance=True),
    "scaled-by-requests-before-tolerance": ScalingSettings(installed=True),
    "scaled-by-cpu": ScalingSettings(installed=True, tolerance=True),
}
GRANTED = {
    "ingress": Granted("public", "nginx", {"example.com/team": "ml"}),
    "ingress-v1-path": Granted("internal", "other"),
    "http-route": Granted(gateway="infra/public"),
}
UNPLACED = ("two-fronts",)  # no node takes a replica
PULL_SECRETS = {"own-image": ("team-pull", "fairlead-registry")}


def children(case: str, wanted: Webservice) -> list[Manifest]:
    made = [
        keys(wanted, "primary", "secondary"),
        deployment(wanted, IMAGE, PULL_SECRETS.get(case, ())),
        service(wanted, through_front=wanted.spec.fronted is not None),
        disruption_budget(wanted),
        autoscaler(wanted, SCALING.get(case, NO_METRICS_API)),
        pods_service(wanted),
        anyone_service(wanted),
        few_service(wanted, unplaced=case in UNPLACED),
        front_deployment(wanted, FRONT),
        front_disruption_budget(wanted),
        ingress(wanted, GRANTED.get(case, NOTHING)),
        http_route(wanted, GRANTED.get(case, NOTHING)),
    ]
    return [manifest for manifest in made if manifest]


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_the_children_are_what_the_file_says(case: Path) -> None:
    spec = yaml.safe_load((case / "webservice.yaml").read_text())
    made = children(case.name, webservice(**spec))
    file = case / "children.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(yaml.safe_dump_all(made, sort_keys=False, width=100))
    assert made == list(yaml.load_all(file.read_text(), Loader=LOADER))
