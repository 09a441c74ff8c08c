"""The Event of a transition: what the API server takes, and fit to be shown."""

from fairlead.api.status import ConditionStatus, Truth
from fairlead.desired.event import MAX_NOTE_BYTES, event
from tests.unit.objects import NOW

METADATA = {"name": "credit", "namespace": "demo", "uid": "u"}


def note_of(text: str) -> str:
    condition = ConditionStatus(
        type="Ready", status=Truth.FALSE, reason="X", last_transition_time=NOW
    )
    return str(event("Model", METADATA, condition, text, NOW, "here")["note"])


def test_a_note_is_one_clean_line() -> None:
    said = "first\nsecond \x1b[31mred\x1b[0m password=hunter2 https://u:hunter2@h/"
    assert note_of(said) == "first second red password=*** https://***@h/"


def test_a_note_is_no_longer_than_the_api_server_takes() -> None:
    note = note_of(2000 * "ü")
    assert len(note.encode()) <= MAX_NOTE_BYTES
    assert set(note) == {"ü"}
