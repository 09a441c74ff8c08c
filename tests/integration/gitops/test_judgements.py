"""What GitOps tools think of our objects, by their own health code, at each moment of a life."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.api.meta import GROUP
from fairlead.api.refs import Manifest
from tests.cluster.command import read
from tests.cluster.places import places
from tests.integration.gitops.lives import KINDS, LIVES, OF_EVERY_KIND, finished

CUSTOMISATIONS = places().checkout / "examples/gitops/argocd-cm.yaml"
IN_ARGO_CD = {
    "InProgress": "Progressing",
    "Terminating": "Progressing",
    "Failed": "Degraded",
    "Current": "Healthy",
}
Judgement = Mapping[str, Mapping[str, str]]


def moments() -> dict[str, tuple[str, Manifest]]:
    """Every moment of every kind, with what a tool must think of it."""
    of_one = {name: (expected, make()) for name, (expected, make) in LIVES.items()}
    of_all = {
        f"{kind.kind}: {name}": (expected, make(kind))
        for kind in KINDS
        for name, (expected, make) in OF_EVERY_KIND.items()
    }
    return of_one | of_all


MOMENTS = moments()


def script(kind: str) -> str:
    keys = yaml.safe_load(CUSTOMISATIONS.read_text())["data"]
    return str(keys[f"resource.customizations.health.{GROUP}_{kind}"])


def judged(program: Path, folder: Path, objects: list[Manifest]) -> list[Judgement]:
    file = folder / "health.lua"
    file.write_text(script("Webservice"))
    answers: list[Judgement] = json.loads(read([program, file], text=json.dumps(objects)))
    return answers


@pytest.fixture(scope="module")
def judgements(
    health_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Judgement]:
    objects = [manifest for _, manifest in MOMENTS.values()]
    answers = judged(health_program, tmp_path_factory.mktemp("health"), objects)
    return dict(zip(MOMENTS, answers, strict=True))


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_moment_is_judged_rightly(judgements: Mapping[str, Judgement], moment: str) -> None:
    expected, manifest = MOMENTS[moment]
    told = judgements[moment]
    found = {tool: verdict["status"] for tool, verdict in told.items()}
    wanted = {"kstatus": expected, "flux": expected, "argo": IN_ARGO_CD[expected]}
    assert found == wanted, (told, manifest["status"])


def test_there_is_one_script_for_all_kinds() -> None:
    assert {script(kind.kind) for kind in KINDS} == {script("Webservice")}


def test_argo_cd_shows_what_happened_and_what_to_do(judgements: Mapping[str, Judgement]) -> None:
    shown = judgements["model: failed"]["argo"]["message"]
    assert shown == ("ModelTooLarge: 30Gi, but at most 20Gi are allowed. Remedy: Make it smaller.")
    assert judgements["Model: just created"]["argo"]["message"] == (
        "Waiting for the Fairlead operator to look at this object."
    )
    assert judgements["service: serves"]["argo"]["message"] == (
        "Serving: 2 of 2 replicas are ready."
    )


def without(condition: str, of: Manifest) -> dict[str, Any]:
    kept = [one for one in of["status"]["conditions"] if one["type"] != condition]
    return {**of, "status": {**of["status"], "conditions": kept}}


def test_the_judges_hear_what_they_are_told(health_program: Path, tmp_path: Path) -> None:
    """A status that said less would be judged otherwise: the tests above can fail."""
    _, failed = MOMENTS["model: failed"]
    objects = [without("Stalled", failed), without("Ready", finished(KINDS[0]))]
    answers = judged(health_program, tmp_path, objects)
    assert [answer["flux"]["status"] for answer in answers] == ["InProgress", "Current"]
    assert [answer["argo"]["status"] for answer in answers] == ["Progressing", "Progressing"]
