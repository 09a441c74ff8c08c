"""A port of a pod, through the API server, at a port of this machine.

Over WebSocket, in the protocol that the kubelet speaks: each message begins with a byte that says
what it is of, the first of each with the port's number.
"""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

import websocket

from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.access import Access
from fairlead.remote.web_socket import FAILURES, PIECE_BYTES, opened

DATA, ERROR = 0, 1  # channels
HOST = "127.0.0.1"
RIGHT = (
    "It takes the right 'create' on pods/portforward of the namespace; or let spec.expose give the "
    "service an address that this machine reaches."
)


class PortForward:
    """Listens while the context lasts; each connection has a WebSocket of its own.

    ``port`` 0 takes any that is free. Entering raises ``LocalError`` where the API server does not
    let us, or the pod is gone.
    """

    def __init__(
        self, access: Access, namespace: str, pod: str, pod_port: int, *, port: int = 0
    ) -> None:
        self._access = access
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={pod_port}"
        self._what = f"port {pod_port} of pod '{pod}'"
        self._wanted = port
        self._listener: socket.socket | None = None
        self.port = 0
        self.problem = ""
        """What the kubelet said last of a connection that it could not make."""

    def __enter__(self) -> Self:
        self._opened().close()  # a refusal is told here, and not to who connects later
        try:
            self._listener = socket.create_server((HOST, self._wanted))
        except OSError as error:
            message = (
                f"Port {self._wanted} of this machine cannot be listened at: {error.strerror}."
            )
            remedy = "End what listens there, or choose another port."
            raise refusal(Reason.PORT_TAKEN, message, remedy) from error
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.close()

    def _accept(self) -> None:
        listener = self._listener
        while listener is not None:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._carry, args=(connection,), daemon=True).start()

    def _carry(self, connection: socket.socket) -> None:
        with contextlib.closing(connection):
            try:
                stream = self._opened()
            except LocalError as error:
                self.problem = error.finding.message
                return
            threading.Thread(target=_to_pod, args=(connection, stream), daemon=True).start()
            self._from_pod(connection, stream)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # closing alone waits for who reads there

    def _from_pod(self, connection: socket.socket, stream: websocket.WebSocket) -> None:
        """Until either side has closed."""
        begun = set[int]()
        with contextlib.suppress(*FAILURES), contextlib.closing(stream):
            while True:
                message = stream.recv()
                if not isinstance(message, bytes) or not message:
                    return
                channel, content = message[0], message[1:]
                if channel not in begun:
                    begun.add(channel)  # the port's number, two bytes
                    content = content[2:]
                if channel == DATA and content:
                    connection.sendall(content)
                elif channel == ERROR and content:
                    self.problem = shown(content.decode(errors="replace"), 300)
                    return

    def _opened(self) -> websocket.WebSocket:
        stream = opened(self._access, self._path, self._what, RIGHT)
        stream.settimeout(None)  # a script takes its time
        return stream


def _to_pod(connection: socket.socket, stream: websocket.WebSocket) -> None:
    with contextlib.suppress(*FAILURES), contextlib.closing(stream):
        while piece := connection.recv(PIECE_BYTES):
            stream.send_binary(bytes([DATA]) + piece)
