"""``python -m tests``: every test, in as few minutes as two cores allow.

What needs no cluster runs beside everything else, and so does what needs of it the registry and
Docker Engine alone. First the scenes under the operator that the chart installs run side by side;
then, one after the other, what has an operator of its own or changes the definitions. Each part is
a pytest of its own, and shown when it has ended. Ends with 1 where any failed.

The parts share two cores, so a limit may be met that is none on a quiet machine: of a part, up to
five tests that failed are run once more, with nothing of their own part beside them, and named at
the end even where they pass then.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

import pytest

from tests.cluster import ClusterError
from tests.cluster.artifacts import keep, log_to
from tests.cluster.down import down
from tests.cluster.lock import exclusive
from tests.cluster.places import Places, places
from tests.cluster.programs import (
    BUILDKIT_PACKAGES,
    CHART_PACKAGES,
    GITOPS_PACKAGES,
    build_on_demand,
)
from tests.cluster.steps import Steps
from tests.cluster.up import up
from tests.conftest import PREPARED, forget_kept, kept_by_parts
from tests.e2e.chart import install_for_scenes

PYTEST = (sys.executable, "-m", "pytest", "--durations=25")
SCENES = "tests/e2e"
SCENES_AT_ONCE = 3
MAX_RUN_AGAIN = 5  # more than this is no limit met by chance
BESIDE_OPERATORS = (  # they ask for no operator, and for no definitions
    "tests/integration/registry",
    "tests/integration/engine",
    "tests/integration/image",
    "tests/integration/credentials",
    "tests/integration/test_local_registry.py",
)


@dataclass
class Part:
    """Some of the tests, at work."""

    title: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    cache: Path
    output: IO[bytes]

    def start(self, *options: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*PYTEST, "-o", f"cache_dir={self.cache}", *self.arguments, *options],
            stdout=self.output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment},
        )

    def end(self, process: "subprocess.Popen[bytes]") -> int:
        """Wait, show what was printed, and return the exit code."""
        code = process.wait()
        self.output.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(self.output, sys.stdout.buffer)
        sys.stdout.flush()
        self.output.truncate(0)
        self.output.seek(0)
        return code

    def failed(self) -> list[str]:
        """The tests that failed in the last run, as pytest has noted them."""
        noted = self.cache / "v" / "cache" / "lastfailed"
        return sorted(json.loads(noted.read_text())) if noted.exists() else []


@dataclass
class Running:
    """A part at work."""

    part: Part
    process: "subprocess.Popen[bytes]"

    def end(self, steps: Steps) -> bool:
        """Wait for it, run once more what failed, and tell whether all passed."""
        code = self.part.end(self.process)
        failed = self.part.failed()
        if code == pytest.ExitCode.TESTS_FAILED and len(failed) <= MAX_RUN_AGAIN:
            steps.say(f"Tests {self.part.title}, once more: {', '.join(failed)}")
            self.process = self.part.start("-n", "0", "--last-failed")
            code = self.part.end(self.process)
        again = f", {len(failed)} of them the second time: {', '.join(failed)}" if failed else ""
        outcome = f"passed{again}" if code == 0 else f"failed, exit code {code}"
        steps.say(f"Tests {self.part.title}: {outcome}")
        return code == 0


def main(arguments: list[str]) -> int:
    where = places()
    apart = ("--cluster-tests=none", *arguments)
    with Steps() as steps, part("without a cluster", *apart, prepared=False) as others:
        try:
            with exclusive(where, "make test"):
                passed = on_the_cluster(where, steps, arguments)
        except ClusterError as error:
            steps.fail(error, where.log)
            passed = False
        return int(not (others.end(steps) and passed))


def on_the_cluster(where: Places, steps: Steps, arguments: Sequence[str]) -> bool:
    log_to(where)
    passed = False
    forget_kept(where)
    try:
        build_on_demand(where, steps, [*CHART_PACKAGES, *GITOPS_PACKAGES, *BUILDKIT_PACKAGES])
        cluster = up(where, steps)
        install_for_scenes(cluster, where, steps)
        passed = all(parts_on_the_cluster(steps, arguments))
    finally:
        if not passed:
            with steps.step("Logs kept in .artifacts"):
                keep(where, [where.run / "operator-state", *kept_by_parts(where)])
        down(where, steps)
    return passed


def parts_on_the_cluster(steps: Steps, arguments: Sequence[str]) -> Iterator[bool]:
    side_by_side = ("-n", str(SCENES_AT_ONCE), "--dist", "loadfile")
    apart = ("--cluster-tests=only", *BESIDE_OPERATORS, *arguments)
    with part("beside operators", *apart) as beside:
        with part("under the installed operator", SCENES, *side_by_side, *arguments) as under_it:
            yield under_it.end(steps)
        elsewhere = (f"--ignore={path}" for path in (SCENES, *BESIDE_OPERATORS))
        alone = ("--cluster-tests=only", *elsewhere, *arguments)
        with part("with operators of their own", *alone) as others:
            yield others.end(steps)
        yield beside.end(steps)


@contextmanager
def part(title: str, *arguments: str, prepared: bool = True) -> Iterator[Running]:
    """Start some of the tests, on what is ``prepared`` for them; they do not outlive us."""
    environment = {PREPARED: "yes"} if prepared else {}
    with TemporaryDirectory() as cache, TemporaryFile() as output:
        of_it = Part(title, arguments, environment, Path(cache), output)
        running = Running(of_it, of_it.start())
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
