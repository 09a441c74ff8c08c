from benchmarks.runtime.aims import aims
from benchmarks.runtime.figures import Behaviour, Health, Termination
from benchmarks.runtime.measure import Subject
from tests.unit.benchmarks.subjects import measured, subject

FASTER = "at least 3 times the reference's requests/s at concurrency 8"
HEALTH = "health p99 of at most 10 ms with all slots busy"
FIRST = "first among the servers that isolate user code"
MEMORY, START = "less than 60 MB", "start in less than 0.5 s"


def judged(*subjects: Subject) -> dict[str, tuple[bool, str]]:
    return {aim.wanted: (aim.met, aim.seen) for aim in aims(subjects)}


def with_health(p99: float, bad: int = 0) -> Subject:
    behaviour = Behaviour(Health(1, p99, bad), [], Termination("200", "200", "200", 1))
    return measured("fairlead", 1, behaviour=behaviour)


def test_what_is_met_and_what_is_missed_is_said_with_the_figure() -> None:
    met = judged(measured("reference", 1000), measured("fairlead", 3000), measured("mlserver", 600))
    assert met == {
        FASTER: (True, "3.00 times"),
        FIRST: (True, "5.0 times MLServer 1.7.1, one worker, the next"),
        HEALTH: (True, "9.9 ms"),
        MEMORY: (True, "40.0 MB"),
        START: (True, "0.25 s"),
    }


def test_aims_are_missed_by_any_margin() -> None:
    ours = measured("fairlead", 2999, memory=60, start=0.5)
    missed = judged(measured("reference", 1000), ours, measured("mlserver", 2999))
    assert missed[FASTER] == (False, "2.99 times")
    assert missed[FIRST] == (False, "MLServer 1.7.1, one worker is faster")
    assert missed[MEMORY] == (False, "60.0 MB")
    assert missed[START] == (False, "0.50 s")


def test_health_must_be_fast_and_right() -> None:
    assert judged(with_health(10.0))[HEALTH][0]
    assert judged(with_health(10.1))[HEALTH] == (False, "10.1 ms")
    assert judged(with_health(1.0, bad=1))[HEALTH] == (False, "1.0 ms, 1 not answered with 200")


def test_only_servers_that_isolate_user_code_are_ranked() -> None:
    ranked = judged(
        measured("fairlead", 1000), measured("fastapi-loop", 9000), measured("mlserver", 500)
    )
    assert ranked[FIRST][0]
    assert FIRST not in judged(measured("fairlead", 1000), measured("fastapi-loop", 9000))


def test_nothing_is_said_about_what_was_not_measured() -> None:
    assert judged(measured("reference", 1000)) == {}
    assert judged(measured("reference", 1000), subject("fairlead", "does not start")) == {}
    alone = judged(subject("reference", "x"), measured("fairlead", 1, behaviour=None))
    assert set(alone) == {MEMORY, START}


def test_an_aim_reads_as_a_line() -> None:
    [line, *_] = map(str, aims([measured("reference", 1), measured("fairlead", 2)]))
    assert line == f"missed  {FASTER}: 2.00 times"
