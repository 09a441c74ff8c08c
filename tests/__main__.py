"""``python -m tests``: every test, in as few minutes as two cores allow.

First the scenes under the operator that the chart installs run side by side; then what has
operators of its own, side by side, too; then what changes the definitions. All end with these, so
the processors are theirs first. What they leave is taken by the operator's part of what needs no
cluster, with its branches counted, and by what needs of the cluster the registry and Docker Engine
alone, or has an API server of its own. The scenes leave little: the rest of what needs no cluster,
where limits are met by what gets no processor, begins when they have ended.
Each part is a pytest of its own, and shown when it has ended. Ends with 1 where any failed, or too
few branches were run.

The parts share two cores, so a limit may be met that is none on a quiet machine: of a part, up to
five tests that failed are run once more, with nothing of their own part beside them, and named at
the end even where they pass then.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

import pytest

from tests import branch_coverage
from tests.bytecode import forget_temporary, keep_bytecode
from tests.cluster import Cluster, ClusterError
from tests.cluster.artifacts import keep, log_to
from tests.cluster.down import down
from tests.cluster.installation import install
from tests.cluster.lock import exclusive
from tests.cluster.operator_image import publish
from tests.cluster.places import Places, places
from tests.cluster.processes import COLLECT_LESS
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

PYTEST = (sys.executable, "-m", "pytest")
OPTIONS = ("--durations=25",)
SCENES_AT_ONCE = 4
MAX_RUN_AGAIN = 5  # more than this is no limit met by chance
MAX_ERRORS = 40  # lines of a part's that are said at the end
MAX_ERROR_CHARS = 300
ERROR = re.compile(r"E  |tests/\S+:\d+: |(FAILED|ERROR) ")
NOT_COUNTED = (  # the rest of what branch_coverage runs, and of all tests
    *("tests/unit/scoring", "tests/unit/benchmarks", "tests/unit/cluster"),
    *("tests/unit/test_regular_expressions.py", "tests/unit/faults"),
    *("tests/integration", "tests/e2e", "tests/e2e_process"),
    "--ignore=tests/integration/leader",
)
AT_AN_API_SERVER = ("tests/integration/leader", "tests/faults")  # once its programs are built
CHANGING_DEFINITIONS = ("tests/integration/chart",)
UNDER_THE_INSTALLED = (  # what the scenes have is all that they ask for, and they change none of it
    "tests/e2e",
    "tests/integration/crds",
    "tests/integration/test_cluster.py",
)
DOCKER_BUILDS = "tests/e2e_process/test_docker_builds.py"
BESIDE_OPERATORS = (  # they ask for no operator of the cluster, and for no definitions there
    DOCKER_BUILDS,
    "tests/integration/registry",
    "tests/integration/engine",
    "tests/integration/image",
    "tests/integration/local",
    "tests/integration/credentials",
    "tests/integration/test_local_registry.py",
)
OWN_OPERATORS = (  # each of them sees its namespaces alone
    *("tests/e2e_process", f"--ignore={DOCKER_BUILDS}"),
    "tests/faults",  # those with real tasks
)
OPERATORS_AT_ONCE = 3
PROCESSORS = 2


@dataclass(frozen=True)
class Kind:
    """``prepared``: the cluster is up, with what is on it; ``counted``: branches are; ``niceness``:
    the kernel gives a third of a processor to 5 beside 0, a tenth to 10, and a seventieth to 19.
    All containers together are one beside 0."""

    prepared: bool = False
    counted: bool = False
    niceness: int = 0


ON_THE_CLUSTER = Kind(prepared=True)
BESIDE_THE_SCENES = Kind(prepared=True, niceness=10)  # those take longest
AFTER_THE_SCENES = Kind(niceness=10)


@dataclass
class Part:
    """Some of the tests, at work."""

    title: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    output: IO[bytes]
    niceness: int = 0
    errors: list[str] = field(default_factory=list)
    """What pytest has printed of assertions that did not hold."""

    @property
    def counts(self) -> Path:
        """Of branches, where these are counted."""
        return self.folder / "coverage"

    def start(self, *options: str, command: Sequence[str] = PYTEST) -> "subprocess.Popen[bytes]":
        cache = ("-o", f"cache_dir={self.folder / 'cache'}")
        least = ("nice", "-n", str(self.niceness)) if self.niceness else ()
        return subprocess.Popen(
            [*least, *command, *cache, *OPTIONS, *self.arguments, *options],
            stdout=self.output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **COLLECT_LESS, **self.environment},
        )

    def end(self, process: "subprocess.Popen[bytes]") -> int:
        """Wait, show what was printed, and return the exit code."""
        code = process.wait()
        self.output.seek(0)
        self.errors += [line for line in map(_text, self.output) if ERROR.match(line)]
        self.output.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(self.output, sys.stdout.buffer)
        sys.stdout.flush()
        self.output.truncate(0)
        self.output.seek(0)
        return code

    def failed(self) -> list[str]:
        """The tests that failed in the last run, as pytest has noted them."""
        noted = self.folder / "cache" / "v" / "cache" / "lastfailed"
        return sorted(json.loads(noted.read_text())) if noted.exists() else []


@dataclass
class Running:
    """A part at work."""

    part: Part
    process: "subprocess.Popen[bytes]"
    counted: bool = False

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
        if self.counted and not branch_coverage.judge(self.part.counts):
            outcome += ", too few branches were run (its table says of which packages)"
            code = code or pytest.ExitCode.TESTS_FAILED
        steps.say(f"Tests {self.part.title}: {outcome}")
        steps.say_at_the_end(f"Tests {self.part.title}: {outcome}", *self.part.errors[:MAX_ERRORS])
        return code == 0


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip()[:MAX_ERROR_CHARS]


def main(arguments: list[str]) -> int:
    where = places()
    forget_temporary(where)
    keep_bytecode(where)
    with Steps() as steps, of_the_operator(arguments) as beside:
        try:
            with exclusive(where, "make test"):
                passed = on_the_cluster(where, steps, arguments)
        except ClusterError as error:
            steps.fail(error, where.log)
            passed = False
        return int(not all([passed, beside.end(steps)]))


def of_the_operator(arguments: Sequence[str]) -> AbstractContextManager[Running]:
    """Its unit and golden tests; the branches that they run are counted where all of them do."""
    apart = ("--cluster-tests=none", *arguments)
    pure = Kind(counted=not arguments, niceness=19)
    return part("of the operator", *branch_coverage.TESTS, *apart, kind=pure)


def on_the_cluster(where: Places, steps: Steps, arguments: Sequence[str]) -> bool:
    log_to(where)
    passed = False
    forget_kept(where)
    try:
        build_on_demand(where, steps, [*CHART_PACKAGES, *GITOPS_PACKAGES, *BUILDKIT_PACKAGES])
        cluster = up(where, steps, partial(publish, where, steps))
        install_for_scenes(cluster, where, steps)
        parts = parts_on_the_cluster(cluster, where, steps, arguments)
        passed = all([*parts])  # each is run, whatever failed
    finally:
        if not passed:
            with steps.step("Logs kept in .artifacts"):
                keep(where, [where.run / "operator-state", *kept_by_parts(where)])
        down(where, steps)
    return passed


def parts_on_the_cluster(
    cluster: Cluster, where: Places, steps: Steps, arguments: Sequence[str]
) -> Iterator[bool]:
    apart = ("--cluster-tests=none", *arguments)
    on_it = ("--cluster-tests=only", *arguments)
    without = (*NOT_COUNTED, *side_by_side(PROCESSORS), *apart)
    with (
        part("beside operators", *BESIDE_OPERATORS, *on_it, kind=BESIDE_THE_SCENES) as beside,
        part(
            "at an API server of their own", *AT_AN_API_SERVER, *apart, kind=BESIDE_THE_SCENES
        ) as at_another,
    ):
        scenes = (*UNDER_THE_INSTALLED, *side_by_side(SCENES_AT_ONCE), *on_it)
        with part("under the installed operator", *scenes) as under_it:
            yield under_it.end(steps)
        install(cluster, where)
        with part("without a cluster", *without, kind=AFTER_THE_SCENES) as elsewhere:
            own = (*OWN_OPERATORS, *side_by_side(OPERATORS_AT_ONCE), *on_it)
            with part("with operators of their own", *own) as others:
                yield others.end(steps)
            with part("that change the definitions", *CHANGING_DEFINITIONS, *on_it) as changing:
                yield changing.end(steps)
            yield beside.end(steps)
            yield at_another.end(steps)
            yield elsewhere.end(steps)


def side_by_side(number: int) -> tuple[str, ...]:
    """So many files at a time."""
    return ("-n", str(number), "--dist", "loadfile", "--no-loadscope-reorder")


@contextmanager
def part(title: str, *arguments: str, kind: Kind = ON_THE_CLUSTER) -> Iterator[Running]:
    """Start some of the tests; they do not outlive us."""
    environment = {PREPARED: "yes"} if kind.prepared else {}
    with TemporaryDirectory() as folder, TemporaryFile() as output:
        of_it = Part(title, arguments, environment, Path(folder), output, kind.niceness)
        command = branch_coverage.counted(of_it.counts) if kind.counted else PYTEST
        running = Running(of_it, of_it.start(command=command), counted=kind.counted)
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
