"""What is applied together may come in any order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.decide.image.stages import decide_image
from fairlead.decide.missing import APPLIED_TOGETHER
from fairlead.decide.webservice.stages import decide_webservice
from fairlead.settings import Settings
from tests.unit.decide.webservices import evidence, said
from tests.unit.image_evidence import image_evidence
from tests.unit.objects import NOW, image, webservice

SCRIPT = b"def init():\n    pass\n\n\ndef run(data):\n    return data\n"


@pytest.mark.parametrize(("age_s", "words"), [(1, "Unknown/Pending"), (4, "False/ImageNotFound")])
def test_a_service_warns_of_an_image_that_is_not_there_when_it_had_time_to_come(
    age_s: int, words: str
) -> None:
    wanted = replace(webservice(), created_at=NOW - timedelta(seconds=age_s))
    decision = decide_webservice(evidence(wanted, of=None), NOW)
    assert said(decision)["Ready"] == words
    assert (decision.failure is None) == (words == "Unknown/Pending")
    assert (decision.due_in_s < APPLIED_TOGETHER.total_seconds()) == (decision.failure is None)


@pytest.mark.parametrize(("age_s", "words"), [(1, "Unknown/Pending"), (4, "False/ModelNotFound")])
def test_an_image_warns_of_a_model_that_is_not_there_when_it_had_time_to_come(
    age_s: int, words: str
) -> None:
    wanted = image(models=[{"name": "diabetes"}])
    wanted = replace(wanted, created_at=NOW - timedelta(seconds=age_s))
    files = {"score.py": SCRIPT}
    given = image_evidence(wanted, models={}, files=files, tasks={}, settings=Settings())
    decision = decide_image(given, NOW)
    [ready] = [c for c in decision.conditions if c.type == "Ready"]
    assert f"{ready.truth}/{ready.reason}" == words
    assert ready.message == "Model 'diabetes' does not exist in namespace 'demo'."
    assert (decision.due_in_s < APPLIED_TOGETHER.total_seconds()) == (age_s == 1)
