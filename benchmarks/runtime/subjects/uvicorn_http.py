"""The scoring runtime with uvicorn's HTTP in the place of its own: the same queue, the same slots,
the same answers and the same log. Started by path, with ``h11`` or ``httptools`` as its argument.

What the runtime's own HTTP does beyond that is left out here: limits for the head, the body and the
time that a client takes for them, memory for all bodies, clients that go away, streamed answers.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

sys.path.insert(0, os.environ["FAIRLEAD_RUNTIME"])

from fairlead_scoring.front import main
from fairlead_scoring.front.http import server
from fairlead_scoring.front.http.messages import Body, Request, Response

Message = dict[str, Any]


class Answering:
    """What the runtime's handler answers, for whoever waits for it."""

    def __init__(self) -> None:
        self.response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    def respond(self, response: Response) -> None:
        self.response.set_result(response)

    def probe_client(self) -> None:
        """uvicorn tells of it."""


async def read_body(receive: Callable[[], Awaitable[Message]]) -> Body:
    body, more = Body(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def request_of(scope: Message) -> Request:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    target = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    version, client = scope["http_version"], scope["client"]
    return Request(scope["method"], target, pairs, version=version, client=client)


class UvicornServer(server.HttpServer):
    """``app`` is the runtime's, which knows nothing of ASGI."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)

        async def asgi(scope: Message, receive: Any, send: Any) -> None:
            connection = Answering()
            handler = app.handle(request_of(scope), connection)
            if not connection.response.done():
                handler.on_body(await read_body(receive))
            response = await connection.response
            length = ("content-length", str(len(response.body)))
            headers = [
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in (*response.headers, length)
            ]
            start = {"type": "http.response.start", "status": response.status, "headers": headers}
            await send(start)
            await send({"type": "http.response.body", "body": response.body})

        self.config.app = asgi
        self.config.http = sys.argv[1]


main.HttpServer = UvicornServer
sys.exit(main.main(sys.argv[2:]))
