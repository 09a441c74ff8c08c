"""Azure Blob Storage against Azurite, which checks keys and signatures."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.registry.oci import digest_of
from fairlead.sources import azure
from fairlead.sources.azure_signature import VERSION, shared_key_headers
from fairlead.sources.exchange import Asked, Exchange
from fairlead.sources.remote import RemoteFile, probe
from tests.integration.registry.server import WebServer, replies
from tests.integration.sources.fetching import contents, fetch, refused, secret

ACCOUNT = "devstoreaccount1"  # Azurite's own, known to everybody
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
MODEL = b"a trained model" * 1000
FOLDER = {"MLmodel": b"flavors: {}", "data/model.pkl": MODEL, "a b+c=ü/%41.bin": b"odd"}


def put(host: str, path: str, content: bytes = b"", public: str = "") -> None:
    url = f"http://{host}/{ACCOUNT}/{path}"
    length = {"content-length": str(len(content))} if content else {}
    every = {
        "x-ms-blob-type": "BlockBlob",
        **({"x-ms-blob-public-access": public} if public else {}),
    }
    signed = shared_key_headers(
        "PUT", url, {**every, **length}, ACCOUNT, base64.b64decode(KEY), datetime.now(UTC)
    )
    answer = httpx.put(url, content=content, headers={**every, **signed})
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def account(azurite: str) -> str:
    put(azurite, "models?restype=container")
    put(azurite, "models/one/m.pkl", MODEL)
    for name, content in FOLDER.items():
        put(azurite, f"models/{quote(f'team/credit/{name}')}", content)
    put(azurite, "models/team/creditor", b"another")
    put(azurite, "models/team/credit")  # a folder, to the driver of Hadoop
    put(azurite, "models/team/credit/data")
    put(azurite, "public?restype=container", public="container")
    put(azurite, "public/a/m.pkl", MODEL)
    return azurite


def endpoint(host: str) -> str:
    return f"AccountName={ACCOUNT};BlobEndpoint=http://{host}/{ACCOUNT}/;"


def by_key(tmp_path: Path, host: str, key: str = KEY) -> Path:
    told = f"DefaultEndpointsProtocol=http;{endpoint(host)}AccountKey={key};"
    return secret(tmp_path / "keys", AZURE_STORAGE_CONNECTION_STRING=told)


def sas(ends_in: timedelta) -> str:
    """Read and list, by a signature of the account."""
    end = (datetime.now(UTC) + ends_in).strftime("%Y-%m-%dT%H:%M:%SZ")
    signed = "\n".join((ACCOUNT, "rl", "b", "sco", "", end, "", "", VERSION, "", ""))
    signature = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
    fields = {"sv": VERSION, "ss": "b", "srt": "sco", "sp": "rl", "se": end}
    return urlencode({**fields, "sig": base64.b64encode(signature).decode()})


def by_sas(tmp_path: Path, host: str, token: str) -> Path:
    return secret(
        tmp_path / "keys",
        AZURE_STORAGE_CONNECTION_STRING=endpoint(host),
        AZURE_STORAGE_SAS_TOKEN=token,
    )


def nobody(tmp_path: Path, host: str) -> Path:
    return secret(tmp_path / "keys", AZURE_STORAGE_CONNECTION_STRING=endpoint(host))


@pytest.mark.parametrize(
    "uri",
    [
        "az://models/one/m.pkl",
        f"abfss://models@{ACCOUNT}.dfs.core.windows.net/one/m.pkl",
        f"https://{ACCOUNT}.blob.core.windows.net/models/one/m.pkl",
    ],
)
def test_one_file_is_had_under_its_name(account: str, tmp_path: Path, uri: str) -> None:
    keys, into = by_key(tmp_path, account), tmp_path / "into"
    assert fetch(uri, into, account, keys=keys) == {"m.pkl": digest_of(MODEL)}
    assert contents(into) == {"m.pkl": MODEL}


@pytest.mark.parametrize("uri", ["az://models/team/credit", "abfs://models/team/credit/"])
def test_a_folder_is_had_whole_and_nothing_beside_it(
    account: str, tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paged(query: Mapping[str, str], quote_via: object) -> str:
        assert quote_via is quote
        more = {"maxresults": "2"} if query else {}
        return urlencode({**query, **more}, quote_via=quote)

    monkeypatch.setattr(azure, "urlencode", paged)
    keys, into = by_key(tmp_path, account), tmp_path / "into"
    assert fetch(uri, into, account, keys=keys).keys() == FOLDER.keys()
    assert contents(into) == FOLDER


def test_a_shared_access_signature_lets_one_in(account: str, tmp_path: Path) -> None:
    keys, into = by_sas(tmp_path, account, f"?{sas(timedelta(hours=1))}"), tmp_path / "into"
    assert fetch("az://models/team/credit", into, account, keys=keys).keys() == FOLDER.keys()


def test_what_is_public_needs_no_key(account: str, tmp_path: Path) -> None:
    keys = nobody(tmp_path, account)
    assert fetch("az://public/a/", tmp_path / "into", account, keys=keys) == {
        "m.pkl": digest_of(MODEL)
    }


def test_a_wrong_key_is_told_and_not_shown(account: str, tmp_path: Path) -> None:
    wrong = base64.b64encode(b"wrong" * 10).decode()
    keys = by_key(tmp_path, account, wrong)
    error = refused("az://models/one/m.pkl", tmp_path / "into", account, keys=keys)
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert wrong not in str(error)
    assert "spec.credentialsSecretRef" in error.remedy


def test_a_signature_that_has_expired_is_a_matter_of_credentials(
    account: str, tmp_path: Path
) -> None:
    token = sas(timedelta(hours=-1))
    keys = by_sas(tmp_path, account, token)
    error = refused("az://models/one/m.pkl", tmp_path / "into", account, keys=keys)
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert token.partition("sig=")[2] not in str(error)


@pytest.mark.parametrize("uri", ["az://models/none", "az://models/none/", "az://nowhere/x"])
def test_what_is_not_there_is_not_found(account: str, tmp_path: Path, uri: str) -> None:
    keys = by_key(tmp_path, account)
    error = refused(uri, tmp_path / "into", account, keys=keys)
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_NOT_FOUND, True)
    assert uri in str(error)


def test_a_file_that_changed_since_it_was_looked_at_is_refused(
    account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(account, "models/moving.pkl", MODEL)

    def changing(exchange: Exchange, asked: Asked) -> RemoteFile | None:
        file = probe(exchange, asked)
        put(account, "models/moving.pkl", b"something else")
        return file

    monkeypatch.setattr(azure, "probe", changing)
    keys = by_key(tmp_path, account)
    error = refused("az://models/moving.pkl", tmp_path / "into", account, keys=keys)
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_CHANGED, True)


def test_an_endpoint_is_no_way_to_this_machine(web: WebServer, tmp_path: Path) -> None:
    error = refused("az://models/m", tmp_path / "into", keys=by_key(tmp_path, web.host))
    assert (error.reason, web.requests) == (Reason.MODEL_SOURCE_REFUSED, [])
    web.otherwise = replies(302, Location="https://169.254.169.254/metadata/identity")
    keys = by_key(tmp_path, web.host)
    error = refused("az://models/m", tmp_path / "again", web.host, keys=keys)
    assert error.reason is Reason.MODEL_SOURCE_REFUSED
