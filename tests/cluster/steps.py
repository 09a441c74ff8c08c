"""What a person sees while the cluster comes up: one numbered line a step, and a sign of life.

A terminal shows a spinner for what is under way; a log gets a line every 30 seconds instead. Steps
may overlap: each is numbered when it is done.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.cluster.errors import ClusterError

HEARTBEAT_SECONDS = 30.0
WIDTH = 66


class Steps:
    """A context manager; ``with steps.step("Docker Engine started"):`` is one step."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._done = 0
        self._under_way: dict[str, float] = {}
        self._last_words: list[str] = []
        self._over = threading.Event()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        if not self._console.is_terminal:
            threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._progress.stop()
        for line in self._last_words:
            self._console.print(line, markup=False)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show ``title`` (what is true once it is done) with the time that it took."""
        task = self._progress.add_task(title)
        started = self._under_way[title] = time.monotonic()
        try:
            yield
        except BaseException:
            self.say(f"[red]failed[/]  {title}")
            raise
        finally:
            del self._under_way[title]
            self._progress.remove_task(task)
        self._done += 1
        self.say(f"{self._done:>2}  {title:<{WIDTH}} {duration(time.monotonic() - started):>8}")

    def say(self, line: str) -> None:
        self._console.print(line)

    def say_at_the_end(self, *lines: str) -> None:
        """Once all steps are over: of a long log some people see the end alone."""
        self._last_words += lines

    def fail(self, error: ClusterError, log: Path) -> None:
        """Say what failed, the last useful lines, what to do, and where the whole story is."""
        for line in error.tail:
            self._console.print(f"    {line}", style="dim", markup=False)
        self._console.print(str(error), style="bold red", markup=False)
        if error.remedy:
            self._console.print(error.remedy, markup=False)
        if error.tail:
            self._console.print(f"Everything that was run, and what it said: {log}", markup=False)

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_SECONDS):
            for title, started in tuple(self._under_way.items()):
                if (elapsed := time.monotonic() - started) >= HEARTBEAT_SECONDS:
                    self.say(f"    {title} ... {duration(elapsed)} so far")


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 9 min 39 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
