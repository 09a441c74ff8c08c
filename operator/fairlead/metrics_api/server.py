"""The API itself, over TLS, for the API server alone. Nothing is asked while a request waits."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from fairlead.http_server import bounded_connections
from fairlead.metrics_api.answers import (
    DEMAND,
    GROUP,
    MEASURES,
    RESOURCE,
    VERSIONS,
    Content,
    api_group,
    failure,
    metric_value,
    metric_values,
    resources,
    values,
)
from fairlead.metrics_api.certificates import Certificates
from fairlead.metrics_api.store import Measured, Name
from fairlead.metrics_api.tls_listener import tls_listener

MAX_CONNECTIONS = 256
KEPT_S = 300.0  # each is the API server's: none is closed, but where certificates change
MAX_REQUEST_BYTES = 1024
OPTION = "--address"
AT_ONCE = 20  # Webservices
SELECTORS = ("labelSelector", "metricLabelSelector")


@asynccontextmanager
async def serving(
    address: str, measured: Measured, certificates: Certificates
) -> AsyncIterator[None]:
    """Serve on ``host:port`` while the context lasts, with the newest certificates.

    Raises ``OSError``, with a sentence, where the port is taken.
    """
    runner = web.AppRunner(application(measured, certificates), access_log=None)
    await runner.setup()
    accepted = bounded_connections(runner, MAX_CONNECTIONS, KEPT_S, lasts=lambda _: True)
    try:
        async with tls_listener(accepted, address, certificates.tls(), OPTION) as listener:

            async def use(tls: ssl.SSLContext) -> None:
                """For connections that come; those that are there end."""
                listener.tls = tls
                for connection in runner.server.connections if runner.server else ():
                    connection.close()

            renewing = asyncio.create_task(certificates.renew(use), name="certificates")
            try:
                yield
            finally:
                renewing.cancel()
    finally:
        await runner.cleanup()


def application(measured: Measured, certificates: Certificates) -> web.Application:
    api = _Api(measured)
    app = web.Application(
        client_max_size=MAX_REQUEST_BYTES, middlewares=[_front_proxy_only(certificates)]
    )
    root = f"/apis/{GROUP}"
    app.router.add_get(root, api.group)
    app.router.add_get(f"{root}/{{version}}", api.resources)
    metric = f"{root}/{{version}}/namespaces/{{namespace}}/{{resource}}/{{name}}/{{metric}}"
    app.router.add_get(metric, api.metric)
    app.router.add_route("*", "/{path:.*}", _nothing)  # /apis, too: then it asks as it did before
    return app


def _front_proxy_only(certificates: Certificates) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        transport = request.transport
        certificate = transport.get_extra_info("peercert") if transport else None
        if not certificates.proxy.admits(certificate) or not request.headers.get("X-Remote-User"):
            words = "Only the API server's front proxy is answered."
            return _respond(failure(401, "Unauthorized", words))
        return await handler(request)

    return check


class _Api:
    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    async def group(self, _: web.Request) -> web.Response:
        return _respond(api_group())

    async def resources(self, request: web.Request) -> web.Response:
        version = request.match_info["version"]
        if version not in VERSIONS:
            return await _nothing(request)
        return _respond(resources(version))

    async def metric(self, request: web.Request) -> web.Response:
        asked = request.match_info
        version, namespace, name = asked["version"], asked["namespace"], asked["name"]
        if version not in VERSIONS or asked["resource"] != RESOURCE:
            return await _nothing(request)
        if any(request.query.get(one) for one in SELECTORS):  # all of them would be another answer
            words = "Webservices are asked for by name, or all of a namespace: without selectors."
            return _respond(failure(400, "BadRequest", words))
        every = name == "*"
        names = list(self._measured.names(namespace)) if every else [(namespace, name)]
        now = datetime.now(UTC)
        items = list[Content]()
        for number, each in enumerate(names, 1):
            found = values(self._measured.of(each), self._measured.answering(each))
            items += _items(version, each, asked["metric"], found, now)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # others' turn: a namespace may have thousands
        if not items and not every:  # the autoscaler holds then; a 0 would scale down
            words = f"nothing is known of {asked['metric']} of Webservice {name} in {namespace}"
            return _respond(failure(404, "NotFound", words))
        return _respond(metric_values(version, items))


def _items(
    version: str, name: Name, metric: str, found: Mapping[str, float], at: datetime
) -> list[Content]:
    wanted = found if metric == MEASURES else {metric: found[metric]} if metric in found else {}
    return [metric_value(version, name, one, value, at) for one, value in wanted.items()]


async def _nothing(request: web.Request) -> web.Response:
    return _respond(failure(404, "NotFound", f"nothing is at {request.path[:200]}; see {DEMAND}"))


def _respond(content: Content) -> web.Response:
    return web.json_response(content, status=content.get("code", 200))
