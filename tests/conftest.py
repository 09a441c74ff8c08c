"""The cluster, for the tests that ask for it: up before the first test, outside any time-out."""

import gc
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.bytecode import keep_bytecode
from tests.cluster import Cluster, ClusterError
from tests.cluster.artifacts import keep, log_to
from tests.cluster.down import down
from tests.cluster.installation import install, operator_kubeconfig
from tests.cluster.lock import exclusive
from tests.cluster.on_demand import buildkit_image, front_image
from tests.cluster.operator_image import name, publish
from tests.cluster.places import Places, places
from tests.cluster.programs import (
    BUILDKIT_PACKAGES,
    CHART_PACKAGES,
    CONTROL_PLANE,
    GITOPS_PACKAGES,
    INGRESS_PACKAGES,
    MONITORING_PACKAGES,
    build_on_demand,
    program_path,
)
from tests.cluster.steps import Steps
from tests.cluster.up import handle, up
from tests.control_plane import CONTROLLERS, SCHEDULER, ControlPlane, control_plane

keep_bytecode(places())
COLLECT_LESS = 20_000, 20, 10  # garbage in cycles: there is memory to spare, and little time

# The same examples in each run, or a change would be refused for what it has not touched.
# For others: HYPOTHESIS_PROFILE=default.
settings.register_profile(
    "gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # beside other tests a limit of milliseconds says nothing
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))
BUILT_BEFORE = {  # the programs that a fixture needs, outside any time-out
    "helm": CHART_PACKAGES,
    "health_program": GITOPS_PACKAGES,
    "buildkit": BUILDKIT_PACKAGES,
    "promtool": MONITORING_PACKAGES,
    "way": (*INGRESS_PACKAGES, *CONTROL_PLANE),
    "ingress_server": (*INGRESS_PACKAGES, *CONTROL_PLANE),
    "api_server": CONTROL_PLANE,
}
CLUSTER = pytest.StashKey[Cluster]()
LOCK = pytest.StashKey[ExitStack]()
KEPT = pytest.StashKey[list[Path]]()
PREPARED = "FAIRLEAD_TESTS_PREPARED"  # set by ``python -m tests``, whose lock and cluster they are


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Cluster:
    """A real Kubernetes, shared by all tests of the run: see ``tests/cluster``."""
    return pytestconfig.stash[CLUSTER]


def is_prepared() -> bool:
    """Whether ``python -m tests`` has the cluster up, and what the scenes need on it."""
    return PREPARED in os.environ


@pytest.fixture(scope="session")
def operator_rights(cluster: Cluster) -> Path:
    """A kubeconfig of an operator beside the cluster, whose definitions are there; no other is."""
    return operator_kubeconfig(places()) if is_prepared() else install(cluster, places())


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Without a kubelet; all else is there."""
    with control_plane(tmp_path_factory.mktemp("api"), CONTROLLERS, SCHEDULER) as plane:
        yield plane


@pytest.fixture(scope="session")
def operator_image(cluster: Cluster, pytestconfig: pytest.Config) -> str:
    """The operator's image as users get it, and that of the tasks, in the cluster's registry."""
    assert cluster.registry in name("operator")
    if is_prepared():
        return name("operator")
    with on_the_terminal(pytestconfig) as steps:
        publish(places(), steps)
    return name("operator")


@pytest.fixture(scope="session")
def buildkit(cluster: Cluster, pytestconfig: pytest.Config) -> str:
    """The image of a rootless BuildKit, in the cluster's registry."""
    with on_the_terminal(pytestconfig) as steps:
        image = buildkit_image(places(), steps)
    assert cluster.registry in image
    return image


@pytest.fixture(scope="session")
def front(cluster: Cluster, pytestconfig: pytest.Config) -> str:
    """The image of fronts, in the cluster's registry."""
    with on_the_terminal(pytestconfig) as steps:
        image = front_image(places(), steps)
    assert cluster.registry in image
    return image


@pytest.fixture(scope="session")
def helm() -> Path:
    """The real helm, built before the first test."""
    return program_path(places(), "helm")


@pytest.fixture(scope="session")
def health_program() -> Path:
    """What judges objects as GitOps tools do: ``tests/cluster/go-gitops``."""
    return program_path(places(), "health")


@pytest.fixture(scope="session")
def promtool() -> Path:
    """What reads and tries rules as Prometheus does: ``tests/cluster/go-monitoring``."""
    return program_path(places(), "promtool")


@pytest.fixture(scope="session")
def kept_on_failure(pytestconfig: pytest.Config) -> list[Path]:
    """Add files and folders that should be in .artifacts/ if any test fails."""
    return pytestconfig.stash[KEPT]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cluster-tests",
        choices=("all", "only", "none"),
        default="all",
        help="whether to run the tests that use the cluster, beside the others or alone",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--cluster-tests")
    if wanted == "all":
        return
    left_out = [item for item in items if _uses_the_cluster(item) != (wanted == "only")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if _uses_the_cluster(item) == (wanted == "only")]


def longest_first(config: pytest.Config, items: list[pytest.Item], names: Sequence[str]) -> None:
    """Side by side, what takes longest begins first, and is not waited for at the end; ``names``
    are of files: ``services`` for ``test_services.py``."""
    ranks = {f"test_{name}": rank for rank, name in enumerate(names)}
    if hasattr(config, "workerinput"):  # set by xdist
        items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


def _uses_the_cluster(item: pytest.Item) -> bool:
    return "cluster" in getattr(item, "fixturenames", ())


def pytest_configure(config: pytest.Config) -> None:
    config.stash[KEPT] = []
    gc.set_threshold(*COLLECT_LESS)


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()  # all that was imported stays
    if session.config.option.collectonly:
        return
    if is_prepared():
        session.config.stash[CLUSTER] = handle(places())
        return
    for fixture, programs in BUILT_BEFORE.items():
        if any(fixture in getattr(item, "fixturenames", ()) for item in session.items):
            _build(session.config, programs)
    if not any(map(_uses_the_cluster, session.items)):
        return
    with on_the_terminal(session.config) as steps, ExitStack() as lock:
        try:
            lock.enter_context(exclusive(places(), "pytest"))
            session.config.stash[LOCK] = lock.pop_all()
            log_to(places())
            session.config.stash[CLUSTER] = up(places(), steps)
        except ClusterError as error:
            steps.fail(error, places().log)
            pytest.exit("The cluster for the tests did not come up.", returncode=1)


def _build(config: pytest.Config, programs: Iterable[str]) -> None:
    with on_the_terminal(config) as steps:
        try:
            build_on_demand(places(), steps, programs)
        except ClusterError as error:
            steps.fail(error, places().log)
            pytest.exit(f"{', '.join(programs)} could not be built.", returncode=1)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the logs if anything failed, take everything down, and let the next run in."""
    stash = session.config.stash
    if is_prepared() and session.testsfailed:
        with _kept_list(places()).open("a") as file:
            file.writelines(f"{path}\n" for path in stash[KEPT])
    if LOCK not in stash:
        return
    with stash[LOCK], on_the_terminal(session.config) as steps:
        kept = stash[KEPT]
        try:
            if session.testsfailed or CLUSTER not in stash:
                with steps.step("Logs kept in .artifacts"):
                    keep(places(), kept)
            down(places(), steps)
        except ClusterError as error:
            steps.fail(error, places().log)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def kept_by_parts(where: Places) -> list[Path]:
    """What the parts of a prepared run have asked to keep, where one has failed."""
    file = _kept_list(where)
    return [Path(line) for line in file.read_text().splitlines()] if file.exists() else []


def forget_kept(where: Places) -> None:
    """Those of an earlier run."""
    _kept_list(where).unlink(missing_ok=True)


def _kept_list(where: Places) -> Path:
    return where.run / "kept-by-parts"


@contextmanager
def on_the_terminal(config: pytest.Config) -> Iterator[Steps]:
    """Steps that are seen while pytest holds back what tests print."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled(), Steps() as steps:
        steps.say("")
        yield steps
