"""Azure Container Registry by workload identity, against a stand-in that checks every parameter."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from fairlead.registry.client import Registry
from fairlead.registry.errors import CredentialsInvalidError, CredentialsRefusedError
from fairlead.registry.keychain import Keychain
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from tests.integration.registry.azure import CLIENT, Azure
from tests.integration.registry.guarded import GuardedRegistry
from tests.integration.registry.server import WebServer


@pytest.fixture
def azure(web: WebServer, tmp_path: Path) -> Iterator[Azure]:
    with WebServer().running() as entra:
        yield Azure(entra, GuardedRegistry(web), tmp_path / "azure-identity-token")


@pytest.fixture
def client(azure: Azure) -> Iterator[Registry]:
    settings = Settings(insecure_hosts=("127.0.0.1",))
    with Registry(settings, keychain=Keychain({}, {}, azure.identity)) as registry:
        yield registry


def team(azure: Azure) -> Repository:
    return Repository(azure.guarded.web.host, "team/x")


def test_a_projected_token_becomes_a_right_to_push(azure: Azure, client: Registry) -> None:
    client.upload(team(azure), iter([b"layer"]))
    assert azure.guarded.stored == [b"layer"]
    assert azure.wrong == []
    assert azure.assertions == ["projected-1"]
    assert azure.guarded.forms == [
        {
            "grant_type": ["refresh_token"],
            "client_id": ["fairlead"],
            "service": [azure.guarded.web.host],
            "scope": ["repository:team/x:pull,push"],
            "refresh_token": azure.refreshes,
        }
    ]


def test_one_exchange_serves_all_repositories_as_long_as_it_lives(
    azure: Azure, client: Registry
) -> None:
    for _ in range(3):
        client.upload(team(azure), iter([b"layer"]))
        client.has_blob(Repository(azure.guarded.web.host, "team/y"), f"sha256:{'ab' * 32}")
    assert len(azure.refreshes) == 1


def test_it_is_exchanged_anew_before_it_ends_with_the_token_that_the_kubelet_has_renewed(
    azure: Azure, client: Registry
) -> None:
    azure.life_s = 60.0
    client.upload(team(azure), iter([b"one"]))
    azure.token_file.write_text("projected-2")
    azure.guarded.tokens.append("the last one has ended")
    client.upload(team(azure), iter([b"two"]))
    assert azure.guarded.stored == [b"one", b"two"]
    assert azure.assertions == ["projected-1", "projected-2"]


def test_it_is_renewed_while_a_push_runs(azure: Azure, client: Registry) -> None:
    """Both the registry's token and what it was got with end while the layer is sent."""

    def lets_in(request: BaseHTTPRequestHandler) -> bool:
        if request.command == "PUT" and len(azure.refreshes) == 1:
            azure.refreshes.append("none that anybody has")
            return False
        return request.headers["Authorization"] == f"Bearer {(azure.guarded.tokens or [''])[-1]}"

    azure.guarded.lets_in = lets_in
    client.upload(team(azure), iter([b"layer"]))
    assert azure.guarded.stored == [b"layer"]
    assert azure.guarded.shown("PUT") == ["Bearer token-1", "Bearer token-2"]
    assert azure.assertions == ["projected-1", "projected-1"]
    assert azure.wrong == []


def test_an_identity_that_entra_does_not_know_is_told_in_its_words(
    azure: Azure, client: Registry
) -> None:
    azure.refusal = b'{"error": "invalid_client", "error_description": "AADSTS700213: No match"}'
    with pytest.raises(CredentialsRefusedError) as error:
        client.check_push(team(azure))
    said = str(error.value)
    assert "Microsoft Entra says: 401 invalid_client: AADSTS700213: No match." in said
    assert f"the workload identity of the task's ServiceAccount (client {CLIENT})" in said
    assert "projected-1" not in said


def test_a_token_that_is_not_mounted_is_told(azure: Azure, client: Registry) -> None:
    azure.token_file.unlink()
    with pytest.raises(
        CredentialsInvalidError, match="AZURE_FEDERATED_TOKEN_FILE\\) cannot be rea"
    ):
        client.check_push(team(azure))
