"""What Docker Engine is asked about the Python of a base image, over a stand-in for its client."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from fairlead.engines.base import BaseUnfitError
from fairlead.engines.docker import ALPINE, _python

NO_PYTHON = 'exec: "python3": executable file not found in $PATH: unknown'


@dataclass
class FakeContainer:
    """``refused``: why it does not start; ``holds``: the files that it has."""

    refused: str = ""
    holds: tuple[str, ...] = ()
    said: str = ""
    removed: list[bool] = field(default_factory=list)

    def start(self) -> None:
        if self.refused:
            raise APIError("400", explanation=self.refused)

    def wait(self) -> None: ...

    def logs(self, tail: int) -> bytes:
        assert tail > 0
        return self.said.encode()

    def get_archive(self, path: str) -> None:
        if path not in self.holds:
            raise NotFound("404")

    def remove(self, *, force: bool) -> None:
        self.removed.append(force)


class Log:
    def phase(self, name: str) -> None: ...
    def write(self, text: str) -> None: ...


def asked(container: FakeContainer) -> Any:
    containers = SimpleNamespace(create=lambda *_, **__: container)
    client: Any = SimpleNamespace(containers=containers)
    image: Any = None
    try:
        return _python(client, image, "owner", Log())
    finally:
        assert container.removed == [True]


def test_an_image_without_python_has_none() -> None:
    assert asked(FakeContainer(NO_PYTHON)) is None


def test_alpine_without_python_is_refused_before_conda_solves_for_glibc() -> None:
    with pytest.raises(BaseUnfitError, match="no python3, and no glibc"):
        asked(FakeContainer(NO_PYTHON, (ALPINE,)))


def test_another_refusal_is_the_engines() -> None:
    with pytest.raises(APIError, match="no space left"):
        asked(FakeContainer("no space left on device"))


@pytest.mark.parametrize(("said", "musl"), [("glibc 2.36", False), ("", True)])
def test_a_python_says_which_c_library_it_has(said: str, *, musl: bool) -> None:
    found = asked(FakeContainer(said=f"3.12.1 True {said} at /usr/bin/python3\n"))
    assert (found.version, found.is_musl) == ("3.12.1", musl)
