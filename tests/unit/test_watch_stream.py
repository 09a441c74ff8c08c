import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead import watch_stream
from fairlead.errors import ExpiredError, OperatorError, WaitingError
from fairlead.watch_stream import WatchEvent, watch_events


def line(type_: str, name: str = "a", **more: object) -> bytes:
    document = {"type": type_, "object": {"metadata": {"name": name}, **more}}
    return json.dumps(document).encode() + b"\n"


async def read(*pieces: bytes) -> list[WatchEvent]:
    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return [event async for event in watch_events(stream(), "pods")]


async def test_an_event_of_any_depth_is_read_and_the_next_one_too() -> None:
    deep = b'{"a":' * 9000 + b"1" + b"}" * 9000
    nested = b'{"type":"ADDED","object":{"metadata":{"name":"deep","managedFields":[%s]}}}\n' % deep
    events = await read(nested + line("ADDED", "other"))
    assert [event.manifest["metadata"]["name"] for event in events] == ["deep", "other"]


async def test_events_come_one_a_line_however_the_stream_is_cut() -> None:
    text = line("ADDED") + line("MODIFIED") + line("BOOKMARK") + line("DELETED")
    whole = await read(text)
    assert [event.type for event in whole] == ["ADDED", "MODIFIED", "BOOKMARK", "DELETED"]
    assert await read(*(text[i : i + 7] for i in range(0, len(text), 7))) == whole


async def test_a_last_line_that_was_cut_and_types_of_a_newer_api_are_dropped() -> None:
    assert await read(line("ADDED"), line("PAUSED"), line("ADDED")[:20]) == await read(
        line("ADDED")
    )


async def test_410_in_the_stream_is_told_from_other_errors() -> None:
    with pytest.raises(ExpiredError):
        await read(line("ERROR", code=410, message="too old resource version"))
    with pytest.raises(WaitingError) as other:
        await read(line("ERROR", code=500, message="etcd"))
    assert not isinstance(other.value, ExpiredError)


async def test_an_endless_line_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_stream, "MAX_EVENT_BYTES", 1000)
    with pytest.raises(WaitingError, match="1,000 bytes"):
        await read(*[b"x" * 100] * 20)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"\n", line("ADDED")]), max_size=8))
async def test_whatever_comes_is_events_or_an_error_of_ours(pieces: list[bytes]) -> None:
    with suppress(OperatorError):
        await read(*pieces)
