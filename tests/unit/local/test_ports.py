"""Which port a local service gets."""

import socket

import pytest

from fairlead.api.reasons import Reason
from fairlead.local.errors import LocalError
from fairlead.local.ports import FIRST_PORT, TRIES, choose_port, is_free


def test_without_a_wish_it_is_the_first_that_is_free() -> None:
    assert choose_port(None, [], lambda _: True) == FIRST_PORT == 8890


def test_one_of_another_service_is_left_to_it_though_it_does_not_run() -> None:
    assert choose_port(None, [8890, 8892], lambda port: port != 8891) == 8893


def test_what_is_asked_for_is_taken() -> None:
    assert choose_port(9000, [8890], lambda _: True) == 9000


def test_a_port_that_is_taken_is_told_with_one_that_is_free() -> None:
    with pytest.raises(LocalError) as caught:
        choose_port(9000, [8890], lambda port: port != 9000)
    assert caught.value.finding.reason == Reason.PORT_TAKEN
    assert "9000" in caught.value.finding.message
    assert "8891 is free" in str(caught.value.finding.remedy)


def test_where_none_is_free_it_is_told_which_were_tried() -> None:
    with pytest.raises(LocalError) as caught:
        choose_port(None, [], lambda _: False)
    assert str(FIRST_PORT + TRIES - 1) in caught.value.finding.message


def test_whether_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
