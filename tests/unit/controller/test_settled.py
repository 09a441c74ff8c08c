"""Other managers of our children, over a cluster in memory: no write follows another for ever."""

import copy
from collections.abc import Callable
from functools import partial

import pytest

from fairlead.api.meta import WEBSERVICE
from fairlead.api.refs import Manifest
from tests.unit.controller.world import World

IMAGE = "registry.example.com/team/credit:1"
PLURALS = ("deployments", "services", "poddisruptionbudgets", "horizontalpodautoscalers")
SIDECAR = {"name": "proxy", "image": "proxy:1"}
Change = Callable[[Manifest], None]


def with_sidecar(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"].append(dict(SIDECAR))


def shorter_grace(spec: Manifest) -> None:
    spec["template"]["spec"]["terminationGracePeriodSeconds"] = 5


def other_limits(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "1"


def other_image(spec: Manifest) -> None:
    """As what pins or mirrors images does."""
    spec["template"]["spec"]["containers"][0]["image"] = "mirror.example.com/x@sha256:1"


def without_probe(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"][0].pop("livenessProbe")


def more_variables(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"][0]["env"].insert(0, {"name": "PROXY", "value": "x"})


def at_each_write_another(spec: Manifest) -> None:
    grace = spec["template"]["spec"]
    grace["terminationGracePeriodSeconds"] = grace["terminationGracePeriodSeconds"] + WRITES.pop()


WRITES = list(range(1000))


def admitting(change: Change) -> Callable[[Manifest], Manifest]:
    """What a webhook does to each Deployment that is written."""

    def admit(applied: Manifest) -> Manifest:
        if applied["kind"] != "Deployment":
            return applied
        changed = copy.deepcopy(applied)
        change(changed["spec"])
        return changed

    return admit


def stripping(applied: Manifest) -> Manifest:
    """A policy that lets nobody annotate anything."""
    meta = {k: v for k, v in applied["metadata"].items() if k != "annotations"}
    return {**applied, "metadata": meta}


def writes(world: World) -> int:
    return sum(world.cluster.requests["apply", plural] for plural in PLURALS)


def written(world: World, times: int) -> bool:
    return writes(world) == times


def settled(world: World) -> str:
    return world.reason(WEBSERVICE, "credit", "Settled")


async def looked_at_again(world: World, times: int) -> None:
    """Force that many reconciles, each by a change of the object that changes nothing."""
    for number in range(times):
        body = world.cluster.find("webservices", "demo", "credit") or {}
        notes = {"annotations": {"note": str(number)}}
        world.cluster.put({**body, "metadata": {**body["metadata"], **notes}})
        await world.settled()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (with_sidecar, ""),
        (more_variables, ""),
        (shorter_grace, "ChangedByAdmission"),
        (other_limits, "ChangedByAdmission"),
        (other_image, "ChangedByAdmission"),
        (without_probe, "ChangedByAdmission"),
        (at_each_write_another, "ChangedByAdmission"),
    ],
)
async def test_what_admission_changes_is_written_once(change: Change, told: str) -> None:
    world = World()
    world.cluster.admission = admitting(change)
    world.apply(WEBSERVICE, "credit", {"image": IMAGE})
    async with world.running():
        await world.until(lambda: settled(world) == told and writes(world) >= len(PLURALS))
        await world.settled()
        before = writes(world)
        assert before == len(PLURALS)
        await looked_at_again(world, 3)
        assert (writes(world), settled(world)) == (before, told)


async def test_where_our_note_is_taken_away_nothing_is_written_twice() -> None:
    world = World()
    world.cluster.admission = stripping
    world.apply(WEBSERVICE, "credit", {"image": IMAGE})
    async with world.running():
        await world.until(lambda: settled(world) == "ChangedByAdmission")
        await world.settled()
        before = writes(world)
        await looked_at_again(world, 3)
        assert (writes(world), before) == (before, len(PLURALS))


async def test_what_somebody_changes_once_is_put_back_once() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", {"image": IMAGE})
    async with world.running():
        await world.until(lambda: writes(world) == len(PLURALS))
        await world.settled()
        take(world, "kubectl-set")
        await world.until(lambda: grace(world) != 5)
        await world.settled()
        assert writes(world) == len(PLURALS) + 1
        assert settled(world) == ""


async def test_who_changes_it_again_and_again_is_not_fought() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", {"image": IMAGE})
    async with world.running():
        await world.until(lambda: writes(world) == len(PLURALS))
        for number in range(3):
            await world.settled()
            take(world, "vpa-updater")
            await world.until(partial(written, world, len(PLURALS) + 1 + number))
        await world.settled()
        take(world, "vpa-updater")
        await world.until(lambda: settled(world) == "ChangedByOthers")
        await looked_at_again(world, 3)
        assert writes(world) == len(PLURALS) + 3
        assert grace(world) == 5
        [message] = [c["message"] for c in conditions(world) if c["type"] == "Settled"]
        assert "spec.template.spec.terminationGracePeriodSeconds" in message
        assert "set by vpa-updater" in message
        world.apply(WEBSERVICE, "credit", {"image": f"{IMAGE}2"})
        await world.until(lambda: grace(world) != 5)
        await world.until(lambda: settled(world) == "")


def conditions(world: World) -> list[Manifest]:
    return list(world.status(WEBSERVICE, "credit")["conditions"])


def grace(world: World) -> int:
    live = world.cluster.find("deployments", "demo", "credit") or {}
    return int(live["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])


def take(world: World, manager: str) -> None:
    """Set a field of ours, as an Update does: it belongs to that manager from then on."""
    live = copy.deepcopy(world.cluster.find("deployments", "demo", "credit") or {})
    live["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 5
    path = ("f:spec", "f:template", "f:spec")
    for entry in live["metadata"]["managedFields"]:
        fields = entry["fieldsV1"]
        for step in path:
            fields = fields.get(step, {})
        fields.pop("f:terminationGracePeriodSeconds", None)
    theirs: Manifest = {"f:terminationGracePeriodSeconds": {}}
    for step in reversed(path):
        theirs = {step: theirs}
    entry = {"manager": manager, "operation": "Update", "fieldsV1": theirs}
    live["metadata"]["managedFields"] = [
        *(e for e in live["metadata"]["managedFields"] if e["manager"] != manager),
        entry,
    ]
    world.cluster.put(live)
