"""One question that is missed is no silence; ten seconds of them are."""

from fairlead.evidence import Answering
from fairlead.metrics_api.silence import SILENT_AFTER_S, Silence


def test_who_has_not_answered_for_a_while_is_silent_until_it_does() -> None:
    silence = Silence()
    assert silence.round(["a", "b"], ["a"], 0.0) == Answering(2, 0)
    assert silence.round(["a", "b"], ["a"], SILENT_AFTER_S - 0.1) == Answering(2, 0)
    assert silence.round(["a", "b"], ["a"], SILENT_AFTER_S) == Answering(2, 1)
    assert silence.round(["a", "b", "c"], ["a"], SILENT_AFTER_S + 1) == Answering(3, 1)
    assert silence.round(["a", "b", "c"], ["a", "b"], SILENT_AFTER_S + 2) == Answering(3, 0)


def test_a_pod_that_is_gone_is_forgotten() -> None:
    silence = Silence()
    silence.round(["a"], [], 0.0)
    assert silence.round([], [], 20.0) == Answering(0, 0)
    assert silence.round(["a"], [], 40.0) == Answering(1, 0)
