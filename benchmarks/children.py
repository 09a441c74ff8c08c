"""200 Webservices: from the first one applied until all of their children exist.

The peer is a bare asynchronous client that applies the very same children to the same API server,
in the same run: no operator can be faster. Pods ask for more CPU than there is, in both cases, so
that no kubelet is measured.
"""

import asyncio
import os
import time
from collections.abc import Iterable

from benchmarks.bench import PATIENCE, Bench, show
from fairlead.api.meta import API_VERSION, FIELD_MANAGER, MANAGED_BY_US, WEBSERVICE
from fairlead.api.objects import read_webservice
from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import ApiCluster, connected
from fairlead.desired.autoscaler import autoscaler
from fairlead.desired.deployment import deployment
from fairlead.desired.disruption_budget import disruption_budget
from fairlead.desired.service import service

SERVICES = 200
AT_ONCE = 32  # requests of the bare client under way
KINDS = (
    ("apps/v1", "deployments"),
    ("v1", "services"),
    ("policy/v1", "poddisruptionbudgets"),
    ("autoscaling/v2", "horizontalpodautoscalers"),
)
IMAGE = "localhost:5000/fairlead/nothing:1"
SPEC = {"image": IMAGE, "resources": {"cpu": 900}, "auth": {"enabled": False}}
MIB = 1 << 20


def measure(bench: Bench) -> None:
    os.environ["KUBECONFIG"] = str(bench.cluster.kubeconfig)
    bare, ours = bench.namespace("bench-bare"), bench.namespace("bench-ours")
    with bench.steps.step(f"Bare client: {SERVICES * len(KINDS)} children"):
        peer = asyncio.run(_bare(bare))
    bench.cluster.run_kubectl("delete", "namespace", bare)
    before = sum(bench.operator.cpu_times()[:2])
    with bench.steps.step(f"Fairlead: {SERVICES} Webservices"):
        took = asyncio.run(_fairlead(ours))
    cpu = sum(bench.operator.cpu_times()[:2]) - before
    rate, limit = SERVICES / took, SERVICES / peer
    show(
        f"{SERVICES} Webservices and their {SERVICES * len(KINDS)} children",
        ("", "seconds", "services/s", "of the limit", "CPU s", "RSS MiB"),
        [
            ("bare client (the limit)", f"{peer:.1f}", f"{limit:.1f}", "100 %", "", ""),
            (
                "Fairlead",
                f"{took:.1f}",
                f"{rate:.1f}",
                f"{100 * rate / limit:.0f} %",
                f"{cpu:.1f}",
                f"{bench.operator.memory_info().rss / MIB:.0f}",
            ),
        ],
    )


async def _bare(namespace: str) -> float:
    """Apply every child, without an owner that would have to exist."""
    objects = [
        child for number in range(SERVICES) for child in _children(_webservice(namespace, number))
    ]
    async with connected() as cluster:
        started = time.monotonic()
        await _apply_all(cluster, objects)
        return time.monotonic() - started


async def _fairlead(namespace: str) -> float:
    """Apply the Webservices in the same way, and wait for all children."""
    objects = [_webservice(namespace, number) for number in range(SERVICES)]
    async with connected() as cluster:
        started = time.monotonic()
        await _apply_all(cluster, objects)
        while await _missing(cluster, namespace):
            if time.monotonic() - started > PATIENCE:
                raise TimeoutError(f"{await _missing(cluster, namespace)} children are missing")
            await asyncio.sleep(0.2)  # poll
        return time.monotonic() - started


async def _apply_all(cluster: ApiCluster, objects: Iterable[Manifest]) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def apply(manifest: Manifest) -> None:
        async with free:
            await cluster.apply(manifest, existing=False, manager=FIELD_MANAGER)

    await asyncio.gather(*map(apply, objects))


async def _missing(cluster: ApiCluster, namespace: str) -> int:
    refs = [Ref(version, plural, namespace) for version, plural in KINDS]
    found = [len(await cluster.list(ref, MANAGED_BY_US)) for ref in refs]
    return SERVICES * len(KINDS) - sum(found)


def _webservice(namespace: str, number: int) -> Manifest:
    meta = {"name": f"service-{number:03}", "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": WEBSERVICE.kind, "metadata": meta, "spec": SPEC}


def _children(manifest: Manifest) -> list[Manifest]:
    made = {"uid": "none", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
    body = {**manifest, "metadata": {**manifest["metadata"], **made}}
    webservice = read_webservice(body)
    wanted = (
        deployment(webservice, IMAGE),
        service(webservice),
        disruption_budget(webservice),
        autoscaler(webservice),
    )
    return [_without_owner(child) for child in wanted if child]


def _without_owner(child: Manifest) -> Manifest:
    metadata = {k: v for k, v in child["metadata"].items() if k != "ownerReferences"}
    return {**child, "metadata": metadata}
