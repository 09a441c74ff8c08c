"""Every Webservice is asked, over again, and what is not known is not said."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from fairlead.api.meta import OWNED_BY_WEBSERVICE, WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.evidence import Answering
from fairlead.informer.store import Store
from fairlead.metrics_api import poller as module
from fairlead.metrics_api import silence
from fairlead.metrics_api.poller import Poller
from fairlead.metrics_api.scrape import Said, Scraper
from fairlead.metrics_api.store import Measured
from fairlead.metrics_api.targets import Target, project_service, project_target
from tests.unit.metrics_api.test_targets import pod
from tests.unit.metrics_api.texts import front_text, pod_text
from tests.unit.objects import body

NAME = ("demo", "diabetes")
DEADLINE_S = 120.0


class Pods(Scraper):
    """What is at each address and port; None: nothing."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, int], str | None] = {}
        self.asked: list[Target] = []

    async def ask(self, _: str, target: Target, read: Callable[[str], Said | None]) -> Said | None:
        self.asked.append(target)
        text = self.said.get((target.address, target.port))
        return None if text is None else read(text)

    def keep(self, namespaces: set[str]) -> None:
        """Nothing is kept here."""


class Scene:
    def __init__(self) -> None:
        self.services = Store(project_service)
        self.pods = Store(project_target, OWNED_BY_WEBSERVICE)
        self.scraper, self.measured = Pods(), Measured()
        self.poller = Poller(self.services, self.pods, self.scraper, self.measured)

    def service(self, **spec: object) -> Manifest:
        manifest = body(WEBSERVICE, {"imageRef": {"name": "a"}, **spec}, resourceVersion="1")
        self.services.put(manifest)
        return manifest

    def pod(self, number: int, said: str | None, component: str = "scoring") -> None:
        manifest = pod(f"{component}-{number}", component, podIP=f"10.0.0.{number}")
        manifest["metadata"] |= {"name": f"{component}-{number}", "namespace": NAME[0]}
        manifest["metadata"]["labels"][OWNED_BY_WEBSERVICE] = NAME[1]
        self.pods.put(manifest)
        port = 8405 if component == "front" else 5001
        self.scraper.said[f"10.0.0.{number}", port] = said

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.poller.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PERIOD_S", 0.05)
    monkeypatch.setattr(module, "LOOK_S", 0.02)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_replicas_are_asked_and_added_up(scene: Scene) -> None:
    scene.service()
    scene.pod(1, pod_text(busy="1", queued="2"))
    scene.pod(2, pod_text(busy="1", queued="1"))
    assert scene.poller.unready() == "1 Webservices have not been asked yet."
    async with scene.running():
        await scene.until(lambda: scene.measured.of(NAME))
        assert scene.poller.unready() == ""
    found = scene.measured.of(NAME)
    assert found is not None
    assert (found.demand, found.busy, found.queued, found.utilization_percent) == (5, 2, 3, 250)


async def test_a_front_is_asked_and_replicas_how_long_runs_take(scene: Scene) -> None:
    scene.service(front={})
    queue = {"sessions": 4, "queued": 1, "balanced": 3, "ended": 0, "failed": 0, "answered": 0}
    scene.pod(1, front_text(**queue), "front")
    scene.pod(2, pod_text(fast=1))
    async with scene.running():
        await scene.until(lambda: scene.measured.of(NAME))
        await scene.until(lambda: len(scene.scraper.asked) > 6)
    assert sum(one.port == 5001 for one in scene.scraper.asked) == 1  # every half a minute
    found = scene.measured.of(NAME)
    assert found is not None
    assert (found.demand, found.utilization_percent) == (4, 400)


@pytest.mark.parametrize("said", [None, "nonsense", ""])
async def test_where_half_of_the_pods_do_not_answer_nothing_is_known(
    scene: Scene, said: str | None
) -> None:
    scene.service()
    scene.pod(1, pod_text())
    scene.pod(2, said)
    async with scene.running():
        await scene.until(lambda: len(scene.scraper.asked) > 4)
        assert scene.measured.of(NAME) is None
        assert scene.poller.unready() == ""  # it was asked
        scene.pod(3, pod_text())
        scene.pod(4, pod_text())
        await scene.until(lambda: scene.measured.of(NAME))
    found = scene.measured.of(NAME)
    assert found is not None
    assert found.demand == 4


async def test_without_a_replica_nothing_is_known_and_nobody_waits(scene: Scene) -> None:
    scene.service()
    async with scene.running():
        await scene.until(lambda: scene.poller.unready() == "")
    assert scene.measured.of(NAME) is None


async def test_pods_that_do_not_answer_are_told_with_numbers_and_without(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT_AFTER_S", 0.1)
    scene.service()
    for number, said in enumerate((pod_text(), pod_text(), None), 1):
        scene.pod(number, said)
    async with scene.running():
        await scene.until(lambda: scene.measured.answering(NAME) == Answering(3, 1))
        assert scene.measured.of(NAME) is not None
        scene.scraper.said["10.0.0.2", 5001] = None
        await scene.until(lambda: scene.measured.answering(NAME) == Answering(3, 2))
        assert list(scene.measured.names("demo")) == [NAME]


async def test_a_front_without_replicas_has_no_load_of_nothing(scene: Scene) -> None:
    """Autoscalers would take away what is to serve again in a moment."""
    scene.service(front={})
    queue = {"sessions": 0, "queued": 0, "balanced": 3, "ended": 9, "failed": 6, "answered": 0}
    scene.pod(1, front_text(**queue), "front")
    async with scene.running():
        await scene.until(lambda: len(scene.scraper.asked) > 4)
        assert scene.measured.of(NAME) is None


async def test_pods_that_hang_do_not_keep_the_whole_api_away(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(scene.scraper, "ask", hang)
    scene.service()
    scene.pod(1, None)
    async with scene.running():
        await asyncio.sleep(0)
        assert scene.poller.unready() == "1 Webservices have not been asked yet."
        monkeypatch.setattr(module, "READY_AFTER_S", -1.0)
        assert scene.poller.unready() == ""
    assert scene.measured.of(NAME) is None


async def test_another_of_that_name_has_nothing_of_the_numbers_of_its_predecessor(
    scene: Scene,
) -> None:
    manifest = scene.service()
    scene.pod(1, pod_text(queued="6"))
    async with scene.running():
        await scene.until(lambda: scene.measured.of(NAME))
        scene.scraper.said.clear()
        manifest["metadata"] |= {"uid": "another", "resourceVersion": "9"}
        scene.services.put(manifest)  # the end of the first was not seen
        await scene.until(lambda: scene.measured.of(NAME) is None)
        scene.scraper.said["10.0.0.1", 5001] = pod_text(queued="1")
        await scene.until(lambda: scene.measured.of(NAME))
    found = scene.measured.of(NAME)
    assert found is not None
    assert found.queued == 1


async def test_what_cannot_be_read_is_passed_over(scene: Scene) -> None:
    scene.service(replicas="many")
    scene.pod(1, pod_text())
    async with scene.running():
        await scene.until(lambda: scene.poller.unready() == "")
    assert scene.scraper.asked == []


async def test_a_webservice_that_is_gone_is_forgotten_and_may_come_back(scene: Scene) -> None:
    manifest = scene.service()
    scene.pod(1, pod_text())
    async with scene.running():
        await scene.until(lambda: scene.measured.of(NAME))
        scene.services.drop(manifest)
        await scene.until(lambda: scene.measured.of(NAME) is None)
        manifest["metadata"] |= {"uid": "another", "resourceVersion": "9"}
        scene.services.put(manifest)
        await scene.until(lambda: scene.measured.of(NAME))
        assert list(scene.measured.names("demo")) == [NAME]
        assert list(scene.measured.names("other")) == []
