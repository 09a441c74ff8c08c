"""``python -m fairlead``: open what the operator needs, and run it until it is told to stop."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING

import kopf
from kopf._core.engines.peering import Identity
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fairlead.cluster import CONNECTIONS, Cluster, connected
from fairlead.controller.controller import Controller
from fairlead.controller.work_queue import WorkQueue
from fairlead.credentials.environment import credentials_of
from fairlead.errors import LeaseLostError, OperatorError
from fairlead.handlers import login, resources, startup  # noqa: F401 - they register themselves
from fairlead.handlers.login import Login
from fairlead.health.echo import Echo
from fairlead.health.server import Health, serving_health
from fairlead.informer.missing_rights import MissingRights
from fairlead.leader.election import Election, leading
from fairlead.leader.lease import lease_ref
from fairlead.log_address import LogKeys
from fairlead.logs.guarded_server import LOG_CONNECTIONS, read_keys, serving_guarded_logs
from fairlead.logs.local_server import serving_logs
from fairlead.observe.cache import Cache
from fairlead.observe.config_maps import ConfigMaps
from fairlead.observe.context import ReconcileContext
from fairlead.observe.definitions import Definitions
from fairlead.observe.exposures import exposure_kinds
from fairlead.observe.local_registry import located_variables, with_local_registry
from fairlead.observe.logs import Logs
from fairlead.observe.metrics_api import MetricsApi
from fairlead.observe.namespaces import Namespaces
from fairlead.observe.references import Key
from fairlead.operator_log import configure
from fairlead.operator_metrics import Metrics
from fairlead.parsing.pool import ParserPool
from fairlead.runners.base import Runner
from fairlead.settings import Settings

if TYPE_CHECKING:
    from fairlead.runners.job.runner import JobRunner
    from fairlead.runners.local import LocalRunner

LEASE_NAME = "fairlead-operator"
WATCHES_OF_A_NAMESPACE = 9  # that are named: a watch for each kind of object, and of the namespace


def main() -> None:
    """Exit code 0 after SIGTERM, 1 with one sentence where the operator cannot start."""
    _arguments().parse_args()
    signal.signal(signal.SIGTERM, _told_to_end)  # until there is an event loop
    try:
        settings = Settings()
        configure(settings.log_format, sys.stderr)
        asyncio.run(run(settings))
    except asyncio.CancelledError:
        sys.exit(0)  # told to end
    except LeaseLostError as error:
        sys.exit(f"The operator ends: {error}")
    except ValidationError as error:
        sys.exit(f"The operator cannot start: {'; '.join(map(_problem, error.errors()))}")
    except (OperatorError, OSError) as error:
        sys.exit(f"The operator cannot start: {error}")


async def run(settings: Settings) -> None:
    """Wait for the lease, then run kopf and the controller; when one of these ends, end the others.

    Raises ``LeaseLostError`` where another operator may work by now.
    """
    _end_when_told()
    credentials, health, metrics = credentials_of(), Health(), Metrics()
    keys = read_keys(settings)
    async with (
        connected(credentials, connections(settings)) as cluster,
        connected(
            credentials, LOG_CONNECTIONS
        ) as cluster_of_logs,  # whoever follows takes no other
        serving_health(settings.health_address, health, metrics),
        located(settings, cluster) as known,
        serving_guarded_logs(known, cluster_of_logs, keys),  # while standing by, too
        held(known, cluster) as lost,
        opened(known, cluster, metrics, keys) as (controller, cache),
    ):
        memo = kopf.Memo(cache=cache, login=Login(credentials))
        streams = asyncio.create_task(
            kopf.operator(
                clusterwide=not settings.watch_namespaces,
                namespaces=settings.watch_namespaces,
                standalone=True,
                identity=Identity(_identity()),  # else it asks for the user's name: pods have none
                memo=memo,
            ),
            name="kopf",
        )
        reconciling = asyncio.create_task(controller.run(), name="controller")
        echoing = asyncio.create_task(_prove_life(settings, health, cluster, cache), name="echo")
        comparing = asyncio.create_task(_compare_definitions(cluster, metrics), name="definitions")
        await _first_to_end(lost, streams, reconciling, echoing, comparing)


def connections(settings: Settings) -> int:
    """How many to the API server: what watches hold for ever is not taken from the others."""
    watches = WATCHES_OF_A_NAMESPACE + len(exposure_kinds(settings))
    return CONNECTIONS + watches * len(settings.watch_namespaces)


async def _first_to_end(lost: asyncio.Task[None], *tasks: asyncio.Task[None]) -> None:
    """End all tasks when one has ended, or when told to end, and raise what it raised.

    Told to end before kopf listens to that, they must not outlive what they use either.
    """
    try:
        await asyncio.wait((lost, *tasks), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    if lost.done():
        raise LeaseLostError("The lease was lost: another operator may work by now.")


@asynccontextmanager
async def located(settings: Settings, cluster: Cluster) -> AsyncIterator[Settings]:
    """The settings with the cluster's own registry, where they name none.

    Tasks that are child processes inherit the variables.
    """
    in_pods = settings.runner == "job" or "KUBERNETES_SERVICE_HOST" in os.environ
    known = await with_local_registry(settings, cluster, in_pods=in_pods)
    if known != settings:
        os.environ.update(located_variables(known))
    yield known


@asynccontextmanager
async def held(settings: Settings, cluster: Cluster) -> AsyncIterator[asyncio.Task[None]]:
    """The lease, where one is asked for; the task ends when it is lost."""
    if settings.leader_election:
        ref = lease_ref(settings.namespace, LEASE_NAME)
        async with leading(Election(cluster, ref, _identity())) as lost:
            yield lost
        return
    never = asyncio.create_task(_forever(), name="no lease")
    try:
        yield never
    finally:
        never.cancel()


async def _forever() -> None:
    await asyncio.Event().wait()


async def _prove_life(settings: Settings, health: Health, cluster: Cluster, cache: Cache) -> None:
    """Where anybody asks: have the probes tell what the streams and the echo show."""
    if not settings.health_address:
        await _forever()
    echo = Echo(cluster, cache, settings.namespace)
    health.ready.append(cache.unlisted)
    await cache.listed.wait()
    health.alive += [echo.problem, cache.silent_stream]
    await echo.run()


async def _compare_definitions(cluster: Cluster, metrics: Metrics) -> None:
    definitions = Definitions(cluster)
    metrics.gauge(
        "fairlead_definitions_missing_fields",
        "Fields that an installed CustomResourceDefinition lacks, by its name.",
        ("definition",),
        definitions.counts,
    )
    await definitions.run()


@asynccontextmanager
async def opened(
    settings: Settings, cluster: Cluster, metrics: Metrics, keys: LogKeys | None = None
) -> AsyncIterator[tuple[Controller, Cache]]:
    """The controller and its cache; when this closes, all tasks have ended."""
    queue, rights = WorkQueue[Key](), MissingRights()
    async with (
        ParserPool() as parsers,
        _runner(settings, cluster, rights) as runner,
        nullcontext() if keys else serving_logs(settings, runner, cluster),
    ):
        cache = Cache(
            cluster,
            queue.add,
            lambda uid: runner.want(uid, ()),
            settings.watch_namespaces,
            settings.namespace,
            rights,
        )
        cache.watch_exposures(settings)
        context = ReconcileContext(
            cluster=cluster,
            cache=cache,
            runner=runner,
            parsers=parsers,
            settings=settings,
            config_maps=ConfigMaps(cluster, cache),
            logs=Logs(cluster),
            namespaces=Namespaces(cluster, cache),
            instance=_identity(),
            log_keys=keys,
            metrics=metrics,
            metrics_api=await _metrics_api(settings, cluster),
        )
        controller = Controller(context, queue)
        runner.on_change(controller.wake)
        _expose(metrics, queue, cache, runner)
        yield controller, cache


async def _metrics_api(settings: Settings, cluster: Cluster) -> MetricsApi | None:
    if not settings.metrics_api:
        return None
    api = MetricsApi(cluster, settings.metrics_api)
    await api.look()
    return api


def _expose(metrics: Metrics, queue: WorkQueue[Key], cache: Cache, runner: Runner) -> None:
    metrics.gauge(
        "fairlead_work_queue_length", "Keys that wait for a worker.", (), lambda: {(): len(queue)}
    )
    metrics.gauge(
        "fairlead_objects", "Objects by their condition Ready.", ("kind", "ready"), cache.readiness
    )
    metrics.gauge(
        "fairlead_missing_rights",
        "Lists and watches that the API server refuses, by namespace.",
        ("namespace",),
        cache.rights.counts,
    )
    metrics.gauge(
        "fairlead_tasks",
        "Tasks by phase.",
        ("phase",),
        lambda: Counter((str(phase),) for phase in runner.phases()),
    )


def _identity() -> str:
    """Names this process: in a pod, the pod; elsewhere the machine and the process."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _told_to_end(*_: object) -> None:
    """The first process of a container ignores a signal that nobody handles."""
    sys.exit(0)


def _end_when_told() -> None:
    """End while standing by, too: until kopf takes the signal over. Not by an exception that is
    raised wherever the signal finds us: where Python clears up after itself it would be lost."""
    running = asyncio.current_task()
    if running is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fairlead",
        description="Run the operator. Its settings are environment variables: docs/settings.md.",
    )
    parser.add_argument("--version", action="version", version=f"fairlead {version('fairlead')}")
    return parser


def _runner(
    settings: Settings, cluster: Cluster, rights: MissingRights
) -> "JobRunner | LocalRunner":
    """Only the one that is used is imported."""
    if settings.runner == "local":
        from fairlead.runners.local import LocalRunner

        return LocalRunner(settings)
    from fairlead.runners.job.runner import JobRunner

    trusted = settings.ca_bundle.read_text() if settings.ca_bundle else ""
    return JobRunner(settings, cluster, trusted, rights)


def _problem(error: ErrorDetails) -> str:
    return f"FAIRLEAD_{str(error['loc'][0]).upper()}: {error['msg']}"
