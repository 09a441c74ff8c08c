"""``python -m fairlead``: open what the operator needs, and run it until it is told to stop."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import kopf
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fairlead.cluster import connected
from fairlead.controller.controller import Controller
from fairlead.controller.work_queue import WorkQueue
from fairlead.credentials.access import Credentials
from fairlead.credentials.environment import credentials_of
from fairlead.errors import OperatorError
from fairlead.handlers import login, resources, startup  # noqa: F401 - they register themselves
from fairlead.handlers.login import Login
from fairlead.observe.cache import Cache
from fairlead.observe.config_maps import ConfigMaps
from fairlead.observe.context import ReconcileContext
from fairlead.observe.logs import Logs
from fairlead.observe.namespaces import Namespaces
from fairlead.observe.references import Key
from fairlead.operator_log import configure
from fairlead.parsing.pool import ParserPool
from fairlead.runners.local import LocalRunner
from fairlead.runners.log_server import serving_logs
from fairlead.settings import Settings


def main() -> None:
    """Exit code 0 after SIGTERM, 1 with one sentence where the operator cannot start."""
    try:
        settings = Settings()
        configure(settings.log_format, sys.stderr)
        asyncio.run(run(settings))
    except ValidationError as error:
        sys.exit(f"The operator cannot start: {'; '.join(map(_problem, error.errors()))}")
    except (OperatorError, OSError) as error:
        sys.exit(f"The operator cannot start: {error}")


async def run(settings: Settings) -> None:
    """Run kopf and the controller; when one of the two ends, end the other."""
    credentials = credentials_of()
    async with opened(settings, credentials) as (controller, cache):
        memo = kopf.Memo(cache=cache, login=Login(credentials))
        streams = asyncio.create_task(
            kopf.operator(clusterwide=True, standalone=True, memo=memo), name="kopf"
        )
        reconciling = asyncio.create_task(controller.run(), name="controller")
        tasks = (streams, reconciling)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


@asynccontextmanager
async def opened(
    settings: Settings, credentials: Credentials
) -> AsyncIterator[tuple[Controller, Cache]]:
    """The controller and its cache; when this closes, all tasks have ended."""
    instance = f"{socket.gethostname()}-{os.getpid()}"
    queue = WorkQueue[Key]()
    async with (
        ParserPool() as parsers,
        connected(credentials) as cluster,
        LocalRunner(settings) as runner,
        serving_logs(settings, runner, cluster),
    ):
        cache = Cache(cluster, queue.add, lambda uid: runner.want(uid, ()))
        context = ReconcileContext(
            cluster=cluster,
            cache=cache,
            runner=runner,
            parsers=parsers,
            settings=settings,
            config_maps=ConfigMaps(cluster, cache),
            logs=Logs(cluster),
            namespaces=Namespaces(cluster, cache),
            instance=instance,
        )
        controller = Controller(context, queue)
        runner.on_change(controller.wake)
        yield controller, cache


def _problem(error: ErrorDetails) -> str:
    return f"FAIRLEAD_{'_'.join(map(str, error['loc'])).upper()}: {error['msg']}"


if __name__ == "__main__":
    main()
