"""Names of images: parsed as Docker parses them."""

import pytest

from fairlead.registry.reference import (
    InvalidReferenceError,
    Reference,
    Repository,
    as_pushed,
    endpoint,
    is_plain,
    parse_reference,
    parse_repository,
)

DIGEST = "sha256:" + 64 * "a"


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("python", "docker.io", "library/python", "latest", None),
        ("python:3.11-slim", "docker.io", "library/python", "3.11-slim", None),
        ("team/x:1", "docker.io", "team/x", "1", None),
        ("docker.io/python:3", "docker.io", "library/python", "3", None),
        ("index.docker.io/team/x", "docker.io", "team/x", "latest", None),
        ("localhost/x", "localhost", "x", "latest", None),
        ("localhost:5000/team/x:1", "localhost:5000", "team/x", "1", None),
        ("my.registry.io/a/b/c", "my.registry.io", "a/b/c", "latest", None),
        ("[::1]:5000/x:1", "[::1]:5000", "x", "1", None),
        (f"registry:80/x@{DIGEST}", "registry:80", "x", None, DIGEST),
        (f"x:1@{DIGEST}", "docker.io", "library/x", "1", DIGEST),
    ],
)
def test_an_image_is_found_where_docker_would_find_it(
    text: str, registry: str, path: str, tag: str | None, digest: str | None
) -> None:
    assert parse_reference(text) == Reference(Repository(registry, path), tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "UPPER",
        "a b",
        "a//b",
        "x:",
        "x:-1",
        "x@sha256:12",
        "x@md5:1",
        "/x",
        "../x",
        "h:99999999/x",
        "x\n",
        "reg.io/x?y=1",
        "a/" * 300 + "a",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidReferenceError):
        parse_reference(text)


def test_a_name_can_be_read_back() -> None:
    for text in ("localhost:5000/a/b:1", f"reg.io/x@{DIGEST}"):
        assert str(parse_reference(text)) == text
    assert str(parse_repository("python")) == "docker.io/library/python"


@pytest.mark.parametrize(
    ("registry", "insecure", "plain"),
    [
        ("localhost:5000", (), True),
        ("localhost", (), True),
        ("127.0.0.1:5000", (), True),
        ("127.8.8.8", (), True),
        ("[::1]:5000", (), True),
        ("registry.local:5000", (), False),
        ("registry.local:5000", ("registry.local",), True),
        ("registry.local:5000", ("registry.local:5000",), True),
        ("registry.local:5000", ("registry.local:5001",), False),
        ("docker.io", (), False),
        ("localhost.evil.com", (), False),
    ],
)
def test_tls_is_left_out_only_on_the_loopback_and_where_the_settings_say(
    registry: str, insecure: tuple[str, ...], *, plain: bool
) -> None:
    assert is_plain(registry, insecure) is plain
    assert endpoint(registry, insecure).startswith("http://" if plain else "https://")


def test_docker_hub_answers_under_another_name() -> None:
    assert endpoint("docker.io", ()) == "https://registry-1.docker.io"


def test_our_own_registry_is_asked_under_the_name_that_tasks_reach() -> None:
    assert as_pushed("localhost:5000/x:1", "localhost:5000", "kind:5000") == "kind:5000/x:1"
    assert as_pushed("localhost:5000x/x", "localhost:5000", "kind:5000") == "localhost:5000x/x"
    assert as_pushed("python:3", "localhost:5000", "kind:5000") == "python:3"
