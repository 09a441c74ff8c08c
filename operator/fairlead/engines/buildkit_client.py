"""BuildKit's own client, ``buildctl``, as a child process that knows no credentials."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fairlead.engines.buildkit_progress import Progress
from fairlead.inputs.dockerfile_steps import Instruction

ANSWER_TIMEOUT_S = 10.0
MAX_JSON_CHARS = 8 * 1024 * 1024  # of one line of the client's: foreign text is in it
DATE = "315532800"  # 1980: of the image itself, whose files have the dates that the steps gave them
_LOST = ("code = Unavailable", "connection refused", "no such file or directory", "EOF")


@dataclass(frozen=True)
class Solve:
    """One build. ``base``: the name that the Dockerfile has for the base image, the layout that it
    lies in, and its digest. No ``target``: the last stage. ``made``: where the image goes."""

    context: Path
    base: tuple[str, Path, str]
    target: str
    made: Path | None
    steps: Sequence[Instruction]

    @property
    def arguments(self) -> list[str]:
        name, layout, digest = self.base
        output = [f"--output=type=oci,dest={self.made}"] if self.made else []
        return [
            "build",
            "--progress=rawjson",
            "--frontend=dockerfile.v0",
            f"--local=context={self.context}",
            f"--local=dockerfile={self.context}",
            f"--oci-layout={name}={layout}",
            f"--opt=context:{name}=oci-layout://{name}@{digest}",
            f"--opt=build-arg:SOURCE_DATE_EPOCH={DATE}",
            *([f"--opt=target={self.target}"] if self.target else []),
            *output,
        ]


@dataclass(frozen=True)
class Ending:
    """How a build ended. ``lost``: it was broken off, and not by anything that it did."""

    ok: bool
    lines: tuple[str, ...] = ()
    error: str = ""
    lost: bool = False


class BuildkitClient:
    """``home`` is an empty folder: what the client may read beyond what it is told."""

    def __init__(self, program: Path, address: str, home: Path) -> None:
        self._command = [str(program), f"--addr={address}"]
        self._environment = {
            "PATH": os.defpath,
            "HOME": str(home),
            "DOCKER_CONFIG": str(home),
        }

    def answers(self) -> bool:
        """Whether BuildKit is there, and can build."""
        try:
            asked = subprocess.run(
                [*self._command, "debug", "workers"],
                env=self._environment,
                capture_output=True,
                timeout=ANSWER_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return asked.returncode == 0

    def solve(self, solve: Solve, log: Callable[[str], None]) -> Ending:
        """Build, and log what is told meanwhile."""
        progress = Progress(solve.steps, log)
        with self._running(solve.arguments) as process:
            for line in _lines(process):
                progress.add(line)
            code = process.wait()
        lines, error = progress.finished(), progress.error
        lost = code != 0 and (progress.broken_off or (_is_lost(error) and not self.answers()))
        return Ending(code == 0, lines, error if code else "", lost)

    @contextmanager
    def _running(self, arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        """The client; it is ended however this ends, and BuildKit then ends the build."""
        with subprocess.Popen(
            [*self._command, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def _is_lost(error: str) -> bool:
    return any(words in error for words in _LOST)


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    if process.stdout is None:
        return
    while line := process.stdout.readline(MAX_JSON_CHARS):
        yield line
