"""Which credentials of a Docker config are for which registry, and what is told of one that is not
in order: nothing of what may be secret."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.registry.docker_config import Credential, DockerConfigError, credentials_for
from fairlead.registry.reference import Repository, parse_repository
from tests.unit.spoilt import JSON

SECRET = "hunter2-do-not-show"


def basic(username: str, password: str = SECRET) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def config(**auths: Any) -> bytes:
    return json.dumps({"auths": auths}).encode()


def entries_for(content: bytes, repository: Repository) -> list[str]:
    return [one.entry for one in credentials_for(content, "here", repository)]


def config_of(*entries: str) -> bytes:
    return config(**{entry: {"auth": basic("me")} for entry in entries})


@pytest.mark.parametrize(
    ("entry", "repository"),
    [
        ("r.example.com", "r.example.com/team/x"),
        ("https://r.example.com", "r.example.com/team/x"),
        ("https://r.example.com/v2/", "r.example.com/team/x"),
        ("R.example.com", "r.example.com/team/x"),
        ("r.example.com:443", "r.example.com/team/x"),
        ("r.example.com:5000", "r.example.com:5000/team/x"),
        ("localhost:5000", "localhost:5000/team/x"),
        ("[::1]:5000", "[::1]:5000/team/x"),
        ("r.example.com/team", "r.example.com/team/x"),
        ("r.example.com/team/x", "r.example.com/team/x"),
        ("*.azurecr.io", "mine.azurecr.io/team/x"),
        ("registry-*.example.com", "registry-1.example.com/x"),
        ("https://index.docker.io/v1/", "team/x"),
        ("docker.io", "docker.io/team/x"),
        ("registry-1.docker.io", "python"),
        ("index.docker.io/team", "team/x"),
    ],
)
def test_an_entry_is_for_a_repository(entry: str, repository: str) -> None:
    assert entries_for(config_of(entry), parse_repository(repository)) == [entry]


@pytest.mark.parametrize(
    ("entry", "repository"),
    [
        ("r.example.com", "other.example.com/x"),
        ("r.example.com", "r.example.com.evil.net/x"),
        ("r.example.com", "r.example.com:5000/x"),
        ("r.example.com:5000", "r.example.com/x"),
        ("r.example.com/team", "r.example.com/teams/x"),
        ("r.example.com/team/x", "r.example.com/team"),
        ("*.example.com", "example.com/x"),
        ("*.example.com", "a.b.example.com/x"),
        ("*", "r.example.com/x"),
        ("a*", "localhost:5000/x"),
        ("*b*.example.com", "abc.example.com/x"),
        ("[a-z].example.com", "a.example.com/x"),
        ("docker.io.example.com", "team/x"),
        ("", "r.example.com/x"),
        ("https://", "r.example.com/x"),
    ],
)
def test_an_entry_is_for_no_other(entry: str, repository: str) -> None:
    assert entries_for(config_of(entry), parse_repository(repository)) == []


def test_the_most_specific_entry_comes_first() -> None:
    content = config_of("*.example.com", "r.example.com", "r.example.com/team", "r.example.com/t")
    asked = parse_repository("r.example.com/team/x")
    assert entries_for(content, asked) == ["r.example.com/team", "r.example.com", "*.example.com"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": basic("me")}, Credential(username="me", password=SECRET)),
        ({"auth": basic("me", "a:b")}, Credential(username="me", password="a:b")),
        (
            {"auth": basic("me"), "username": "other", "password": "x"},
            Credential(username="me", password=SECRET),
        ),
        (
            {"username": "me", "password": SECRET},
            Credential(username="me", password=SECRET),
        ),
        (
            {"auth": basic("me", ""), "identitytoken": SECRET},
            Credential(username="me", identity_token=SECRET),
        ),
        ({"registrytoken": SECRET}, Credential(registry_token=SECRET)),
    ],
    ids=["auth", "colon", "auth wins", "fields", "identity token", "registry token"],
)
def test_the_forms_of_an_entry(entry: dict[str, str], expected: Credential) -> None:
    asked = parse_repository("r.example.com/x")
    [found] = credentials_for(config(**{"r.example.com": entry}), "here", asked)
    assert found == Credential(
        source="here",
        entry="r.example.com",
        username=expected.username,
        password=expected.password,
        identity_token=expected.identity_token,
        registry_token=expected.registry_token,
    )
    assert SECRET not in repr(found)
    assert found.words == "here (its entry r.example.com)"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{{{SECRET}".encode(), "It is not JSON."),
        (b"[]", "It is no JSON object"),
        (b'{"auth": {}}', "It has no 'auths'"),
        (b'{"credsStore": "desktop"}', "It names a credential helper, and none is run here."),
        (config(**{"r.example.com": SECRET}), "Its entry r.example.com is no object."),
        (config(**{"r.example.com": {"auth": SECRET}}), "is not the base64 of a user name"),
        (config(**{"r.example.com": {"auth": basic("")}}), "is not the base64 of a user name"),
        (config(**{"r.example.com": {"password": SECRET}}), "holds neither 'auth' nor"),
    ],
    ids=["JSON", "list", "shape", "helper", "entry", "auth", "no user", "password only"],
)
def test_what_is_not_in_order_is_told_without_what_it_holds(content: bytes, said: str) -> None:
    with pytest.raises(DockerConfigError) as error:
        credentials_for(content, "here", parse_repository("r.example.com/x"))
    assert said in str(error.value)
    assert SECRET not in str(error.value)


def test_an_entry_for_another_registry_is_not_looked_at() -> None:
    content = config(**{"other.example.com": {"auth": "!"}, "r.example.com": {"auth": basic("me")}})
    assert entries_for(content, parse_repository("r.example.com/x")) == ["r.example.com"]


@pytest.mark.parametrize("content", [b"{}", b'{"auths": {}}', b'{"auths": null}'])
def test_a_config_without_entries_holds_none(content: bytes) -> None:
    if content.endswith(b"null}"):
        with pytest.raises(DockerConfigError):
            entries_for(content, parse_repository("r.example.com/x"))
    else:
        assert entries_for(content, parse_repository("r.example.com/x")) == []


@given(content=JSON | st.dictionaries(st.just("auths"), JSON))
@settings(max_examples=200, deadline=None)
def test_whatever_a_config_holds_it_is_read_or_refused(content: Any) -> None:
    with suppress(DockerConfigError):
        credentials_for(json.dumps(content).encode(), "here", parse_repository("r.example.com/x"))
