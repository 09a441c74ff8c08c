"""Which log a path means, and which key opens it."""

import re

import pytest

from fairlead.log_address import (
    LABEL_CHARS,
    MIN_SECRET_BYTES,
    LogKeys,
    LogName,
    environment_log,
    image_log,
    model_log,
    parse_path,
    profile_build,
)

MOST_CHARS = 512  # of status.build.logUri
HASH = "0123456789abcdef" * 4
IMAGE = image_log("demo", "diabetes", "1-2")
ENVIRONMENT = environment_log("demo", HASH, 3)
KEYS = LogKeys(b"s" * MIN_SECRET_BYTES)
OTHERS = [
    image_log("demo2", "diabetes", "1-2"),
    image_log("demo", "diabetes2", "1-2"),
    image_log("demo", "diabetes", "1-1"),
    image_log("demo", "diabetes", "2-2"),
    image_log("demo", "diabetes", "1-22"),
    ENVIRONMENT,
    environment_log("demo", HASH, 4),
    environment_log("other", HASH, 3),
    image_log("demo", "diabetes", profile_build(HASH, 1)),
    image_log("demo", "diabetes", profile_build(HASH, 2)),
    model_log("demo", "diabetes", HASH, 1),
    model_log("demo", "diabetes", HASH[1:], 1),
]


def test_the_path_of_a_log_says_whose_it_is() -> None:
    assert IMAGE.path == "/namespaces/demo/inferenceimages/diabetes/builds/1-2/log"
    assert ENVIRONMENT.path == f"/namespaces/demo/environments/{HASH}/builds/3/log"
    assert (IMAGE.tag, ENVIRONMENT.tag) == ("log-1-2", f"log-{HASH}-3")


@pytest.mark.parametrize("name", [IMAGE, *OTHERS], ids=lambda name: name.path)
def test_a_path_is_read_as_it_was_written(name: LogName) -> None:
    assert parse_path(name.path) == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/namespaces/demo/inferenceimages/diabetes/builds/1-2/log/",
        "//namespaces/demo/inferenceimages/diabetes/builds/1-2/log",
        "/namespaces/demo/inferenceimages/diabetes/builds/1-2/log\n",
        "/namespaces/demo/inferenceimages/../builds/1-2/log",
        "/namespaces/demo/inferenceimages/a/b/builds/1-2/log",
        "/namespaces/demo/inferenceimages/a%2Fb/builds/1-2/log",
        "/namespaces/Demo/inferenceimages/diabetes/builds/1-2/log",
        "/namespaces/-/inferenceimages/diabetes/builds/1-2/log",
        f"/namespaces/{'a' * 64}/inferenceimages/diabetes/builds/1-2/log",
        "/namespaces/demo/inferenceimages/diabetes/builds/01-2/log",
        "/namespaces/demo/inferenceimages/diabetes/builds/1/log",
        "/namespaces/demo/inferenceimages/diabetes/builds/1-0/log",
        f"/namespaces/demo/inferenceimages/diabetes/builds/1-{'1' * 11}/log",
        "/namespaces/demo/inferenceimages/diabetes/builds/\u0661-\u0662/log",
        "/namespaces/demo/models/diabetes/builds/1-2/log",
        "/namespaces/demo/inferenceimages/diabetes/builds/profile-1/log",
        f"/namespaces/demo/inferenceimages/diabetes/builds/profile-{HASH}-1/log",
        f"/namespaces/demo/inferenceimages/diabetes/builds/{HASH[:16]}-1/log",
        f"/namespaces/demo/models/diabetes/builds/{HASH}-2/log",
        f"/namespaces/demo/environments/{HASH}/builds/1-2/log",
        f"/namespaces/demo/environments/{HASH[1:]}/builds/1/log",
        f"/namespaces/demo/environments/{HASH.upper()}/builds/1/log",
    ],
)
def test_no_other_path_means_a_log(path: str) -> None:
    assert parse_path(path) is None


def test_a_key_opens_its_log_and_no_other() -> None:
    assert KEYS.opens(IMAGE, KEYS.of(IMAGE))
    assert not [other for other in OTHERS if KEYS.opens(other, KEYS.of(IMAGE))]
    assert len({KEYS.of(name) for name in (IMAGE, *OTHERS)}) == 1 + len(OTHERS)


@pytest.mark.parametrize("key", ["", " ", "x", "ü" * 32, "\ud800", KEYS.of(IMAGE)[:-1]])
def test_what_is_not_the_whole_key_opens_nothing(key: str) -> None:
    assert not KEYS.opens(IMAGE, key)


def test_another_secret_makes_other_keys() -> None:
    assert LogKeys(b"t" * MIN_SECRET_BYTES).of(IMAGE) != KEYS.of(IMAGE)


def test_a_key_has_192_bits_and_needs_no_quoting() -> None:
    assert all(re.fullmatch("[A-Za-z0-9_-]{32}", KEYS.of(name)) for name in (IMAGE, *OTHERS))


def test_a_secret_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="it has 15 bytes, at least 16 are needed"):
        LogKeys(b"s" * 15)


def test_the_label_of_a_log_is_one() -> None:
    labels = {name.label for name in (IMAGE, *OTHERS)}
    assert len(labels) == 1 + len(OTHERS)
    assert all(re.fullmatch(f"[0-9a-f]{{{LABEL_CHARS}}}", label) for label in labels)


def test_the_longest_address_fits_into_a_status() -> None:
    base = f"/api/v1/namespaces/{'n' * 63}/services/{'s' * 63}/proxy"
    longest = environment_log("n" * 63, HASH, 10**9)
    uri = f"{base}{longest.path}?key={KEYS.of(longest)}"
    assert len(uri) < MOST_CHARS
