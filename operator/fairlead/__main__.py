"""``python -m fairlead``: open what the operator needs, and run it until it is told to stop."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import kopf
import structlog
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fairlead.cluster import connected
from fairlead.errors import OperatorError
from fairlead.handlers import children, resources, startup  # noqa: F401 - they register themselves
from fairlead.handlers.wakes import Wakes
from fairlead.observe.context import ReconcileContext
from fairlead.operator_log import as_text
from fairlead.runners.local import LocalRunner
from fairlead.runners.log_server import serving_logs
from fairlead.settings import Settings


def main() -> None:
    """Exit code 0 after SIGTERM, 1 with one sentence where the operator cannot start."""
    try:
        settings = Settings()
        log_as(settings.log_format)
        asyncio.run(run(settings))
    except ValidationError as error:
        sys.exit(f"The operator cannot start: {'; '.join(map(_problem, error.errors()))}")
    except (OperatorError, OSError) as error:
        sys.exit(f"The operator cannot start: {error}")


async def run(settings: Settings) -> None:
    async with opened(settings) as memo:
        await kopf.operator(clusterwide=True, standalone=True, memo=memo)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[kopf.Memo]:
    """What every handler finds in its memo; when it closes, all tasks have ended."""
    wakes = Wakes()
    instance = f"{socket.gethostname()}-{os.getpid()}"
    async with (
        connected() as cluster,
        LocalRunner(settings) as runner,
        serving_logs(settings, runner, cluster),
    ):
        runner.on_change(wakes.wake_owners)
        context = ReconcileContext(cluster, runner, settings, instance)
        yield kopf.Memo(context=context, wakes=wakes)


def _problem(error: ErrorDetails) -> str:
    return f"FAIRLEAD_{'_'.join(map(str, error['loc'])).upper()}: {error['msg']}"


def log_as(form: str) -> None:
    """One line per decision: readable, or JSON. kopf itself logs from warnings up."""
    text = form == "text"
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
            as_text if text else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")


if __name__ == "__main__":
    main()
