"""Build logs under the address that status names: while a build runs, and ever after.

For the ``local`` runner only: on the loopback, without authentication.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web

from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE
from fairlead.api.objects import read_image
from fairlead.api.refs import Ref
from fairlead.cluster import Cluster
from fairlead.decide.image.build import pushed_to, repository
from fairlead.errors import OperatorError
from fairlead.images.build_log import read_log
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError, RegistryError
from fairlead.registry.reference import parse_repository
from fairlead.settings import Settings

ROUTE = "/inferenceimages/{namespace}/{name}/builds/{id}/log"
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
MAX_SHOWN_BYTES = 1_000_000  # of the log of a build that runs, or has run lately: its end
BUILD = re.compile(r"\d+-\d+")


class Logs(Protocol):
    """Whoever keeps the logs of the tasks that run, and of those that ran lately, redacted."""

    async def log_of(self, build: str, max_bytes: int) -> str: ...


@asynccontextmanager
async def serving_logs(settings: Settings, logs: Logs, cluster: Cluster) -> AsyncIterator[None]:
    """Serve build logs while the context lasts.

    Raises ``OSError``, with a sentence that says what to do, where the port is taken.
    """
    host, _, port = settings.log_address.rpartition(":")
    app = web.Application()
    app.router.add_get(ROUTE, _Answer(settings, logs, cluster).log)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, host, int(port))
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise OSError(
            f"build logs are served on {host}:{port}, and that cannot be listened on "
            f"({error.strerror}). End what uses it, or set FAIRLEAD_LOG_ADDRESS."
        ) from error


class _Answer:
    def __init__(self, settings: Settings, logs: Logs, cluster: Cluster) -> None:
        self._settings, self._logs, self._cluster = settings, logs, cluster

    async def log(self, request: web.Request) -> web.Response:
        namespace, name, build = (request.match_info[k] for k in ("namespace", "name", "id"))
        if not (NAME.fullmatch(namespace) and NAME.fullmatch(name) and BUILD.fullmatch(build)):
            return web.Response(status=404, text="No such build.\n")
        label = f"{namespace}/{name}/{build}"
        text = await self._logs.log_of(label, MAX_SHOWN_BYTES)
        text = text or await self._kept(namespace, name, build)
        if not text:
            return web.Response(status=404, text=f"Build {label} has no log (yet).\n")
        return web.Response(text=text)

    async def _kept(self, namespace: str, name: str, build: str) -> str:
        """The log from the registry, where it stays after the task's folder is gone."""
        ref = Ref(API_VERSION, INFERENCE_IMAGE.plural, namespace, name)
        try:
            body = await self._cluster.get(ref)
            if body is None:
                return ""
            place = pushed_to(repository(read_image(body), self._settings), self._settings)
        except OperatorError as error:
            return f"The log cannot be found now: {error}\n"
        return await asyncio.to_thread(self._from_registry, place, f"log-{build}")

    def _from_registry(self, place: str, tag: str) -> str:
        try:
            with Registry(self._settings) as registry:
                return read_log(registry, parse_repository(place), tag).decode(errors="replace")
        except NotInRegistryError:
            return ""
        except RegistryError as error:
            return f"The log cannot be read now: {error}\n"
