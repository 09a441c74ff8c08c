"""Ports that must be free, and who has them if they are not."""

import secrets
import socket
from contextlib import closing, suppress

import psutil

from tests.cluster.errors import ClusterError
from tests.cluster.versions import LOG_SERVER_PORT, REGISTRY_PORT, SCORING_PORT

BELOW_CONNECTIONS = 10_000, 29_000  # Linux gives connections from 32 768 on, NodePorts have 30 000
PURPOSES = {
    REGISTRY_PORT: "the local registry",
    SCORING_PORT: "the scoring URI of the example",
    LOG_SERVER_PORT: "the operator's build logs",
}


def refuse_taken() -> None:
    """Raise ``ClusterError`` for the first port that another program listens on."""
    for port, purpose in PURPOSES.items():
        if taken(port):
            raise ClusterError(refusal(port, purpose, holder(port)))


def refusal(port: int, purpose: str, who: str | None) -> str:
    by = f"by {who}" if who else "by another program"
    return f"Port {port}, for {purpose}, is taken {by}: end it or move it, then run this again."


def free_port() -> int:
    """One that nobody listens on now, and that no connection is given by chance before you do."""
    return next(port for port in iter(_one_of_many, None) if not taken(port))


def _one_of_many() -> int:
    first, end = BELOW_CONNECTIONS
    return first + secrets.randbelow(end - first)


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody takes connections there."""
    with closing(socket.socket()) as connection:
        return connection.connect_ex((host, port)) == 0


def taken(port: int) -> bool:
    """Whether anything on this machine listens on it, on whichever address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


def holder(port: int) -> str | None:
    """'nginx (pid 812)', where the system lets us look."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    listening = (c for c in connections if c.status == psutil.CONN_LISTEN and c.pid)
    pid = next((c.pid for c in listening if c.laddr and c.laddr.port == port), None)
    with suppress(psutil.NoSuchProcess):
        return f"{psutil.Process(pid).name()} (pid {pid})" if pid else None
    return None
