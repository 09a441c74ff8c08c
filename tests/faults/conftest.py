"""What all runs share: the cluster, a view of it, and operators to be had quickly."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.cluster.installation import install, settings_for
from tests.cluster.places import places
from tests.faults.api import Api
from tests.faults.outcome import Outcome, without_fault
from tests.faults.proxy.certificate import make_certificate
from tests.faults.proxy.event_loop import EventLoopThread
from tests.faults.proxy.upstream import upstream_of
from tests.faults.real_operators import RealOperators
from tests.faults.standins.forked import ForkedOperators
from tests.faults.standins.node import StandinNode
from tests.faults.story import story
from tests.faults.trial import Bed
from tests.faults.view import ClusterView

PLAIN = pytest.StashKey[Outcome]()
SETTINGS = {"FAIRLEAD_RESYNC_SECONDS": "3", "FAIRLEAD_INSECURE_HOSTS": "127.0.0.1"}


@pytest.fixture(scope="package")
def real_bed(
    cluster: Cluster, kept_on_failure: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bed]:
    """For operators as their users start them, with real tasks and real pods."""
    folder = tmp_path_factory.mktemp("faults")
    kept_on_failure.append(folder)
    kubeconfig = install(cluster, places())
    upstream = upstream_of(cluster.kubeconfig)
    settings = {**settings_for(cluster, places()), **SETTINGS}
    with EventLoopThread() as loop, ExitStack() as ending:
        api = Api(upstream, loop)
        ending.callback(api.close)
        view = ClusterView(api, loop)
        view.start()
        ending.callback(view.stop)
        operators = RealOperators()
        ending.callback(operators.close)
        yield Bed(
            loop=loop,
            api=api,
            view=view,
            upstream=upstream,
            certificate=make_certificate(folder),
            kubeconfig=kubeconfig,
            settings=settings,
            operators=operators,
            digests=False,
            folder=folder,
        )


@pytest.fixture(scope="module")
def bed(real_bed: Bed, cluster: Cluster) -> Iterator[Bed]:
    """For operators with stand-in tasks, and pods on a stand-in node."""
    loop, api, view = real_bed.loop, real_bed.api, real_bed.view
    node = StandinNode(api, view, real_bed.certificate, cluster.gateway)
    operators = ForkedOperators()
    loop.run(node.start())
    yield replace(real_bed, operators=operators, digests=True)
    operators.close()
    loop.run(node.stop())


@pytest.fixture(scope="module")
def plain(bed: Bed, pytestconfig: pytest.Config) -> Outcome:
    """The story without a fault, told once for all modules."""
    if PLAIN not in pytestconfig.stash:
        pytestconfig.stash[PLAIN] = without_fault(bed, "without-fault", story())
    return pytestconfig.stash[PLAIN]
