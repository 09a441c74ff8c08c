"""``python -m fairlead.metrics_api``: watch Webservices, ask their pods, answer autoscalers."""

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fairlead.api.meta import API_VERSION, MANAGED_BY_US, OWNED_BY_WEBSERVICE, WEBSERVICE
from fairlead.cluster import CONNECTIONS, Cluster, Collection, connected
from fairlead.credentials.environment import credentials_of
from fairlead.errors import OperatorError
from fairlead.health.server import Health, serving_health
from fairlead.informer.missing_rights import MissingRights
from fairlead.informer.reflector import Reflector
from fairlead.informer.store import Store
from fairlead.metrics_api.certificates import certificates
from fairlead.metrics_api.poller import Poller
from fairlead.metrics_api.scrape import Scraper
from fairlead.metrics_api.server import serving
from fairlead.metrics_api.store import Measured
from fairlead.metrics_api.targets import project_service, project_target
from fairlead.operator_log import configure
from fairlead.operator_metrics import Metrics

WATCHES_OF_A_NAMESPACE = 2


@dataclass(frozen=True)
class Options:
    """Addresses are ``host:port``; no ``namespaces``: all."""

    address: str
    health_address: str
    certificates: Path
    namespaces: Sequence[str]


def main() -> None:
    """Exit code 0 after SIGTERM, 1 with one sentence where it cannot start."""
    options, log_format = _arguments()
    configure(log_format, sys.stderr)
    try:
        asyncio.run(run(options))
    except asyncio.CancelledError:
        sys.exit(0)  # told to end
    except (OperatorError, OSError, ValueError) as error:
        sys.exit(f"The metrics API cannot start: {error}")


async def run(options: Options) -> None:
    """Until told to end."""
    current = asyncio.current_task()
    if current is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    health, measured = Health(), Measured()
    connections = CONNECTIONS + WATCHES_OF_A_NAMESPACE * len(options.namespaces)
    listed = asyncio.Event()
    health.ready.append(lambda: "" if listed.is_set() else "Nothing has been listed yet.")
    async with (
        serving_health(options.health_address, health, Metrics()),
        connected(credentials_of(), connections) as cluster,
        watching(cluster, options.namespaces) as (services, pods),
    ):
        poller = Poller(services, pods, Scraper(), measured)
        known = await certificates(cluster, options.certificates)
        async with serving(options.address, measured, known):
            health.ready.append(poller.unready)
            listed.set()
            await poller.run()


@asynccontextmanager
async def watching(
    cluster: Cluster, namespaces: Sequence[str]
) -> AsyncIterator[tuple[Store, Store]]:
    """Webservices and their pods, both listed already."""
    services, pods = Store(project_service), Store(project_target, OWNED_BY_WEBSERVICE)
    rights = MissingRights()
    reflectors = [
        Reflector(cluster, collection, store, lambda *_: None, rights)
        for namespace in namespaces or ("",)
        for collection, store in (
            (Collection(API_VERSION, WEBSERVICE.plural, namespace=namespace), services),
            (Collection("v1", "pods", MANAGED_BY_US, namespace=namespace), pods),
        )
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run(), name="watch") for one in reflectors]
        try:
            for one in reflectors:
                await one.looked.wait()
            yield services, pods
        finally:
            for task in tasks:
                task.cancel()


def _arguments() -> tuple[Options, str]:
    parser = argparse.ArgumentParser(
        prog="python -m fairlead.metrics_api",
        description="Serve custom.metrics.k8s.io for Webservices: docs/scaling.md.",
    )
    parser.add_argument("--address", default="0.0.0.0:8443", help="host:port of the API")
    parser.add_argument("--health-address", default="0.0.0.0:8081", help="host:port of probes")
    parser.add_argument(
        "--certificates", type=Path, required=True, help="folder with tls.crt and tls.key"
    )
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.add_argument("namespaces", nargs="*", help="that are watched; none: all")
    given = parser.parse_args()
    options = Options(given.address, given.health_address, given.certificates, given.namespaces)
    return options, given.log_format


if __name__ == "__main__":
    main()
