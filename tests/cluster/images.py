"""The four images that a cluster starts from: pulled where that is possible, built where it is not.

Whichever way it came, an image is named ``fairlead/<role>:<key>`` in the engine and has our mark.
"""

from functools import partial
from pathlib import Path
from typing import Protocol

from tests.cluster.engine import docker, has_image
from tests.cluster.fingerprint import fingerprint
from tests.cluster.lanes import in_parallel
from tests.cluster.places import Places
from tests.cluster.programs import compile_program
from tests.cluster.steps import Steps
from tests.cluster.versions import KEPT, MARK, PULLED

ROLES = ("node", "python", "registry", "metrics-server")
HOST_PROGRAMS = ("kind", "kubectl")


class Images(Protocol):
    """Where images come from."""

    def tag(self, role: str) -> str:
        """The image's name in the engine, whether it is there or not."""

    def tags(self) -> frozenset[str]:
        """The names of all images that are kept for the next run."""

    def prepare(self) -> None:
        """Make sure that every image of ``ROLES``, and kind and kubectl, are there."""

    def add(self, role: str) -> None:
        """Make sure that another one is there."""


class PulledImages:
    """Images of their makers, each with a label of ours on top."""

    def __init__(self, places: Places, steps: Steps, go: Path) -> None:
        self._places = places
        self._steps = steps
        self._go = go

    def tag(self, role: str) -> str:
        return f"{KEPT}{role}:{fingerprint(PULLED[role], MARK)}"

    def tags(self) -> frozenset[str]:
        return frozenset(self.tag(role) for role in PULLED)

    def prepare(self) -> None:
        in_parallel(
            [partial(self._pull, role) for role in ROLES if not has_image(self.tag(role))],
            [
                partial(compile_program, self._places, self._steps, self._go, name)
                for name in HOST_PROGRAMS
            ],
        )

    def add(self, role: str) -> None:
        if not has_image(self.tag(role)):
            self._pull(role)

    def _pull(self, role: str) -> None:
        with self._steps.step(f"Image {PULLED[role].partition('@')[0]} pulled"):
            docker("pull", "--quiet", PULLED[role])
            context = self._places.scratch / role
            context.mkdir(parents=True)
            (context / "Dockerfile").write_text(f"FROM {PULLED[role]}\n")
            docker("build", "--label", MARK, "--tag", self.tag(role), context)
