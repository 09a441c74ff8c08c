"""What Docker Engine's streams come to, from entries as it really sends them."""

from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.engines.docker_stream import Ending, follow


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
