"""Which of a task's credentials are tried, and in which order."""

import json
from pathlib import Path
from typing import Any

import pytest

from fairlead.registry.acr import AcrIdentity
from fairlead.registry.docker_config import Credential
from fairlead.registry.errors import CredentialsInvalidError
from fairlead.registry.keychain import Keychain
from fairlead.registry.reference import Repository, parse_repository
from fairlead.settings import Settings

HERE = parse_repository("r.example.com/team/x")


def put(folder: Path, use: str, *hosts: str) -> None:
    entries = {host: {"username": use, "password": "p"} for host in hosts}
    (folder / use).mkdir()
    (folder / use / "config.json").write_text(json.dumps({"auths": entries}))


def keychain(folder: Path, **settings: Any) -> Keychain:
    return Keychain.of(Settings(**settings), folder)


def users(found: Keychain, repository: Repository = HERE, *, push: bool = True) -> list[str]:
    candidates = found.candidates(repository, push=push)
    return [one.username for one in candidates if isinstance(one, Credential)]


def test_what_is_for_pushing_is_tried_first_for_pushing(tmp_path: Path) -> None:
    for use in ("push", "pull", "shared"):
        put(tmp_path, use, "r.example.com")
    found = keychain(tmp_path)
    assert users(found, push=True) == ["push", "shared", "pull"]
    assert users(found, push=False) == ["pull", "push", "shared"]


def test_only_what_is_for_the_registry_counts(tmp_path: Path) -> None:
    put(tmp_path, "push", "other.example.com")
    put(tmp_path, "shared", "r.example.com")
    assert users(keychain(tmp_path)) == ["shared"]
    assert users(keychain(tmp_path / "nothing")) == []


def test_the_operators_own_file_comes_last(tmp_path: Path) -> None:
    put(tmp_path, "own", "r.example.com")
    put(tmp_path, "push", "r.example.com")
    own = tmp_path / "own" / "config.json"
    assert users(keychain(tmp_path, docker_config=own)) == ["push", "own"]


def test_a_registry_with_two_names_takes_the_credentials_for_either(tmp_path: Path) -> None:
    """Secrets are made with the name that people know."""
    put(tmp_path, "push", "r.example.com")
    names = {"registry": "r.example.com", "registry_push": "registry.internal:5000"}
    pushed = parse_repository("registry.internal:5000/team/x")
    assert users(keychain(tmp_path, **names), pushed) == ["push"]
    assert users(keychain(tmp_path), pushed) == []


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    found = keychain(tmp_path)
    assert users(found) == []
    put(tmp_path, "push", "r.example.com")
    assert users(found) == ["push"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "push").mkdir()
    (tmp_path / "push" / "config.json").write_text("{")
    with pytest.raises(CredentialsInvalidError) as error:
        users(keychain(tmp_path))
    assert str(error.value) == (
        "The Docker config of the Secret of spec.pushSecretRef cannot be read. It is not JSON."
    )
    (tmp_path / "pull" / "config.json").mkdir(parents=True)
    with pytest.raises(CredentialsInvalidError, match=r"spec\.pullSecretRef cannot be read: Is a"):
        users(keychain(tmp_path), push=False)


def test_an_identity_is_for_azures_registries_and_nobody_else(tmp_path: Path) -> None:
    identity = AcrIdentity("client", "tenant", "https://login.example.com/", tmp_path / "token")
    found = Keychain({}, {}, identity)
    for host in ("mine.azurecr.io", "MINE.azurecr.io", "mine.azurecr.cn"):
        assert list(found.candidates(Repository(host, "x"), push=True)) == [identity]
    for host in ("azurecr.io.evil.net", "mine.azurecr.io.evil.net", "evil-azurecr.io", "r.io"):
        assert list(found.candidates(Repository(host, "x"), push=True)) == []


@pytest.mark.parametrize(
    "missing",
    ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"],
)
def test_an_identity_is_what_aks_injects_whole_or_none(missing: str) -> None:
    injected = {
        "AZURE_CLIENT_ID": "0-1",
        "AZURE_TENANT_ID": "2-3",
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/tokens/azure-identity-token",
    }
    assert AcrIdentity.of(injected)
    assert AcrIdentity.of({**injected, missing: ""}) is None
    assert AcrIdentity.of({**injected, "AZURE_TENANT_ID": "../x"}) is None
