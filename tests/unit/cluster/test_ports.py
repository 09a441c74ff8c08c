import os
import socket

from tests.cluster.ports import holder, refusal, taken


def test_a_taken_port_is_seen_with_its_holder_until_it_is_free_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert taken(port)
        assert (holder(port) or "").endswith(f"(pid {os.getpid()})")
    assert not taken(port)
    assert holder(port) is None


def test_the_refusal_names_the_port_its_purpose_and_its_holder() -> None:
    assert refusal(5000, "the local registry", "nginx (pid 812)") == (
        "Port 5000, for the local registry, is taken by nginx (pid 812): "
        "end it or move it, then run this again."
    )


def test_a_holder_that_cannot_be_seen_is_not_invented() -> None:
    assert "is taken by another program:" in refusal(5000, "the local registry", None)
