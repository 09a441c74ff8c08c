"""The operator as it is, with real tasks and real pods, killed after writes; requests all the time.

Three writes in a usual run, each of them in ``make faults``.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.faults.outcome import Outcome, compared, without_fault
from tests.faults.poll import Poll
from tests.faults.story import NAME, short_story
from tests.faults.trial import Bed, Trial, killed_after
from tests.plain_http import CLIENT

AT_ONCE = 3
CHOSEN = (  # by step: in the middle of a build and of an update; in the middle of a rollout
    {
        "create": "patch inferenceimages/diabetes/status BuildingEnvironment",
        "update": "patch inferenceimages/diabetes/status Built",
    },
    {"create": "patch deployments/diabetes"},
)


@pytest.fixture(scope="module")
def plain(real_bed: Bed) -> Outcome:
    return without_fault(real_bed, "real-never", short_story())


@pytest.mark.timeout(1200)
def test_three_crash_points_for_real(
    real_bed: Bed, plain: Outcome, subtests: pytest.Subtests
) -> None:
    assert not plain.wrong, "\n".join(plain.wrong)
    _check(real_bed, plain, CHOSEN, subtests)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_crash_point_for_real(
    real_bed: Bed, plain: Outcome, subtests: pytest.Subtests
) -> None:
    runs = [{step: write} for step, writes in plain.writes.items() for write in writes]
    _check(real_bed, plain, runs, subtests)


def _check(
    bed: Bed, plain: Outcome, runs: Sequence[Mapping[str, str]], subtests: pytest.Subtests
) -> None:
    """Each run is given as the writes, by step, after which the operator is killed."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda pair: _crashed(bed, plain, *pair), enumerate(runs)))
    for writes, wrong in zip(runs, found, strict=True):
        with subtests.test(f"killed after: {', '.join(writes.values())}"):
            assert not wrong, "\n".join(wrong)


def _crashed(bed: Bed, plain: Outcome, number: int, writes: Mapping[str, str]) -> list[str]:
    name = f"real-{number}"
    with _polled(bed, name) as (poll, trials):
        outcome = compared(bed, name, plain, trials.append, killed_after(writes))
    wrong = [*outcome.wrong, *poll.failed_before(trials[0].began.get("delete", float("inf")))]
    if outcome.kills != len(writes):
        wrong.append(f"killed {outcome.kills} times: {dict(writes)}")
    if not poll.answered:
        wrong.append("no request was answered")
    repository = f"localhost:5000/v2/{name}"
    if tags(f"{repository}/{NAME}") != ["1", "2"]:
        wrong.append(f"versions: {tags(f'{repository}/{NAME}')}")
    if len(tags(f"{repository}/fairlead/environments")) != 1:
        wrong.append(f"environments: {tags(f'{repository}/fairlead/environments')}")
    return wrong


@contextmanager
def _polled(bed: Bed, namespace: str) -> Iterator[tuple[Poll, list[Trial]]]:
    node = bed.api.node_address()

    def address() -> str | None:
        service = bed.view.namespace(namespace).get("Service", NAME)
        port = service["spec"]["ports"][0].get("nodePort") if service else None
        return f"http://{node}:{port}/score" if port else None

    with Poll(address) as poll:
        yield poll, []


def tags(repository: str) -> list[str]:
    """Of versions and environments; logs have tags of their own."""
    answer = CLIENT.get(f"http://{repository}/tags/list")
    found = answer.json().get("tags") or [] if answer.is_success else []
    return sorted(tag for tag in found if not tag.startswith(("log-", "lock-")))
