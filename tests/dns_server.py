"""A DNS server for one Webservice: what its headless Services have, as a test says it."""

import socket
import struct
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address
from types import TracebackType

from fairlead.desired.front import FEW_SUFFIX

NO_ERROR, NAME_ERROR = 0x8180, 0x8183
A, IN, OPT = 1, 1, 41
TTL_S = 5
POINTER_TO_QUESTION = 0xC00C
HEADER = struct.Struct("!6H")


class DnsServer:
    """Answers with ``addresses``; with none, that there is no such name; not at all while
    ``silent``. The name of the Service that says that no node takes a replica has an address while
    ``unplaced``."""

    def __init__(self) -> None:
        self.addresses: Sequence[str] = ()
        self.unplaced = False
        self.silent = False
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.port: int = self._socket.getsockname()[1]
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "DnsServer":
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                query, client = self._socket.recvfrom(8192)
            except TimeoutError:
                continue
            self.asked += 1
            if not self.silent:
                self._socket.sendto(self._answer(query), client)

    def _addresses(self, label: str) -> Sequence[str]:
        if label.endswith(FEW_SUFFIX):
            return ["127.0.0.1"] if self.unplaced else ()
        return self.addresses

    def _answer(self, query: bytes) -> bytes:
        number = HEADER.unpack_from(query)[0]
        end = query.index(b"\0", HEADER.size) + 5  # the name, its type and class
        question = query[HEADER.size : end]
        [kind] = struct.unpack_from("!H", question, len(question) - 4)
        there = self._addresses(question[1 : 1 + question[0]].decode())
        found = there if kind == A else ()
        status = NO_ERROR if there else NAME_ERROR
        records = b"".join(
            struct.pack("!HHHIH", POINTER_TO_QUESTION, A, IN, TTL_S, 4) + IPv4Address(one).packed
            for one in found
        )
        return HEADER.pack(number, status, 1, len(found), 0, 0) + question + records
