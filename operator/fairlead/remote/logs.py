"""`fairlead logs`: of all replicas, and of builds."""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.api.refs import Ref
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal
from fairlead.log_address import parse_path
from fairlead.remote.client import Client
from fairlead.remote.pods import scoring_pods
from fairlead.remote.state import line, mapping, mappings
from fairlead.remote.targets import Target

MAX_LINE_BYTES = 16 * 1024  # a longer line comes in pieces
QUEUED_LINES = 1000
LOOK_S = 5.0  # how often new replicas are looked for while logs are followed
LOG_SILENCE_S = 30.0
SCORING = "scoring"
NEVER = (Reason.FORBIDDEN, Reason.UNAUTHORIZED)  # another try would be answered alike
LOG_PATH = re.compile(
    r"/api/v1/namespaces/[-a-z0-9]+/services/[-a-z0-9:]+/proxy(/[^?#]+)\?key=[\w=-]+"
)


@dataclass(frozen=True)
class Wanted:
    """Which part of a log."""

    follow: bool = False
    previous: bool = False
    tail: int | None = None
    init: bool = False
    since: str = ""
    """A time of the API; empty: from the beginning."""


@dataclass(frozen=True)
class Piece:
    """A line, with its end; ``pod`` is where it is from, ``alone``: there is no other."""

    pod: str
    content: bytes
    alone: bool = True


Lines = queue.Queue[Piece | LocalError]


def lines_of(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines of what comes in pieces; of a very long one, parts."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for one in whole:
            yield from _parts(one + b"\n")
        while len(rest) > MAX_LINE_BYTES:
            yield rest[:MAX_LINE_BYTES]
            rest = rest[MAX_LINE_BYTES:]
    if rest:
        yield rest


def _parts(whole: bytes) -> Iterator[bytes]:
    for begin in range(0, len(whole), MAX_LINE_BYTES):
        yield whole[begin : begin + MAX_LINE_BYTES]


def service_logs(
    client: Client,
    target: Target,
    wanted: Wanted,
    unread: Callable[[LocalError], None] = lambda _: None,
) -> Iterator[Piece]:
    """One replica after the other; followed, as lines come. ``unread`` is told of each that cannot
    be read where others can. Raises ``LocalError``."""
    pods = _containers(client, target, wanted)
    if not pods and not wanted.follow:
        raise refusal(
            Reason.SERVICE_NOT_RUNNING,
            f"'{target.name}' has no replica" + (" with such a container." if wanted.init else "."),
            f"See why: fairlead describe {target.name}.",
        )
    if wanted.follow:
        yield from _followed(client, target, wanted)
        return
    read, failures = 0, list[LocalError]()
    for pod, container in pods:
        try:
            for one in _log(client, target, pod, container, wanted):
                yield Piece(pod, one, alone=len(pods) == 1)
            read += 1
        except LocalError as error:  # it starts only, or it never ran before
            failures.append(error)
    if failures and not read:
        raise failures[-1]
    for failure in failures:
        unread(failure)


def _containers(client: Client, target: Target, wanted: Wanted) -> list[tuple[str, str]]:
    found = list[tuple[str, str]]()
    for pod in scoring_pods(client, target):
        name = str(mapping(pod.get("metadata")).get("name"))
        inits = mappings(mapping(pod.get("spec")).get("initContainers"))
        names = [str(one.get("name")) for one in inits] if wanted.init else [SCORING]
        found += [(name, container) for container in names]
    return found


def _log(
    client: Client, target: Target, pod: str, container: str, wanted: Wanted
) -> Iterator[bytes]:
    path = f"{Ref('v1', 'pods', target.namespace, pod).path}/log"
    query: dict[str, str | int | None] = {
        "container": container,
        "follow": "true" if wanted.follow else None,
        "previous": "true" if wanted.previous else None,
        "tailLines": wanted.tail,
        "sinceTime": wanted.since or None,
    }
    silence_s = None if wanted.follow else LOG_SILENCE_S
    what = f"Reading the log of pod {pod}"
    with client.stream(path, what, query, silence_s=silence_s) as pieces:
        yield from lines_of(pieces)


def _followed(client: Client, target: Target, wanted: Wanted) -> Iterator[Piece]:
    """Of all replicas at once, new ones too; until the service is gone."""
    lines: Lines = queue.Queue(QUEUED_LINES)
    readers = dict[tuple[str, str], Reader]()
    look_at = 0.0
    while True:
        if time.monotonic() >= look_at:
            present = _containers(client, target, wanted)
            for place in present:
                before = readers.get(place)
                if before is None or not before.is_alive():
                    since = before.ended if before else ""
                    readers[place] = Reader(client, target, place, wanted, lines, since)
                    readers[place].start()
            alive = any(reader.is_alive() for reader in readers.values())
            if not present and not alive and lines.empty() and client.get(target.ref) is None:
                return
            look_at = time.monotonic() + LOOK_S
        with suppress(queue.Empty):
            found = lines.get(timeout=1.0)
            if isinstance(found, LocalError):
                raise found
            yield replace(found, alone=len(readers) == 1)


class Reader(threading.Thread):
    """Follows one container's log to its end, or until it breaks off, then says when the last line
    came: whoever starts again there goes on from it."""

    def __init__(
        self,
        client: Client,
        target: Target,
        place: tuple[str, str],
        wanted: Wanted,
        lines: Lines,
        since: str,
    ) -> None:
        super().__init__(daemon=True)
        tail = None if since else wanted.tail
        self._wanted = Wanted(follow=True, tail=tail, init=wanted.init, since=since)
        self._client, self._target, self._place, self._lines = client, target, place, lines
        self.ended = since

    def run(self) -> None:
        pod, container = self._place
        try:
            for one in _log(self._client, self._target, pod, container, self._wanted):
                self.ended = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                self._lines.put(Piece(pod, one))
            self.ended = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except LocalError as error:
            if error.finding.reason in NEVER:
                self._lines.put(error)


def build_log(
    client: Client, image: Mapping[str, Any], version: int | None, *, follow: bool
) -> Iterator[bytes]:
    """Lines of the log of a build: of the newest, or of a version. Raises ``LocalError``."""
    path = log_path(image, version)
    what = "Reading the log of the build"
    query = {"follow": "1"} if follow else {}
    silence_s = None if follow else LOG_SILENCE_S
    with client.stream(path, what, query, silence_s=silence_s) as pieces:
        yield from lines_of(pieces)


def log_path(image: Mapping[str, Any], version: int | None) -> str:
    """The address of the log, past the API server. Raises ``LocalError``: there is none."""
    status = mapping(image.get("status"))
    name = line(mapping(image.get("metadata")).get("name"))
    build = mapping(status.get("build"))
    uri = _of_version(status, version)
    found = LOG_PATH.fullmatch(uri)
    if found and parse_path(found[1]):  # nothing else is asked for as this person
        return uri
    asked = f" {version}" if version else ""
    if uri:
        message = f"The log of InferenceImage '{name}' is at {shown(uri, 300)}."
        raise _nowhere(message, "Read it there: the operator serves it itself (local runner).")
    if not build:
        raise _nowhere(f"InferenceImage '{name}' was not built yet.", f"fairlead wait image/{name}")
    raise _nowhere(
        f"The status of InferenceImage '{name}' has no log of version{asked}.",
        "It is kept in the registry: `oras pull <repository>:log-<version>-<attempt>`.",
    )


def _of_version(status: Mapping[str, Any], version: int | None) -> str:
    build = mapping(status.get("build"))
    if version is None or str(build.get("id") or "").partition("-")[0] == str(version):
        return str(build.get("logUri") or "")
    kept: Sequence[Mapping[str, Any]] = mappings(status.get("history"))
    return next((str(one.get("logUri") or "") for one in kept if one.get("version") == version), "")


def _nowhere(message: str, remedy: str) -> LocalError:
    return refusal(Reason.NOT_FOUND, message, remedy, FailureClass.USER)
