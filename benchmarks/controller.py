"""The controller against a bare client: time, requests, memory, idle, restart, fairness.

The peer is a bare asynchronous client that applies the very same children to the same API server,
in the same run: no operator can be faster. Pods ask for more CPU than there is, in both cases, so
that no kubelet is measured. Settings are the users' defaults.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterable

import psutil

from benchmarks.api_requests import READS, WRITES, Requests, requests_so_far
from benchmarks.bench import PATIENCE, Bench, show
from fairlead.api.meta import (
    API_VERSION,
    FIELD_MANAGER,
    INFERENCE_IMAGE,
    WEBSERVICE,
    Kind,
)
from fairlead.api.objects import read_webservice
from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import ApiCluster, connected
from fairlead.credentials.environment import credentials_of
from fairlead.desired.child_kinds import CHILD_KINDS, Known

SERVICES = int(os.environ.get("BENCH_SERVICES", "1000"))
BATCH = 50  # Webservices whose requests are counted
BAD = 500  # objects of the crowded namespace
IDLE_S = 60.0
SETTLED_S = 20.0  # without a request: the rest of what was applied has been worked off
AT_ONCE = 32  # requests of the bare client under way
IMAGE = "localhost:5000/fairlead/nothing:1"
SPEC = {"image": IMAGE, "resources": {"cpu": 900}, "auth": {"enabled": False}}
KEYED = {**SPEC, "auth": {"enabled": True}}
SLIP = {"source": {"inline": {"files": {"score.py": "def init(:\n"}}}, "entryScript": "score.py"}
MIB = 1 << 20
Row = tuple[str, str, str]


def measure(bench: Bench) -> None:
    os.environ["KUBECONFIG"] = str(bench.cluster.kubeconfig)
    rows = [
        *_children_made(bench),
        _requests_of_a_new_service(bench),
        *_idle(bench),
        *_restart(bench),
        _fairness(bench),
    ]
    show(f"The controller, {SERVICES} Webservices", ("", "measured", "aim"), rows)


def measure_memory(bench: Bench) -> None:
    """What the operator holds for ``BENCH_SERVICES`` Webservices, grown and after a restart."""
    os.environ["KUBECONFIG"] = str(bench.cluster.kubeconfig)
    namespace = bench.namespace("bench-memory")
    with bench.steps.step(f"Fairlead: {SERVICES} Webservices"):
        asyncio.run(_fairlead(bench, namespace))
        _await_silence(bench)
    grown = _rss(bench)
    with bench.steps.step("Operator killed and started again"):
        bench.kill_operator()
        bench.start_operator()
        asyncio.run(_fairlead(bench, bench.namespace("bench-memory-restart"), 1))
        _await_silence(bench)
    aim = "≤ 150 (1 000), ≤ 300 (5 000)"
    rows = [("RSS, MiB", f"{grown:.0f}", aim), ("after a restart", f"{_rss(bench):.0f}", aim)]
    show(f"The operator's memory, {SERVICES} Webservices", ("", "measured", "aim"), rows)


def _children_made(bench: Bench) -> list[Row]:
    bare, ours = bench.namespace("bench-bare"), bench.namespace("bench-ours")
    with bench.steps.step(f"Bare client: {SERVICES * len(CHILD_KINDS)} children"):
        peer = asyncio.run(_bare(bare))
    bench.cluster.run_kubectl("delete", "namespace", bare, seconds=PATIENCE)
    before = sum(bench.operator.cpu_times()[:2])
    with bench.steps.step(f"Fairlead: {SERVICES} Webservices"):
        took = asyncio.run(_fairlead(bench, ours))
    with bench.steps.step("Statuses and Events written"):
        _await_silence(bench)
    cpu = sum(bench.operator.cpu_times()[:2]) - before
    return [
        ("bare client: seconds (the limit)", f"{peer:.1f}", ""),
        ("Fairlead: seconds until all children exist", f"{took:.1f}", ""),
        ("ratio", f"{took / peer:.2f}", "≤ 1.5"),
        ("CPU seconds, all statuses written", f"{cpu:.1f}", ""),
        ("RSS, MiB", f"{_rss(bench):.0f}", "≤ 150 (1 000), ≤ 300 (5 000)"),
    ]


def _requests_of_a_new_service(bench: Bench) -> Row:
    namespace = bench.namespace("bench-requests")
    before = requests_so_far(bench.cluster)
    with bench.steps.step(f"Requests of {BATCH} new Webservices with keys"):
        asyncio.run(_fairlead(bench, namespace, BATCH, KEYED))
        _await_silence(bench)
    asked = requests_so_far(bench.cluster) - before
    bench.steps.say(f"      {asked}")
    return ("API requests for a new Webservice with keys", f"{asked.total() / BATCH:.1f}", "≤ 12")


def _idle(bench: Bench) -> list[Row]:
    before, cpu = requests_so_far(bench.cluster), sum(bench.operator.cpu_times()[:2])
    with bench.steps.step(f"Idle for {IDLE_S:.0f} s"):
        time.sleep(IDLE_S)  # what is measured is the time itself
    asked = requests_so_far(bench.cluster) - before
    share = 100 * (sum(bench.operator.cpu_times()[:2]) - cpu) / IDLE_S
    return [
        ("idle: % of a core", f"{share:.1f}", "≤ 3 (1 000)"),
        ("idle: requests in a minute (reads, writes)", _counted(asked), "0, but Secrets' creates"),
    ]


def _restart(bench: Bench) -> list[Row]:
    namespace = bench.namespace("bench-restart")
    with bench.steps.step("Operator killed and started again"):
        bench.kill_operator()
        before = requests_so_far(bench.cluster)
        started = time.monotonic()
        bench.start_operator()
        asyncio.run(_fairlead(bench, namespace, 1))
        took = time.monotonic() - started
        _await_silence(bench)
    asked = requests_so_far(bench.cluster) - before
    own = _own_writes(asked)
    return [
        ("after kill -9: seconds until a new one's children exist", f"{took:.1f}", "≤ 5"),
        ("after kill -9: writes but those of the new one", f"{own}", "0"),
    ]


def _fairness(bench: Bench) -> Row:
    crowd, one = bench.namespace("bench-crowd"), bench.namespace("bench-one")
    alone = asyncio.run(_fairlead(bench, bench.namespace("bench-alone"), 1))
    with bench.steps.step(f"One Webservice beside {BAD} bad objects of another namespace"):
        beside = asyncio.run(_beside_a_crowd(bench, crowd, one))
    delay = max(0.0, beside - alone)
    return (f"delay by {BAD} bad objects of another namespace, s", f"{delay:.2f}", "≤ 1")


async def _beside_a_crowd(bench: Bench, crowd: str, one: str) -> float:
    bad = [_object(INFERENCE_IMAGE, crowd, number, SLIP) for number in range(BAD)]
    async with connected(credentials_of()) as cluster:
        await _apply_all(cluster, bad)
    return await _fairlead(bench, one, 1)


def _own_writes(asked: Requests) -> int:
    """Without those of one new Webservice: an apply for each child, two statuses, one Event."""
    counts = {key: n for key, n in asked.counts.items() if key[0] in WRITES}
    counts.pop(("POST", "secrets"), None)  # 409: it is there, and nothing was written
    return max(0, sum(counts.values()) - len(CHILD_KINDS) - 2 - 1)


def _counted(asked: Requests) -> str:
    return f"{asked.total(READS)}, {asked.total(WRITES)}"


def _rss(bench: Bench) -> float:
    return float(psutil.Process(bench.operator.pid).memory_info().rss) / MIB


def _await_silence(bench: Bench) -> None:
    """Return once the API server has counted nothing of ours for a while."""
    deadline, quiet_since = time.monotonic() + PATIENCE, time.monotonic()
    before = requests_so_far(bench.cluster).counts
    while time.monotonic() - quiet_since < SETTLED_S and time.monotonic() < deadline:
        time.sleep(1.0)  # poll
        now = requests_so_far(bench.cluster).counts
        if now != before:
            before, quiet_since = now, time.monotonic()


async def _bare(namespace: str) -> float:
    """Apply every child, without an owner that would have to exist."""
    objects = [
        child
        for number in range(SERVICES)
        for child in _children(_object(WEBSERVICE, namespace, number, SPEC))
    ]
    async with connected(credentials_of()) as cluster:
        started = time.monotonic()
        await _apply_all(cluster, objects)
        return time.monotonic() - started


async def _fairlead(
    bench: Bench, namespace: str, count: int = SERVICES, spec: Manifest = SPEC
) -> float:
    """Apply the Webservices in the same way, and wait for all children."""
    objects = [_object(WEBSERVICE, namespace, number, spec) for number in range(count)]
    async with connected(credentials_of()) as cluster:
        started = time.monotonic()
        await _apply_all(cluster, objects)
        while missing := _missing(bench, namespace, count):
            if time.monotonic() - started > PATIENCE:
                raise TimeoutError(f"{missing} children are missing")
            await asyncio.sleep(0.1 if count == 1 else 1.0)  # poll
        return time.monotonic() - started


async def _apply_all(cluster: ApiCluster, objects: Iterable[Manifest]) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def apply(manifest: Manifest) -> None:
        async with free:
            await cluster.apply(manifest, existing=False, manager=FIELD_MANAGER)

    await asyncio.gather(*map(apply, objects))


def _missing(bench: Bench, namespace: str, count: int) -> int:
    """How many children do not exist yet; the last kind is made last, and counted first.

    They are counted, not listed: a list of a thousand is work for the API server, too.
    """
    for kind in reversed(CHILD_KINDS):
        path = Ref(kind.api_version, kind.plural, namespace).path
        page = json.loads(bench.cluster.run_kubectl("get", "--raw", f"{path}?limit=1"))
        there_are = int(len(page["items"]) + page["metadata"].get("remainingItemCount", 0))
        if there_are < count:
            return count - there_are
    return 0


def _object(kind: Kind, namespace: str, number: int, spec: Manifest) -> Manifest:
    meta = {"name": f"service-{number:04}", "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": meta, "spec": spec}


def _children(manifest: Manifest) -> list[Manifest]:
    made = {"uid": "none", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
    body = {**manifest, "metadata": {**manifest["metadata"], **made}}
    webservice = read_webservice(body)
    wanted = (kind.wanted(webservice, Known(IMAGE)) for kind in CHILD_KINDS)
    return [_without_owner(child) for child in wanted if child]


def _without_owner(child: Manifest) -> Manifest:
    metadata = {k: v for k, v in child["metadata"].items() if k != "ownerReferences"}
    return {**child, "metadata": metadata}
