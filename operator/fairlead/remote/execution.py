"""A command that runs in a pod, through the API server, as `kubectl exec` has it.

What comes from there is a stranger's: it is bounded, and shown to nobody as it is.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import websocket

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.access import Access
from fairlead.remote.state import mapping, mappings
from fairlead.remote.web_socket import FAILURES, PIECE_BYTES, opened

STDIN, STDOUT, STDERR, ENDED, SIZE = range(5)  # channels
SILENCE_S = 60.0  # without a word of a command that is to say something
MAX_WORDS_BYTES = 64 * 1024  # of standard error
MAX_WORDS_CHARS = 400
RIGHT = (
    "It takes the rights 'get' and 'create' on pods/exec of the namespace, as kubectl exec does."
)
Taker = Callable[[int, bytes], None]


@dataclass(frozen=True)
class Place:
    """A container of a pod."""

    namespace: str
    pod: str
    container: str

    @property
    def words(self) -> str:
        return f"pod '{self.pod}'"


@dataclass(frozen=True)
class Ended:
    """``code`` is None where the command was not run: then ``message`` says why."""

    code: int | None
    message: str = ""


class Session:
    """A command that has been started. ``tty``: with a terminal of its own."""

    def __init__(
        self, access: Access, place: Place, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> None:
        asked: list[tuple[str, str]] = [
            ("container", place.container),
            ("stdin", str(stdin).lower()),
            ("stdout", "true"),
            ("stderr", str(not tty).lower()),
            ("tty", str(tty).lower()),
            *(("command", word) for word in command),
        ]
        path = f"/api/v1/namespaces/{place.namespace}/pods/{place.pod}/exec?{urlencode(asked)}"
        self._stream = opened(access, path, f"a command in {place.words}", RIGHT)

    def send(self, content: bytes) -> None:
        """To its standard input. What has ended takes no more."""
        with contextlib.suppress(*FAILURES):
            for begin in range(0, len(content), PIECE_BYTES):
                piece = content[begin : begin + PIECE_BYTES]
                self._stream.send_binary(bytes([STDIN]) + piece)

    def resize(self, columns: int, lines: int) -> None:
        size = json.dumps({"Width": columns, "Height": lines}).encode()
        with contextlib.suppress(*FAILURES):
            self._stream.send_binary(bytes([SIZE]) + size)

    def follow(self, take: Taker, silence_s: float | None) -> Ended:
        """Give ``take`` the channel and the content of whatever comes, until it ends.

        Raises ``LocalError`` where the connection breaks, or nothing comes for ``silence_s``.
        """
        self._stream.settimeout(silence_s)
        with contextlib.closing(self._stream):
            for channel, content in self._messages():
                if channel == ENDED:
                    return _ended(content)
                take(channel, content)
        raise _broken("the connection has ended before the command did")

    def close(self) -> None:
        with contextlib.suppress(*FAILURES):
            self._stream.close()

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        try:
            while message := self._stream.recv():
                content = message if isinstance(message, bytes) else message.encode()
                yield content[0], content[1:]
        except websocket.WebSocketConnectionClosedException:
            return
        except FAILURES as error:
            raise _broken(str(error)) from error


def run(
    access: Access,
    place: Place,
    command: Sequence[str],
    most: int,
    stdin: bytes = b"",
    silence_s: float = SILENCE_S,
) -> bytes:
    """What the command prints, ``most`` bytes of it. Raises ``LocalError`` where it fails."""
    session = Session(access, place, command, stdin=bool(stdin), tty=False)
    session.send(stdin)
    printed = {STDOUT: bytearray(), STDERR: bytearray()}
    limits = {STDOUT: most, STDERR: MAX_WORDS_BYTES}

    def take(channel: int, content: bytes) -> None:
        kept = printed.get(channel)
        if kept is None or (channel == STDERR and len(kept) > MAX_WORDS_BYTES):
            return
        kept += content
        if channel == STDOUT and len(kept) > limits[STDOUT]:
            session.close()
            raise _broken(f"it answers with more than {most:,} bytes")

    ended = session.follow(take, silence_s)
    if ended.code == 0:
        return bytes(printed[STDOUT])
    words = printed[STDERR].decode(errors="replace").strip().splitlines()
    said = ended.message or (words[-1] if words else f"it ended with {ended.code}")
    raise refusal(
        Reason.PROGRAM_FAILED,
        f"A command in {place.words} failed: {shown(said, MAX_WORDS_CHARS)}.",
        "See whether the pod runs an image that Fairlead has made: fairlead describe.",
    )


def _ended(content: bytes) -> Ended:
    """The ``Status`` that the kubelet sends last."""
    try:
        status: Any = mapping(json.loads(content))
    except ValueError:
        status = mapping(None)
    if status.get("status") == "Success":
        return Ended(0)
    for cause in mappings(mapping(status.get("details")).get("causes")):
        code = str(cause.get("message"))
        if cause.get("reason") == "ExitCode" and code.isascii() and code.isdigit():
            return Ended(int(code[:3]))
    return Ended(None, str(status.get("message") or "the command cannot be run there"))


def _broken(why: str) -> LocalError:
    return refusal(
        Reason.API_UNREACHABLE,
        f"The connection to the pod is of no use: {shown(why, MAX_WORDS_CHARS)}.",
        "See whether the pod runs: fairlead get services; then try again.",
        FailureClass.NETWORK,
    )
