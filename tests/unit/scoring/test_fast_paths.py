"""What the short ways through a request do is what the library's own, longer ones do."""

import json
import uuid

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead_scoring.front.http.ids import random_uuid
from fairlead_scoring.front.http.reader import PLAIN_PATH
from fairlead_scoring.front.slots.pipe import Pipe
from fairlead_scoring.slot import wire

TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
HEADS = st.dictionaries(TEXTS, VALUES | st.lists(VALUES, max_size=3), max_size=4)


@given(HEADS)
def test_a_head_is_encoded_as_json_does_and_decoded_again(head: wire.FrameHead) -> None:
    assert wire.encode(head) == json.dumps(head)
    assert wire.decode(wire.encode(head)) == head


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="nothing that JSON has"):
        wire.encode({"value": object()})


def test_a_python_without_that_encoder_uses_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    assert wire._encoder() is json.dumps


@settings(max_examples=50)
@given(st.lists(st.tuples(HEADS, st.binary(max_size=99)), max_size=4), st.integers(1, 200))
def test_frames_are_the_same_however_they_are_cut(
    frames: list[tuple[wire.FrameHead, bytes]], piece: int
) -> None:
    received: list[tuple[wire.FrameHead, bytes]] = []
    pipe = Pipe(lambda head, body: received.append((head, body)), lambda: None)
    sent = b"".join(wire.frame_start(head, len(body)) + body for head, body in frames)
    for begin in range(0, len(sent), piece):
        pipe.data_received(sent[begin : begin + piece])
    assert received == frames


def test_an_id_is_a_random_uuid() -> None:
    found = uuid.UUID(random_uuid())
    assert (found.version, found.variant) == (4, uuid.RFC_4122)
    assert str(found) != random_uuid()


@given(st.from_regex(PLAIN_PATH, fullmatch=True))
def test_a_plain_path_is_what_the_parser_finds_in_it(path: str) -> None:
    parsed = httptools.parse_url(path.encode("latin-1"))
    assert parsed.path == path.encode("latin-1")
    assert not parsed.query
