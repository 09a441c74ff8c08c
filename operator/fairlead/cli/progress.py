"""What goes on, while it goes on: one living line on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from fairlead.cli.told import is_terminal
from fairlead.local.phases import PHASES

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """A ``Log``: phases always, what is printed meanwhile with ``verbose``; all to stderr."""

    def __init__(self, *, verbose: bool, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._verbose = verbose
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._start = time.monotonic()
        self._status: Status | None = None
        self._words = ""

    def __enter__(self) -> Self:
        if is_terminal(self._stream) and not self._quiet:
            from rich.console import Console

            self._status = Console(file=self._stream).status("", spinner="dots")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def phase(self, name: str) -> None:
        self._words = PHASES.get(name, name)
        if self._status:
            self._status.update(f"{self._words} ...")
        elif not self._quiet:
            self._put(f"{self._words} ...")

    def write(self, text: str) -> None:
        if self._quiet:
            return
        if text.startswith("Warning: "):
            self._put(text)
        elif self._verbose:
            for line in text.splitlines():
                self._put(f"  {line}")
        elif self._status and text.strip():
            from rich.markup import escape

            line = text.strip().splitlines()[-1]
            self._status.update(f"{self._words} ... [dim]{escape(line[:60])}[/dim]")

    def tell(self, words: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self._words = words.partition(": ")[0]
            self._put(words)
            if self._status:
                self._status.update("waiting ...")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def _put(self, line: str) -> None:
        if self._status:
            self._status.console.print(line, markup=False, highlight=False)
        else:
            self._stream.write(f"{line}\n")
            self._stream.flush()
