"""SIGTERM: not ready at once, what was accepted is finished, then exit code 0; nothing is reset."""

import threading

import httpx

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import ECHO, PLAIN, Gate, Sent, Service, wait_until

HELD = "def init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}')\n    return data\n"


def test_what_runs_and_what_waits_is_finished(serve: Serve, gate: Gate) -> None:
    service = serve(Gate.WAIT + HELD.replace("{gate}", str(gate))).until_ready()
    sent = [Sent(service, str(number)) for number in range(5)]
    wait_until(lambda: gate.reached, "run() to block")
    service.told_to_stop()
    wait_until(lambda: refuses(service), "the port to be closed")
    gate.open()
    assert [request.answer() for request in sent] == [(200, str(number)) for number in range(5)]
    assert service.exit_code() == 0
    assert "requests still to be answered: 5\n" in service.out


def refuses(service: Service) -> bool:
    try:
        service.get("/")
    except httpx.ConnectError:
        return True
    except httpx.ReadError:  # the port was closed while we came in
        return False
    return False


def test_while_draining_it_is_not_ready_but_serves(serve: Serve) -> None:
    service = serve(ECHO, FAIRLEAD_DRAIN_SECONDS="3600").until_ready()
    service.told_to_stop()
    wait_until(lambda: service.get("/ready").status_code == 503, "the drain")
    answer = service.get("/ready")
    assert answer.json()["reason"] == answer.headers["x-fairlead-503-reason"] == "draining"
    assert service.get("/").text == "Healthy"
    late = service.score("late")
    assert (late.json(), late.headers["connection"]) == ("late", "close")
    service.told_to_stop()  # a second signal: somebody does not want to wait
    assert service.exit_code() == 0


class Load(threading.Thread):
    """A client that scores without a pause, on one connection or on a new one each time."""

    def __init__(self, service: Service, *, keep_alive: bool) -> None:
        super().__init__(daemon=True)
        self._limits = httpx.Limits(max_keepalive_connections=int(keep_alive))
        self._service = service
        self.enough = threading.Event()
        self.answered = 0
        self.failures: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._service.url, limits=self._limits) as client:
            while not self.enough.is_set():
                self._score(client)

    def _score(self, client: httpx.Client) -> None:
        try:
            answer = client.post("/score", content="x", headers=PLAIN)
        except httpx.TransportError as error:
            self.failures.append(repr(error))
            return
        self.answered += 1
        if answer.status_code != 200:
            self.failures.append(answer.text)


def test_under_load_no_request_is_reset(serve: Serve) -> None:
    """Clients go on until the endpoints are gone, which is soon after the service is not ready."""
    service = serve(ECHO, FAIRLEAD_DRAIN_SECONDS="3").until_ready()
    clients = [Load(service, keep_alive=number % 2 == 0) for number in range(6)]
    for client in clients:
        client.start()
    wait_until(lambda: min(client.answered for client in clients) >= 20, "the load")
    service.told_to_stop()
    wait_until(lambda: service.get("/ready").status_code == 503, "the drain")
    before = sum(client.answered for client in clients)
    wait_until(lambda: sum(client.answered for client in clients) > before + 50, "late requests")
    for client in clients:
        client.enough.set()
        client.join()
    assert [failure for client in clients for failure in client.failures] == []
    assert service.exit_code() == 0
