"""gs:// against an emulator of Google Cloud Storage, and google-auth against one of its issuer."""

import json
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.registry.oci import digest_of
from fairlead.sources import gcs
from fairlead.sources.exchange import Exchange
from fairlead.sources.remote import RemoteFile
from tests.integration.registry.server import WebServer, replies, reply
from tests.integration.sources.fetching import contents, fetch, refused, secret

MODEL = b"a trained model" * 1000
FOLDER = {"MLmodel": b"flavors: {}", "data/model.pkl": MODEL, "a b+c=ü.bin": b"odd"}


def put(host: str, name: str, content: bytes = b"") -> None:
    url = f"http://{host}/upload/storage/v1/b/models/o?uploadType=media&name={quote(name, safe='')}"
    headers = {"Content-Type": "application/octet-stream"}
    httpx.post(url, content=content, headers=headers).raise_for_status()


@pytest.fixture(scope="module")
def bucket(emulator: str) -> str:
    url = f"http://{emulator}/storage/v1/b?project=test"
    httpx.post(url, json={"name": "models"}).raise_for_status()
    put(emulator, "one/m.pkl", MODEL)
    for name, content in FOLDER.items():
        put(emulator, f"team/credit/{name}", content)
    put(emulator, "team/creditor", b"another")
    return emulator


def at(tmp_path: Path, host: str, **keys: str) -> Path:
    return secret(tmp_path / "keys", STORAGE_EMULATOR_HOST=f"http://{host}", **keys)


def test_one_file_is_had_under_its_name(bucket: str, tmp_path: Path) -> None:
    keys = at(tmp_path, bucket)
    found = fetch("gs://models/one/m.pkl", tmp_path / "into", bucket, keys=keys)
    assert found == {"m.pkl": digest_of(MODEL)}


@pytest.mark.parametrize("uri", ["gs://models/team/credit", "gs://models/team/credit/"])
def test_a_folder_is_had_whole_and_nothing_beside_it(bucket: str, tmp_path: Path, uri: str) -> None:
    into = tmp_path / "into"
    fetch(uri, into, bucket, keys=at(tmp_path, bucket))
    assert contents(into) == FOLDER


@pytest.mark.parametrize("uri", ["gs://models/none", "gs://models/none/", "gs://no-bucket/x"])
def test_what_is_not_there_is_not_found(bucket: str, tmp_path: Path, uri: str) -> None:
    error = refused(uri, tmp_path / "into", bucket, keys=at(tmp_path, bucket))
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_NOT_FOUND, True)


def test_what_changed_since_it_was_looked_at_is_refused(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "moving.pkl", MODEL)
    real = gcs.GcsStore.files

    def changing(store: gcs.GcsStore, exchange: Exchange) -> list[RemoteFile]:
        found = list(real(store, exchange))
        put(bucket, "moving.pkl", b"something else")
        return found

    monkeypatch.setattr(gcs.GcsStore, "files", changing)
    error = refused("gs://models/moving.pkl", tmp_path / "into", bucket, keys=at(tmp_path, bucket))
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_CHANGED, True)


class Google:
    """Storage that lets only bearers of a token in, in pages of one; and its issuer of tokens."""

    def __init__(self, web: WebServer) -> None:
        self.tokens = ["token-1"]
        self.issuer = replies(200, b'{"access_token": "token-1", "expires_in": 3600}')
        web.otherwise = self.answer

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == "/token":
            self.issuer(request)
        elif request.headers.get("Authorization") not in [f"Bearer {t}" for t in self.tokens]:
            said = {"error": {"code": 401, "message": "Invalid Credentials"}}
            reply(request, 401, json.dumps(said).encode())
        elif "alt=media" in request.path:
            reply(request, 200, b"x")
        else:
            last = "pageToken=2" in request.path
            page = {"items": [{"name": f"m/{int(last)}", "size": "1", "generation": "1"}]}
            more = {} if last else {"nextPageToken": "2"}
            reply(request, 200, json.dumps({**page, **more}).encode())


@pytest.fixture(scope="module")
def private_key() -> str:
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def key_file(web: WebServer, private_key: str, **more: str) -> str:
    info = {
        "type": "service_account",
        "client_email": "fairlead@test.iam.gserviceaccount.com",
        "private_key": private_key,
        "token_uri": web.url("/token"),
    }
    return json.dumps({**info, **more})


def test_a_service_account_is_let_in(web: WebServer, tmp_path: Path, private_key: str) -> None:
    Google(web)
    keys = at(tmp_path, web.host, GOOGLE_APPLICATION_CREDENTIALS=key_file(web, private_key))
    assert fetch("gs://b/m/", tmp_path / "into", web.host, keys=keys).keys() == {"0", "1"}
    assert web.requests.count("POST /token") == 1


def test_the_pods_own_file_counts_where_there_is_no_secret(
    web: WebServer, tmp_path: Path, private_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Google(web)
    monkeypatch.setattr(gcs, "STORAGE", web.url(""))
    file = tmp_path / "file.json"
    file.write_text(key_file(web, private_key))
    variables = {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    found = fetch("gs://b/m/", tmp_path / "into", web.host, variables=variables)
    assert found.keys() == {"0", "1"}
    file.write_text("{")
    error = refused("gs://b/m/", tmp_path / "again", web.host, variables=variables)
    assert (error.class_, "GOOGLE_APPLICATION_CREDENTIALS" in str(error)) == (
        FailureClass.AUTH,
        True,
    )


def test_a_token_lets_one_in_until_it_has_expired(web: WebServer, tmp_path: Path) -> None:
    google = Google(web)
    keys = at(tmp_path, web.host, GOOGLE_OAUTH_ACCESS_TOKEN="token-1")
    assert fetch("gs://b/m/", tmp_path / "into", web.host, keys=keys)
    google.tokens = []
    error = refused("gs://b/m/", tmp_path / "again", web.host, keys=keys)
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert "Invalid Credentials" in str(error)


def test_an_issuer_that_refuses_is_told(web: WebServer, tmp_path: Path, private_key: str) -> None:
    google = Google(web)
    google.issuer = replies(400, b'{"error": "invalid_grant"}')
    keys = at(tmp_path, web.host, GOOGLE_APPLICATION_CREDENTIALS=key_file(web, private_key))
    error = refused("gs://b/m/", tmp_path / "into", web.host, keys=keys)
    assert error.class_ is FailureClass.AUTH
    assert "Google Cloud gives no token: " in str(error)
    assert "invalid_grant" in str(error)


def test_an_issuer_is_no_way_to_this_machine(
    web: WebServer, tmp_path: Path, private_key: str
) -> None:
    Google(web)
    with WebServer().running() as inside:
        told = key_file(inside, private_key)
        keys = at(tmp_path, web.host, GOOGLE_APPLICATION_CREDENTIALS=told)
        error = refused("gs://b/m/", tmp_path / "into", web.host, keys=keys)
    assert (error.reason, inside.requests) == (Reason.MODEL_SOURCE_REFUSED, [])


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"GOOGLE_APPLICATION_CREDENTIALS": "{"}, Reason.CREDENTIALS_INVALID),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "[]"}, Reason.MODEL_SOURCE_DENIED),
        (
            {"GOOGLE_APPLICATION_CREDENTIALS": '{"type": "external_account"}'},
            Reason.MODEL_SOURCE_DENIED,  # it would name files of the task
        ),
        (
            {"GOOGLE_APPLICATION_CREDENTIALS": '{"type": "service_account"}'},
            Reason.MODEL_SOURCE_DENIED,
        ),
        ({"GOOGLE_OAUTH_ACCESS_TOKEN": "a b"}, Reason.CREDENTIALS_INVALID),
        ({"STORAGE_EMULATOR_HOST": "file:///etc"}, Reason.CREDENTIALS_INVALID),
    ],
)
def test_credentials_that_are_none_are_refused(
    tmp_path: Path, keys: dict[str, str], reason: Reason
) -> None:
    error = refused("gs://b/m", tmp_path / "into", keys=secret(tmp_path / "keys", **keys))
    assert (error.reason, error.class_) == (reason, FailureClass.AUTH)


def test_a_query_is_no_part_of_a_name(tmp_path: Path) -> None:
    error = refused("gs://b/m?generation=1", tmp_path / "into")
    assert error.reason is Reason.MODEL_SOURCE_REFUSED


def test_pages_without_end_end(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "MAX_PAGES", 3)
    web.otherwise = replies(200, b'{"nextPageToken": "again"}')
    error = refused("gs://b/m/", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert "more than 3 pages" in str(error)
