"""Azure Blob Storage as it is on Azure itself, and Entra's tokens. No server is asked."""

from pathlib import Path
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.redact import redacted
from fairlead.sources.azure import KEYS, is_blob_address, stores
from fairlead.sources.base import SourceError
from fairlead.sources.remote import SourceAccess
from tests.unit.sources.scripted import ScriptedExchange

FILE: Any = (206, {"content-range": "bytes 0-0/7", "etag": '"x"'}, b"")
TOKEN: Any = (200, {}, b'{"access_token": "the-token", "expires_in": 3600}')
ACCOUNT = "https://models.blob.core.windows.net/"
URI = "abfss://c@models.dfs.core.windows.net/m.pkl"


def secret(folder: Path, **keys: str) -> Path:
    for name, value in keys.items():
        (folder / name).write_text(value)
    return folder


def first(access: SourceAccess, answers: dict[str, Any]) -> tuple[Any, ScriptedExchange]:
    """The first file of the first store, and what was asked for."""
    exchange = ScriptedExchange(answers)
    store = next(iter(stores(access)))
    return next(iter(store.files(exchange))), exchange  # type: ignore[arg-type]


def refused(tmp_path: Path, uri: str = URI, **keys: str) -> SourceError:
    folder = secret(tmp_path, **keys) if keys else None
    with pytest.raises(SourceError) as told:
        first(SourceAccess(uri, folder, {}), {})
    return told.value


@pytest.mark.parametrize(
    "uri",
    [
        URI,
        "az://c@models.blob.core.windows.net/m.pkl",
        "https://models.blob.core.windows.net/c/m.pkl",
    ],
)
def test_the_account_is_part_of_the_host(uri: str) -> None:
    file, _ = first(SourceAccess(uri, None, {}), {ACCOUNT: FILE})
    assert file.asked.url == f"{ACCOUNT}c/m.pkl"
    assert (file.name, file.size, file.asked.tag) == ("m.pkl", 7, '"x"')
    assert "authorization" not in file.asked.authorize("GET", file.asked.url, {})


def test_a_signed_address_stays_signed_and_is_not_shown() -> None:
    uri = f"{ACCOUNT}c/m.pkl?sv=2021&sig=c2VjcmV0c2VjcmV0"
    file, _ = first(SourceAccess(uri, None, {}), {ACCOUNT: FILE})
    assert file.asked.url == uri
    assert "c2VjcmV0" not in file.asked.what


def test_a_pod_with_an_identity_asks_as_it_and_then_as_nobody(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("projected\n")
    variables = {
        "AZURE_CLIENT_ID": "client",
        "AZURE_TENANT_ID": "tenant",
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
        "AZURE_AUTHORITY_HOST": "https://login.example.com/",
    }
    access = SourceAccess(URI, None, variables)
    answers = {"https://login.example.com/tenant/oauth2/v2.0/token": TOKEN, ACCOUNT: FILE}
    file, exchange = first(access, answers)
    for _ in range(2):
        headers = file.asked.authorize("GET", file.asked.url, {})
        assert headers["authorization"] == "Bearer the-token"
    [login] = [asked for asked in exchange.asked if "login" in asked.url]
    assert b"client_assertion=projected" in (login.content or b"")
    assert [store.identity is None for store in stores(access)] == [False, True]
    [signed] = stores(SourceAccess(f"{ACCOUNT}c/m?sig=x", None, variables))
    assert signed.identity is None


def test_a_service_principal_is_a_secrets(tmp_path: Path) -> None:
    keys = {"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_SECRET": "s"}
    keys["AZURE_STORAGE_ACCOUNT"] = "models"
    access = SourceAccess(URI, secret(tmp_path, **keys), {})
    answers = {"https://login.microsoftonline.com/t/oauth2/v2.0/token": TOKEN, ACCOUNT: FILE}
    file, exchange = first(access, answers)
    file.asked.authorize("GET", file.asked.url, {})
    assert b"client_secret=s" in (exchange.asked[-1].content or b"")
    answers["https://login.microsoftonline.com/"] = answers.pop(
        "https://login.microsoftonline.com/t/oauth2/v2.0/token"
    )
    wrong: Any = (200, {}, b'{"access_token": "a\\nb", "expires_in": 1}')
    file, _ = first(access, {**answers, "https://login.microsoftonline.com/": wrong})
    with pytest.raises(SourceError, match="Microsoft Entra answers without a token"):
        file.asked.authorize("GET", file.asked.url, {})


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("abfss://c@models.dfs.core.windows.net.evil.example.com/m", "is not at a host of Azure"),
        ("abfss://c@169.254.169.254/m", "is not at a host of Azure Storage"),
        ("az://c/m", "names no storage account, and nor does a Secret"),
        (f"{URI}?x=1", "has a query or a fragment"),
        (f"{URI}#x", "has a query or a fragment"),
        ("https://models.blob.core.windows.net/", "names no container"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(tmp_path: Path, uri: str, said: str) -> None:
    error = refused(tmp_path, uri)
    assert error.reason is Reason.MODEL_SOURCE_REFUSED
    assert said in str(error)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"AZURE_STORAGE_KEY": "no base64!"}, "has an account key that is none"),
        ({"AZURE_STORAGE_SAS_TOKEN": "a b"}, "has a SAS token that is none"),
        ({"AZURE_CLIENT_SECRET": "s"}, "has no AZURE_CLIENT_ID or no AZURE_TENANT_ID"),
        (
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=models;BlobEndpoint=file:///etc"},
            "names no https:// address under AZURE_STORAGE_CONNECTION_STRING",
        ),
    ],
)
def test_a_secret_that_cannot_be_meant_so_is_refused(
    tmp_path: Path, keys: dict[str, str], said: str
) -> None:
    error = refused(tmp_path, **{"AZURE_STORAGE_ACCOUNT": "models", **keys})
    assert error.reason is Reason.CREDENTIALS_INVALID
    assert str(error).startswith(f"The Secret of spec.credentialsSecretRef {said}")
    assert set(keys) <= set(KEYS)


def test_only_addresses_of_azure_are_blobs() -> None:
    assert is_blob_address("https://models.blob.core.windows.net/c/m?sig=x")
    for other in (
        "http://models.blob.core.windows.net/c/m",
        "https://models.blob.core.windows.net.example.com/c/m",
        "https://example.com/models.blob.core.windows.net/m",
    ):
        assert not is_blob_address(other)


def test_a_container_is_no_password() -> None:
    assert redacted(URI) == URI
    assert redacted("abfss://user:pw@h/x") == "abfss://***@h/x"
    assert redacted("https://c@h/x") == "https://***@h/x"
    assert redacted("xaz://c@h/x") == "xaz://***@h/x"
