"""The configuration of a front, compared whole with a file.

To accept a change that is meant: ``UPDATE_GOLDEN=1 pytest tests/golden``, then read the diff.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.desired.front_configuration import FrontParameters, front_configuration
from fairlead.desired.request_limits import RequestLimits

FILES = Path(__file__).parent / "front"
ONE = FrontParameters(
    service="credit",
    pods="credit-fairlead-pod.demo.svc.cluster.local",
    port=5001,
    servers=21,
    limits=RequestLimits(slots=1, queue_wait_ms=500, scoring_timeout_ms=60_000, body_mb=100),
    anyone="credit-fairlead-any.demo.svc.cluster.local",
    few="credit-fairlead-few.demo.svc.cluster.local",
    at_most=10,
)
CASES = {"one": ONE, "two": replace(ONE, fronts=2, at_most=None)}


@pytest.mark.parametrize("case", CASES)
def test_the_configuration_is_what_the_file_says(case: str) -> None:
    made, file = front_configuration(CASES[case]), FILES / f"{case}.cfg"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(made)
    assert made == file.read_text()
