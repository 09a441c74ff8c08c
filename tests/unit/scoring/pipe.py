"""A log's reader that reads when the test says so."""

import os
from contextlib import suppress


class Pipe:
    """A pipe whose reader is the test."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self.received = b""

    def receive(self) -> bytes:
        """Take what is there now."""
        os.set_blocking(self.read_end, False)
        with suppress(BlockingIOError):
            while piece := os.read(self.read_end, 2**16):
                self.received += piece
        return self.received

    def close(self) -> None:
        for end in (self.read_end, self.write_end):
            with suppress(OSError):
                os.close(end)
