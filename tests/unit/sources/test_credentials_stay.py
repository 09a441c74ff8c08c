"""Credentials go to whom the Secret names, and never where an address or a redirect leads."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import trust
from fairlead.registry.addresses import NamedHosts
from fairlead.sources import azure
from fairlead.sources.answers import unreachable
from fairlead.sources.base import Limits, SourceError
from fairlead.sources.entra import EntraIdentity
from fairlead.sources.exchange import Answer, Asked, Exchange
from fairlead.sources.google_token import _through
from fairlead.sources.remote import SourceAccess
from fairlead.sources.secret_keys import SecretKeys

SAS = "sv=1&sig=c2VjcmV0"
VICTIM = "AccountName=victim;SharedAccessSignature=sv=1&sig=c2VjcmV0"
PRINCIPAL = {"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_SECRET": "s"}
OURS = "abfss://c@victim.dfs.core.windows.net/p"
CHINA = "abfss://c@victim.dfs.core.chinacloudapi.cn/p"


def place(folder: Path, uri: str, keys: dict[str, str]) -> azure.Place:
    for name, value in keys.items():
        (folder / name).write_text(value)
    return next(iter(azure.stores(SourceAccess(uri, folder, {})))).place


@pytest.mark.parametrize(
    "uri",
    [
        "https://attacker.blob.core.windows.net/c/p",
        "https://attacker.blob.core.windows.net/c/p?sv=1&sig=x",
        "abfss://c@attacker.dfs.core.windows.net/p",
        "az://c@victim.z1.blob.storage.azure.net/p",
        CHINA,
    ],
)
@pytest.mark.parametrize(
    "keys",
    [
        {"AZURE_STORAGE_ACCOUNT": "victim", "AZURE_STORAGE_SAS_TOKEN": SAS},
        {"AZURE_STORAGE_ACCOUNT": "victim", "AZURE_STORAGE_KEY": "YWFh"},
        {"AZURE_STORAGE_ACCOUNT": "victim", **PRINCIPAL},
        {"AZURE_STORAGE_CONNECTION_STRING": VICTIM},
        {
            "AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=https://victim.blob.core.windows.net/;"
            "SharedAccessSignature=sv=1&sig=c2VjcmV0"
        },
    ],
)
def test_credentials_go_to_no_other_account(tmp_path: Path, uri: str, keys: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="is not in the storage account that the Secret") as told:
        place(tmp_path, uri, keys)
    error = told.value
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_REFUSED, FailureClass.USER)
    assert error.retryable
    assert "c2VjcmV0" not in str(error)


@pytest.mark.parametrize(
    "keys",
    [
        {"AZURE_STORAGE_SAS_TOKEN": SAS},
        {"AZURE_STORAGE_KEY": "YWFh"},
        PRINCIPAL,
        {"AZURE_STORAGE_CONNECTION_STRING": f"SharedAccessSignature={SAS}"},
        {"AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=https://blobs.example.com/"},
        {"AZURE_STORAGE_ACCOUNT": "victim.example.com/", "AZURE_STORAGE_SAS_TOKEN": SAS},
    ],
)
def test_a_secret_says_of_which_account_it_is(tmp_path: Path, keys: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="does not say of which storage account") as told:
        place(tmp_path, OURS, keys)
    assert (told.value.reason, told.value.class_) == (
        Reason.CREDENTIALS_INVALID,
        FailureClass.AUTH,
    )
    assert "AZURE_STORAGE_ACCOUNT" in told.value.remedy


@pytest.mark.parametrize(
    ("uri", "keys", "leads"),
    [
        (OURS, {"AZURE_STORAGE_ACCOUNT": "victim"}, "https://victim.blob.core.windows.net"),
        (
            "https://victim.blob.core.windows.net/c/p",
            {"AZURE_STORAGE_CONNECTION_STRING": VICTIM},
            "https://victim.blob.core.windows.net",
        ),
        (
            CHINA,
            {
                "AZURE_STORAGE_CONNECTION_STRING": f"{VICTIM};EndpointSuffix=core.chinacloudapi.cn",
            },
            "https://victim.blob.core.chinacloudapi.cn",
        ),
        (
            OURS,
            {
                "AZURE_STORAGE_ACCOUNT": "victim",
                "AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=https://blobs.example.com/",
            },
            "https://blobs.example.com",
        ),
        (
            "az://c/p",
            {"AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=https://a2b.blob.core.windows.net/"},
            "https://a2b.blob.core.windows.net",
        ),
    ],
)
def test_the_account_of_the_secret_is_asked(
    tmp_path: Path, uri: str, keys: dict[str, str], leads: str
) -> None:
    assert place(tmp_path, uri, keys).endpoint == leads


class LeadingExchange(Exchange):
    """Every answer leads to ``to``, which answers itself; ``sent`` is what went where."""

    def __init__(self, to: str) -> None:
        limits = Limits(10, 10, time.monotonic() + 60.0)
        super().__init__(trust(None), NamedHosts(), limits)
        self.to, self.sent = to, list[tuple[str, bytes | None, dict[str, str]]]()

    @contextmanager
    def _sent(self, asked: Asked, url: str, via: str | None) -> Iterator[Answer]:
        own = asked.authorize(asked.method, url, asked.headers) if via is None else {}
        self.sent.append((url, asked.content, dict(own)))
        there = url == self.to
        token = iter([b'{"access_token": "x", "expires_in": 3600}'])
        leads = {} if there else {"location": self.to}
        yield Answer(asked.what, 200 if there else 307, leads, token)


def of_principal(exchange: Exchange) -> object:
    found = EntraIdentity.of_secret(SecretKeys(PRINCIPAL))
    assert found is not None
    return found.headers(exchange)


def of_google(exchange: Exchange) -> object:
    answer = _through(exchange)("https://oauth2.googleapis.com/token", "POST", "assertion=x")
    raise unreachable(f"answers {answer.status}")  # google-auth judges it


@pytest.mark.parametrize("ask", [of_principal, of_google])
def test_a_request_for_a_token_goes_nowhere_else(ask: Any) -> None:
    with LeadingExchange("https://elsewhere.example.com/steal") as exchange:
        with pytest.raises(SourceError, match="307"):
            ask(exchange)
        [(url, content, _)] = exchange.sent
    assert "elsewhere" not in url
    assert content


def test_headers_of_google_go_nowhere_else() -> None:
    with LeadingExchange("https://elsewhere.example.com/") as exchange:
        request = _through(exchange)
        request("https://token.example.com/", headers={"authorization": "Bearer x"})
        sent = [headers for *_, headers in exchange.sent]
        assert sent == [{"authorization": "Bearer x"}, {}]
