"""The order for a smoke test, as the operator writes it."""

from pathlib import Path

import pytest

from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.front.smoke_test import TIMEOUT_S, SmokeTest, read_order, write_passed


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("{}", SmokeTest(None, TIMEOUT_S)),
        ('{"sample": "", "timeoutSeconds": 12}', SmokeTest(b"", 12.0)),
        ('{"sample": "{\\"data\\": [1]}", "image": "x"}', SmokeTest(b'{"data": [1]}', TIMEOUT_S)),
    ],
)
def test_an_order_is_read(tmp_path: Path, text: str, order: SmokeTest) -> None:
    file = tmp_path / "order.json"
    file.write_text(text)
    assert read_order(file) == order


@pytest.mark.parametrize("text", [None, "no JSON", "[]", '{"timeoutSeconds": "soon"}', "[" * 9999])
def test_what_is_no_order_is_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "order.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match="--smoke-test cannot be used"):
        read_order(file)


def test_a_result_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    write_passed({"seconds": 1.0}, tmp_path / "nowhere" / "termination-log")
