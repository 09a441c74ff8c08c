"""``python -m benchmarks builds``: the rows that are asked for, each change of them measured."""

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench, show
from benchmarks.builds.changes import CHANGES, PINS, Inputs, Maker
from benchmarks.builds.docker_peer import DockerPeer
from benchmarks.builds.fairlead_images import FairleadImages
from benchmarks.builds.figures import Figures, measured
from benchmarks.builds.rows import DOCKER, JOB, LOCAL, TWENTY, Row, chosen
from benchmarks.builds.twenty import IMAGES, twenty
from tests.cluster.errors import ClusterError
from tests.cluster.operator_image import publish
from tests.cluster.release import install_chart
from tests.conda_channel import Package, installed, made, real_python, serving
from tests.e2e.file_server import FileServer


@dataclass
class _Measurement:
    bench: Bench
    folder: Path
    files: FileServer
    channels: str
    """The address of the mirror that stands for all channels."""
    shown: list[tuple[str, ...]] = field(default_factory=list)
    failures: list[ClusterError] = field(default_factory=list)
    """Of rows; the others are measured all the same."""

    @property
    def host(self) -> str:
        """The machine, as the cluster's containers reach it."""
        return self.bench.cluster.gateway

    def of_docker(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._add(row, DockerPeer(self.bench, self.folder / row.name, row.model_mib))

    def of_local(self, rows: Sequence[Row]) -> None:
        self.bench.start_operator(
            {
                "FAIRLEAD_CONDA_MIRRORS": f"*={self.channels}",
                "FAIRLEAD_INSECURE_HOSTS": f"127.0.0.1 {self.host}",
            }
        )
        try:
            self._of_fairlead(rows)
        finally:
            self.bench.kill_operator()

    def of_jobs(self, rows: Sequence[Row], *, with_twenty: bool) -> None:
        insecure = f"{self.bench.cluster.registry_from_pods} {self.host}"
        settings = {"condaMirrors": f"*={self.channels}", "insecureHosts": insecure}
        publish(self.bench.places, self.bench.steps)
        install_chart(self.bench.cluster, self.bench.places, self.bench.steps, settings)
        if with_twenty:
            self._twenty()
        self._of_fairlead(rows)

    def _of_fairlead(self, rows: Sequence[Row]) -> None:
        for row in rows:
            namespace = self._namespace()
            where = (self.bench, namespace, row.environment, row.model_mib)
            self._add(row, FairleadImages(*where, self.files, self.folder))

    def _add(self, row: Row, maker: Maker) -> None:
        figures = list[Figures]()
        try:
            for change, inputs in CHANGES.items():
                figures.append(self._figures(row, maker, change, inputs))
        except ClusterError as error:
            self.bench.steps.say(f"    {error}")
            self.failures.append(error)
        loads = [one.load for one in figures] or [0.0]
        load = f"{min(loads):.0f} to {max(loads):.0f}"
        self.shown.append((row.name, load, *(one.shown() for one in figures)))

    def _figures(self, row: Row, maker: Maker, change: str, inputs: Inputs) -> Figures:
        maker.prepare(inputs, change)
        with self.bench.steps.step(f"{row.name}, {change}"):
            figures = measured(partial(maker.make, inputs, change))
        self.bench.steps.say(f"    {figures.told()}")
        return figures

    def _twenty(self) -> None:
        with self.bench.steps.step(TWENTY):
            seen = twenty(self.bench, self._namespace(), self.files)
        jobs = ", ".join(seen.environment_jobs)
        self.bench.steps.say(f"    {IMAGES} images, environments by {jobs}; {seen.figures.told()}")

    def _namespace(self) -> str:
        return self.bench.namespace(f"bench-{secrets.token_hex(3)}")


def measure(bench: Bench, selectors: Sequence[str] = ()) -> None:
    """Raises ``ValueError`` for a row that there is not, and the ``ClusterError`` of the first row
    that failed when all others are measured."""
    rows, with_twenty = chosen(selectors)
    by_builder = {name: [r for r in rows if r.builder == name] for name in (DOCKER, LOCAL, JOB)}
    bench.kill_operator()
    with _prepared(bench) as measurement:
        try:
            measurement.of_docker(by_builder[DOCKER])
            if by_builder[LOCAL]:
                measurement.of_local(by_builder[LOCAL])
            if by_builder[JOB] or with_twenty:
                measurement.of_jobs(by_builder[JOB], with_twenty=with_twenty)
        finally:  # what has been measured is told
            title = "Images: seconds, what the registry was sent, the most memory of tasks"
            show(title, ("", "load", *CHANGES), measurement.shown)
    for error in measurement.failures:
        raise error


@contextmanager
def _prepared(bench: Bench) -> Iterator[_Measurement]:
    host = bench.cluster.gateway
    with (
        tempfile.TemporaryDirectory(dir=bench.places.cache) as name,
        FileServer(host).serving() as files,
        serving(_channels(Path(name) / "channels"), host) as channels,
    ):
        yield _Measurement(bench, Path(name), files, channels.address)


def _channels(folder: Path) -> Path:
    """A mirror of all channels, which has the one that files without ``channels:`` mean."""
    made(folder / "conda-forge", *_packages())
    return folder


def _packages() -> list[Package]:
    attributes = (Package("attributes", pin, {"site-packages/a.py": b"\n"}) for pin in PINS)
    return [real_python(), installed("pip"), *attributes]
