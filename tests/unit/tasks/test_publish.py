"""The tag of an image that has passed: put once, and never over another."""

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest

from fairlead.contract import PublishRequest
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.program import TaskContext
from fairlead.tasks.publish import publish
from fairlead.tasks.task_log import TaskLog

DIGEST = f"sha256:{'ab' * 32}"
REQUEST = PublishRequest(repository="localhost:5000/demo/credit", version=3, digest=DIGEST)


@dataclass
class Tags:
    """A registry's tags, and the manifests that it has by digest."""

    tags: dict[str, str] = field(default_factory=dict)
    puts: int = 0
    empty: bool = False

    def digest_of(self, _: Repository, reference: str) -> str | None:
        return self.tags.get(reference)

    def manifest_body(self, where: Repository, digest: str) -> bytes:
        if self.empty:
            raise NotInRegistryError(where, f"There is no {digest}.")
        return digest.encode()

    def put_version(self, _: Repository, version: int, body: bytes) -> str:
        self.puts += 1
        return self.tags.setdefault(str(version), body.decode())


def test_the_tag_is_put_once() -> None:
    tags: Any = Tags()
    task = TaskContext(Path(), Settings(), cast("Registry", tags), TaskLog(StringIO()))
    for _ in range(2):
        assert publish(REQUEST, task).digest == DIGEST
    assert (tags.tags, tags.puts) == ({"3": DIGEST}, 1)


def test_that_the_image_is_gone_is_told_apart_from_other_faults() -> None:
    tags: Any = Tags(empty=True)
    task = TaskContext(Path(), Settings(), cast("Registry", tags), TaskLog(StringIO()))
    with pytest.raises(TaskFailedError) as caught:
        publish(REQUEST, task)
    assert (caught.value.failure.gone, caught.value.failure.retryable) == (True, True)
