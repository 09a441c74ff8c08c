"""One request to a service of the cluster, and what is told where it fails."""

import socket
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.client import Client, why_of
from fairlead.remote.keys import authenticated, checked_key, read_keys
from fairlead.remote.live_address import SCORE, is_live
from fairlead.remote.pods import entrance
from fairlead.remote.port_forward import PortForward
from fairlead.remote.state import mapping
from fairlead.remote.targets import Target

KNOCK_TIMEOUT_S = 3.0  # whether anything listens at an address
SCORE_TIMEOUT_S = 3600.0  # run() has a limit of its own
MAX_ANSWER_BYTES = 256 * 1024**2
MAX_SHOWN_CHARS = 600
OUTCOMES = ("x-fairlead-503-reason", "x-fairlead-outcome")


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    outcome: str = ""


def score(
    client: Client,
    target: Target,
    service: Manifest,
    body: bytes,
    key: str | None,
    *,
    anywhere: bool = False,
) -> bytes:
    """Send ``body`` to the service's address; where this machine does not reach it, to a pod,
    through the API server. Raises ``LocalError``.

    ``anywhere``: the key may be shown to whatever address the status names; else it is shown to
    the live Service alone.
    """
    asks = authenticated(mapping(service.get("spec")))
    given = checked_key(key) if key else ""
    shown_key = given or (read_keys(client, target).any if asks else "")
    answer = _sent(client, target, service, body, shown_key, anywhere=anywhere)
    if answer.status == HTTPStatus.UNAUTHORIZED and asks and not given:
        newer = read_keys(client, target)  # they may have been replaced meanwhile
        answer = _sent(client, target, service, body, newer.any, anywhere=anywhere)
    if answer.status != HTTPStatus.OK:
        raise _failed(target, answer)
    return answer.body


def _sent(
    client: Client, target: Target, service: Manifest, body: bytes, key: str, *, anywhere: bool
) -> Answer:
    uri = str(mapping(service.get("status")).get("scoringUri") or "")
    trusted = anywhere or not key or is_live(client, target, service, uri)
    if trusted and reachable(uri):
        return post(uri, body, key)
    pod, port = entrance(client, target, service)
    with PortForward(client.access, target.namespace, pod, port) as forward:
        try:
            return post(f"http://127.0.0.1:{forward.port}{SCORE}", body, key)
        except LocalError as error:
            if forward.problem:
                message = f"Pod '{pod}' does not take the request: {forward.problem}"
                raise not_running(target, message) from error
            raise


def reachable(uri: str) -> bool:
    """Whether anything listens there, as seen from this machine."""
    parts = urlsplit(uri)
    try:
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        if not host or in_cluster(host) or parts.scheme not in ("http", "https"):
            return False
        with socket.create_connection((host, port), KNOCK_TIMEOUT_S):
            return True
    except (OSError, ValueError):
        return False


def in_cluster(host: str) -> bool:
    """Whether it is a Service's name, which may mean something else outside of the cluster."""
    return host.rstrip(".").endswith(".svc") or ".svc." in host.rstrip(".")


def post(uri: str, body: bytes, key: str) -> Answer:
    """Raises ``LocalError`` where nobody answers."""
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    timeout = urllib3.Timeout(connect=KNOCK_TIMEOUT_S, read=SCORE_TIMEOUT_S)
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                "POST",
                uri,
                body=body,
                headers=headers,
                timeout=timeout,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            content = answer.read(MAX_ANSWER_BYTES)
            outcome = next(filter(None, (answer.headers.get(name) for name in OUTCOMES)), "")
            return Answer(answer.status, content, outcome)
    except (HTTPError, OSError) as error:
        message = f"{shown(uri)} does not answer: {shown(why_of(error), 300)}."
        remedy = "See whether the service is well: fairlead get services."
        raise refusal(Reason.SERVICE_NOT_RUNNING, message, remedy, FailureClass.NETWORK) from error


def not_running(target: Target, message: str) -> LocalError:
    remedy = f"See why: fairlead describe {target.name}, fairlead logs {target.name}."
    return refusal(Reason.SERVICE_NOT_RUNNING, message, remedy, FailureClass.INFRASTRUCTURE)


def _failed(target: Target, answer: Answer) -> LocalError:
    because = f" ({shown(answer.outcome)})" if answer.outcome else ""
    said = shown(answer.body[: 4 * MAX_SHOWN_CHARS].decode(errors="replace"), MAX_SHOWN_CHARS)
    message = f"The service answered {answer.status}{because}: {said}"
    if answer.status == HTTPStatus.UNAUTHORIZED:
        remedy = "Give a key that is valid: --key, or the variable FAIRLEAD_KEY."
        return refusal(Reason.SCORING_FAILED, message, remedy, FailureClass.AUTH)
    remedy = f"The log tells more: fairlead logs {target.name}."
    class_ = (
        FailureClass.RESOURCE
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        else FailureClass.USER
    )
    return refusal(Reason.SCORING_FAILED, message, remedy, class_)
