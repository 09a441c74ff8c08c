"""What all runs share: an API server, a view of it, and operators to be had quickly.

Stand-in tasks and a stand-in node need no cluster: what happens is what an API server, controllers
and a scheduler of their own do. Real tasks and real pods are at the cluster.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.cluster.installation import grant, settings_for
from tests.cluster.places import places
from tests.control_plane import NOBODYS, ControlPlane
from tests.faults.api import Api
from tests.faults.outcome import Outcome, without_fault
from tests.faults.proxy.certificate import make_certificate
from tests.faults.proxy.event_loop import EventLoopThread
from tests.faults.proxy.upstream import upstream_of, with_rights
from tests.faults.real_operators import RealOperators
from tests.faults.standins.forked import ForkedOperators
from tests.faults.standins.node import StandinNode
from tests.faults.story import story
from tests.faults.trial import Bed, Operators
from tests.faults.view import ClusterView

PLAIN = pytest.StashKey[Outcome]()
SETTINGS = {"FAIRLEAD_RESYNC_SECONDS": "3", "FAIRLEAD_INSECURE_HOSTS": "127.0.0.1"}


@pytest.fixture(scope="package")
def real_bed(
    cluster: Cluster,
    operator_rights: Path,
    kept_on_failure: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bed]:
    """For operators as their users start them, with real tasks and real pods."""
    folder = tmp_path_factory.mktemp("real-faults")
    kept_on_failure.append(folder)
    settings, operators = settings_for(cluster, places()), RealOperators()
    with _bed(folder, cluster.kubeconfig, operator_rights, settings, operators) as bed:
        yield bed
        operators.close()


@pytest.fixture(scope="package")
def bed(
    api_server: ControlPlane, kept_on_failure: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bed]:
    """For operators with stand-in tasks, and pods on a stand-in node."""
    folder = tmp_path_factory.mktemp("faults")
    kept_on_failure.extend([folder, api_server.folder])
    kubeconfig = grant(api_server.run_kubectl, places().checkout, folder / "operator-kubeconfig")
    operators = ForkedOperators()
    with _bed(folder, api_server.kubeconfig, kubeconfig, NOBODYS, operators) as bed:
        node = StandinNode(bed.api, bed.view, bed.certificate)
        bed.loop.run(node.start())
        yield bed
        operators.close()
        bed.loop.run(node.stop())


@contextmanager
def _bed(
    folder: Path,
    admin: Path,
    kubeconfig: Path,
    settings: Mapping[str, str],
    operators: Operators,
) -> Iterator[Bed]:
    with EventLoopThread() as loop, ExitStack() as ending:
        api = Api(with_rights(admin), loop)
        ending.callback(api.close)
        view = ClusterView(api, loop)
        view.start()
        ending.callback(view.stop)
        yield Bed(
            loop=loop,
            api=api,
            view=view,
            upstream=upstream_of(kubeconfig),
            certificate=make_certificate(folder),
            kubeconfig=kubeconfig,
            settings={**settings, **SETTINGS},
            operators=operators,
            digests=isinstance(operators, ForkedOperators),
            folder=folder,
        )


@pytest.fixture(scope="module")
def plain(bed: Bed, pytestconfig: pytest.Config) -> Outcome:
    """The story without a fault, told once for all modules."""
    if PLAIN not in pytestconfig.stash:
        pytestconfig.stash[PLAIN] = without_fault(bed, "without-fault", story())
    return pytestconfig.stash[PLAIN]
