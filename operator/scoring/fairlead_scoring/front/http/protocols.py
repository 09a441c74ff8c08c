"""What a connection and the application know of each other."""

from typing import Protocol

from fairlead_scoring.front.config.read_limits import ReadLimits
from fairlead_scoring.front.http.messages import Body, Request, Response
from fairlead_scoring.front.queue.admission import RejectionReason
from fairlead_scoring.front.queue.body_budget import BodyBudget


class ClientConnection(Protocol):
    """Takes the answer to a request: whole, or piece by piece."""

    def respond(self, response: Response) -> None: ...
    def start_response(self, response: Response) -> None: ...
    def send_chunk(self, body: bytes) -> None: ...
    def end_response(self) -> None: ...

    def abort_response(self) -> None:
        """The rest of the answer will not come."""

    def probe_client(self) -> None:
        """The request waits in the queue from now on: find out when its client goes away."""


class RequestHandler(Protocol):
    """Answers one request, once."""

    @property
    def queued(self) -> bool:
        """Whether the request waits in the queue."""

    def on_body(self, body: Body) -> None:
        """The whole body has arrived."""

    def on_rejected(self, reason: RejectionReason) -> None:
        """The request is not served; its body has not been read to its end."""

    def respond(self, response: Response) -> None:
        """Answer with this; the body cannot be read."""

    def on_disconnect(self) -> None:
        """The client has gone away before it had its answer."""

    def pause(self) -> None:
        """The client reads no more of the answer for now."""

    def resume(self) -> None:
        """The client reads again."""


class Application(Protocol):
    """Answers requests. While it is ``draining``, each answer is its connection's last."""

    @property
    def draining(self) -> bool: ...

    @property
    def read_limits(self) -> ReadLimits: ...

    @property
    def body_budget(self) -> BodyBudget: ...

    @property
    def large_heads(self) -> BodyBudget:
        """What the heads that are larger than nearly all may take together."""

    def unreadable(self, client: tuple[str, int] | None, status: int, why: str) -> None:
        """A client has sent what is not read any further."""

    def handle(self, request: Request, connection: ClientConnection) -> RequestHandler:
        """Begin to answer a request; its body comes later, if it is read at all."""
