"""The proxy itself: TLS in front, the API server behind, faults and crash points in between."""

import asyncio
import socket
from collections.abc import Sequence

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.faults.proxy.answers import before, reset
from tests.faults.proxy.certificate import Certificate
from tests.faults.proxy.crash_point import CrashPoint, Gate, stopped
from tests.faults.proxy.record import Record, Recorded
from tests.faults.proxy.request import ApiRequest, read_request
from tests.faults.proxy.rules import Fault, Match, Reset, Rule, WatchFault
from tests.faults.proxy.upstream import Upstream
from tests.faults.proxy.watch import CutError, EventStream

HOST = "127.0.0.1"
# The proxy speaks for itself on either side, and reads what passes: nothing is compressed.
OWN_HEADERS = {
    "host", "connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding",
}  # fmt: skip


class FaultProxy:
    """Coroutines and ``arm``/``thaw`` belong to the event loop; ``record`` to every thread.

    With a ``namespace`` the client sees nothing of any other: lists and watches over all namespaces
    are confined to it, so that several operators can work on one cluster.
    """

    def __init__(self, upstream: Upstream, certificate: Certificate, namespace: str = "") -> None:
        self.record = Record()
        self.gate = Gate()
        self.restarts = 0
        self._restarting: asyncio.Task[None] | None = None
        self._rules: list[Rule] = []
        self._streams: dict[EventStream, ApiRequest] = {}
        self._upstream, self._certificate, self._namespace = upstream, certificate, namespace
        self._port = 0
        self._reserved: socket.socket | None = None
        self._runner: web.ServerRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self._port}"

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._upstream.context or True),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        await self.listen()

    async def stop(self) -> None:
        if self._restarting:
            self._restarting.cancel()
            await asyncio.wait([self._restarting])
        await self.close()
        if self._session:
            await self._session.close()
        if self._reserved:
            self._reserved.close()

    async def listen(self) -> None:
        """Listen: at first on a free port, again on the same one with the same certificate."""
        server = web.Server(self._handle, access_log=None, handler_cancellation=True)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        context = self._certificate.server_context()
        if self._reserved is None:
            self._reserved = _reserved_port()
            self._port = int(self._reserved.getsockname()[1])
        site = web.TCPSite(self._runner, HOST, self._port, ssl_context=context, reuse_port=True)
        await site.start()

    async def close(self) -> None:
        """Close every connection and listen no more: connections are refused."""
        runner, self._runner = self._runner, None
        if runner is None or runner.server is None:
            return
        for site in tuple(runner.sites):
            await site.stop()
        while connections := tuple(runner.server.connections):
            for connection in connections:  # each time: one that was accepted last comes late
                if connection.transport:
                    connection.transport.abort()  # which cancels what is under way in it
            await asyncio.sleep(0.01)  # poll
        await runner.cleanup()

    async def keep_restarting(self, every_s: float, downtime_s: float) -> None:
        """As an API server that is restarted again and again, from now on."""

        async def restart() -> None:
            while True:
                await asyncio.sleep(every_s)
                await self.close()
                await asyncio.sleep(downtime_s)
                await self.listen()
                self.restarts += 1

        self._restarting = asyncio.create_task(restart())

    async def inject(self, *rules: Rule) -> None:
        """From now on these rules hold as well; the first that applies to a request wins."""
        self._rules += rules

    async def heal(self) -> Sequence[Rule]:
        """No more faults; returns the rules that there were, with their counts."""
        rules, self._rules = self._rules, []
        return rules

    async def change_watches(self, match: Match, fault: WatchFault) -> int:
        """What happens from now on in the watches that are open; returns how many they are."""
        streams = [stream for stream, asked in self._streams.items() if match(asked)]
        for stream in streams:
            stream.change(fault)
        return len(streams)

    async def arm(self, point: CrashPoint) -> None:
        self.gate.arm(point)

    async def disarm(self) -> bool:
        return self.gate.disarm()

    async def thaw(self) -> None:
        self.gate.thaw()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        asked = read_request(request.method, path, request.query)
        recorded = self.record.begin(asked, await request.read())
        fault = self._fault(asked)
        if fault is not None:
            recorded.fault = str(fault)
        refusal = await before(fault, request)
        if refusal is not None:
            recorded.status = refusal.status
            return refusal
        await self.gate.enter(recorded)
        recorded.forwarded = True
        if asked.verb == "watch":
            watched = fault if isinstance(fault, WatchFault) else WatchFault()
            return await self._watch(request, recorded, watched)
        return await self._exchange(request, recorded, fault)

    def _fault(self, request: ApiRequest) -> Fault | None:
        return next((rule.fault for rule in self._rules if rule.applies(request)), None)

    async def _exchange(
        self, request: web.BaseRequest, recorded: Recorded, fault: Fault | None
    ) -> web.StreamResponse:
        """One question, one answer; the operator may be killed between the two."""
        try:
            async with await self._ask(request, recorded) as response:
                content = await response.read()
                recorded.status = response.status
        finally:
            self.gate.leave(recorded)
        crash = self.gate.meets(recorded)
        answer = web.Response(
            status=response.status, body=content, headers=_passed_on(response.headers)
        )
        if crash and self.gate.withholds:
            await self.gate.signal()
            await stopped()
        if isinstance(fault, Reset):
            reset(request)
        if crash:
            await answer.prepare(request)
            await answer.write_eof()
            await self.gate.signal()
        return answer

    async def _watch(
        self, request: web.BaseRequest, recorded: Recorded, fault: WatchFault
    ) -> web.StreamResponse:
        async with await self._ask(request, recorded) as response:
            recorded.status = response.status
            answer = web.StreamResponse(
                status=response.status, headers=_passed_on(response.headers)
            )
            await answer.prepare(request)
            stream = EventStream(answer, fault)
            try:
                if response.ok:
                    self._streams[stream] = recorded.request
                    await stream.run(response.content)
                else:
                    await answer.write(await response.read())
            except (CutError, aiohttp.ClientPayloadError, ConnectionResetError):
                reset(request)
            finally:
                self._streams.pop(stream, None)
            return answer

    async def _ask(self, request: web.BaseRequest, recorded: Recorded) -> aiohttp.ClientResponse:
        assert self._session
        asked = recorded.request
        path = asked.within(self._namespace) if self._namespace else asked.path
        query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
        return await self._session.request(
            request.method,
            URL(f"{self._upstream.url}{path}{query}", encoded=True),
            headers=_passed_on(request.headers),
            data=recorded.body or None,
            allow_redirects=False,
        )


def _reserved_port() -> socket.socket:
    """Bound to a free port and never listening: while nobody listens there, nobody else gets it."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((HOST, 0))
    return reserved


def _passed_on(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    passed = CIMultiDict(headers)
    for name in OWN_HEADERS:
        passed.popall(name, None)
    return passed
