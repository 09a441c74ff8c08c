"""What Docker Engine's streams come to, from entries as it really sends them."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.engines import output_lines
from fairlead.engines.docker_stream import Ending, follow
from fairlead.engines.output_lines import MAX_LINE_CHARS
from fairlead.redact import redacted


def followed(*entries: Mapping[str, Any]) -> Ending:
    logged = list[str]()
    ending = follow(entries, logged.append)
    assert tuple(logged) == ending.lines
    return ending


def test_a_builds_output_comes_in_pieces_and_is_logged_in_lines() -> None:
    ending = followed(
        {"stream": "Step 1/2 : RUN x"},
        {"stream": "\n"},
        {"stream": " ---> Running in 1a\n"},
        {"stream": "\x1b[91mE\x1b[0m"},
        {"stream": "\x1b[91m: no\n\x1b[0m"},
        {"aux": {"ID": "sha256:1"}},
        {"stream": "the end"},
    )
    assert ending == Ending(
        ("Step 1/2 : RUN x", " ---> Running in 1a", "E: no", "the end"), error="", digest=None
    )


def test_a_build_that_fails_says_so_in_an_entry() -> None:
    message = "The command '/bin/sh -c false' returned a non-zero code: 1"
    ending = followed(
        {"stream": "Step 1/1 : RUN false\n"},
        {"errorDetail": {"code": 1, "message": message}, "error": message},
    )
    assert ending == Ending(("Step 1/1 : RUN false",), error=message)


def test_a_push_ends_with_the_digest() -> None:
    ending = followed(
        {"status": "The push refers to repository [localhost:5000/e]"},
        {"status": "Preparing", "progressDetail": {}, "id": "5d3e"},
        {"status": "Waiting", "progressDetail": {}, "id": "5d3e"},
        {"status": "Pushing", "progressDetail": {"current": 512}, "id": "5d3e"},
        {"status": "Retrying in 5 seconds", "progressDetail": {}, "id": "5d3e"},
        {"status": "Pushed", "progressDetail": {}, "id": "5d3e"},
        {"status": "1: digest: sha256:ab size: 528"},
        {"progressDetail": {}, "aux": {"Tag": "1", "Digest": "sha256:ab", "Size": 528}},
    )
    assert ending == Ending(
        (
            "The push refers to repository [localhost:5000/e]",
            "5d3e: Pushed",
            "1: digest: sha256:ab size: 528",
        ),
        digest="sha256:ab",
    )


@pytest.mark.parametrize(
    "last",
    [
        {"errorDetail": {"message": "no basic auth credentials"}, "error": "…"},
        {"error": "no basic auth credentials"},
    ],
)
def test_a_push_that_is_refused_raises_nothing_and_is_seen_all_the_same(
    last: dict[str, Any],
) -> None:
    assert followed({"status": "The push refers"}, last).error == "no basic auth credentials"


def test_a_line_without_end_is_cut_and_takes_no_more_memory_than_one() -> None:
    ending = followed(*({"stream": "x" * 1000} for _ in range(50)))
    lengths = [len(line) for line in ending.lines]
    assert max(lengths) <= MAX_LINE_CHARS
    assert sum(lengths) == 50_000


def test_of_output_without_end_the_first_and_the_last_lines_are_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output_lines, "MAX_LOGGED_LINES", 100)
    monkeypatch.setattr(output_lines, "LAST_LOGGED_LINES", 10)
    monkeypatch.setattr(output_lines, "MAX_LINES", 50)
    logged = list[str]()
    ending = follow(({"stream": f"{number}\n"} for number in range(1000)), logged.append)
    assert logged == [
        *(str(number) for number in range(100)),
        "[that was line 100: the next are left out; the last 10 follow when this step has ended]",
        "[890 lines were left out]",
        *(str(number) for number in range(990, 1000)),
    ]
    assert ending.lines == tuple(str(number) for number in range(950, 1000))


@pytest.mark.parametrize("length", [101, 105, 110, 111])
def test_no_line_is_logged_twice(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(output_lines, "MAX_LOGGED_LINES", 100)
    monkeypatch.setattr(output_lines, "LAST_LOGGED_LINES", 10)
    logged = list[str]()
    follow(({"stream": f"{number}\n"} for number in range(length)), logged.append)
    lines = [int(line) for line in logged if line.isdecimal()]
    assert lines == sorted(set(lines))
    assert lines[-1] == length - 1


def test_what_is_kept_of_long_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_lines, "MAX_OUTPUT_CHARS", 50_000)
    ending = followed_quietly(*({"stream": "x" * 30_000 + "\n"} for _ in range(100)))
    assert sum(map(len, ending.lines)) <= 50_000


def followed_quietly(*entries: Mapping[str, Any]) -> Ending:
    return follow(entries, lambda _: None)


def test_a_flood_of_lines_costs_next_to_nothing() -> None:
    """``RUN yes``: millions of lines, which nobody will ever read."""
    entries = ({"stream": "y\n" * 1000} for _ in range(1000))
    logged, began = list[str](), time.process_time()
    follow(entries, lambda line: logged.append(redacted(line)))
    assert time.process_time() - began < 10
