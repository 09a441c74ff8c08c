"""s3:// against moto's server, which checks signatures, and against one that does as it is told."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.registry.oci import digest_of
from fairlead.sources import exchange, s3
from fairlead.sources.aws_signature import s3_query, s3_quoted
from tests.integration.registry.server import Answer, WebServer, replies, reply
from tests.integration.sources.fetching import MOST_BYTES, contents, fetch, refused, secret

MODEL = b"a trained model" * 1000
FOLDER = {"MLmodel": b"flavors: {}", "data/model.pkl": MODEL, "a b+c=ü/%41.bin": b"odd"}
POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", '
    '"Resource": "*"}]}'
)
SIGNED, SIGNED_FOR_IAM = (  # which service is meant; nobody checks the rest yet
    {
        "Authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request,"
        " SignedHeaders=host, Signature=x"
    }
    for service in ("s3", "iam")
)
PUBLIC = {"x-amz-acl": "public-read"}
ANY = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(scope="module")
def bucket(moto: str) -> str:
    with httpx.Client(base_url=f"http://{moto}", headers=SIGNED) as client:
        client.put("/models").raise_for_status()
        client.put("/models/one/m.pkl", content=MODEL).raise_for_status()
        for name, content in FOLDER.items():
            quoted = s3_quoted(f"team/credit/{name}")
            client.put(f"/models/{quoted}", content=content).raise_for_status()
        client.put("/models/team/credit/").raise_for_status()  # a folder, to consoles
        client.put("/models/team/creditor", content=b"another").raise_for_status()
        client.put("/models/public.pkl", content=MODEL, headers=PUBLIC).raise_for_status()
    return moto


@pytest.fixture(scope="module")
def user(moto: str) -> dict[str, str]:
    """Keys that moto takes."""

    def asked(action: str, **form: str) -> str:
        form = {"Action": action, "Version": "2010-05-08", "UserName": "fairlead", **form}
        answer = httpx.post(f"http://{moto}/", data=form, headers=SIGNED_FOR_IAM)
        return answer.raise_for_status().text

    asked("CreateUser")
    asked("PutUserPolicy", PolicyName="all", PolicyDocument=POLICY)
    told = asked("CreateAccessKey")
    return {key: re.findall(f"<{name}>(.*)</{name}>", told)[0] for name, key in KEY_NAMES.items()}


@pytest.fixture
def checked(bucket: str, user: dict[str, str]) -> Iterator[dict[str, str]]:
    """The same, while moto checks every signature."""
    httpx.post(f"http://{bucket}/moto-api/reset-auth", content="0").raise_for_status()
    yield user
    httpx.post(f"http://{bucket}/moto-api/reset-auth", content="inf").raise_for_status()


KEY_NAMES = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY"}


def at(tmp_path: Path, host: str, **keys: str) -> Path:
    return secret(tmp_path / "keys", AWS_ENDPOINT_URL=f"http://{host}", **(keys or ANY))


def test_what_is_public_needs_no_keys(bucket: str, tmp_path: Path) -> None:
    nobody = secret(tmp_path / "keys", AWS_ENDPOINT_URL=f"http://{bucket}")
    into = tmp_path / "into"
    assert fetch("s3://models/public.pkl", into, bucket, keys=nobody) == {
        "public.pkl": digest_of(MODEL)
    }
    error = refused("s3://models/one/m.pkl", tmp_path / "other", bucket, keys=nobody)
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)


def test_one_file_is_had_under_its_name(bucket: str, tmp_path: Path) -> None:
    keys, into = at(tmp_path, bucket), tmp_path / "into"
    digests = fetch("s3://models/one/m.pkl", into, bucket, keys=keys)
    assert digests == {"m.pkl": digest_of(MODEL)}
    assert contents(into) == {"m.pkl": MODEL}


@pytest.mark.parametrize("uri", ["s3://models/team/credit", "s3://models/team/credit/"])
def test_a_folder_is_had_whole_and_nothing_beside_it(bucket: str, tmp_path: Path, uri: str) -> None:
    keys, into = at(tmp_path, bucket), tmp_path / "into"
    assert fetch(uri, into, bucket, keys=keys).keys() == FOLDER.keys()
    assert contents(into) == FOLDER


def test_a_listing_of_several_pages_is_read_to_its_end(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = s3_query
    monkeypatch.setattr(s3, "s3_query", lambda query: real({**query, "max-keys": "1"}))
    keys = at(tmp_path, bucket)
    found = fetch("s3://models/team/credit/", tmp_path / "into", bucket, keys=keys)
    assert found.keys() == FOLDER.keys()


def test_signatures_are_what_amazon_checks(
    bucket: str, checked: dict[str, str], tmp_path: Path
) -> None:
    keys = at(tmp_path, bucket, **checked)
    assert fetch("s3://models/team/credit", tmp_path / "into", bucket, keys=keys).keys() == (
        FOLDER.keys()
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "signature"),
        ({"AWS_ACCESS_KEY_ID": "AKIDWRONG"}, "does not exist in our records"),
    ],
)
def test_wrong_keys_are_told_in_the_servers_words(
    bucket: str, checked: dict[str, str], tmp_path: Path, wrong: dict[str, str], said: str
) -> None:
    keys = at(tmp_path, bucket, **{**checked, **wrong})
    error = refused("s3://models/one/m.pkl", tmp_path / "into", bucket, keys=keys)
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert said in str(error)
    assert "spec.credentialsSecretRef" in error.remedy
    assert checked["AWS_SECRET_ACCESS_KEY"] not in str(error)


@pytest.mark.parametrize("uri", ["s3://models/none", "s3://models/none/", "s3://no-bucket/x"])
def test_what_is_not_there_is_not_found(bucket: str, tmp_path: Path, uri: str) -> None:
    error = refused(uri, tmp_path / "into", bucket, keys=at(tmp_path, bucket))
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_NOT_FOUND, True)
    assert uri in str(error)


def expired(request: BaseHTTPRequestHandler) -> None:
    said = b"<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>"
    reply(request, 400, said, Content_Type="application/xml")


def test_an_expired_token_is_a_matter_of_credentials(web: WebServer, tmp_path: Path) -> None:
    web.otherwise = expired
    error = refused("s3://b/m", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert "The token has expired" in str(error)


def ranged(content: bytes, cut: int | None = None, tag: str = '"1"') -> Answer:
    """A server that knows ranges; what it sends at once ends after ``cut`` bytes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "bytes=0-")
        first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", asked).groups()  # type: ignore[union-attr]
        part = content[int(first) : int(last) + 1 if last else None]
        request.send_response(206 if "Range" in request.headers else 200)
        request.send_header("ETag", tag)
        request.send_header("Content-Length", str(len(part)))
        request.send_header("Content-Range", f"bytes {first}-/{len(content)}")
        request.end_headers()
        request.wfile.write(part[:cut])
        request.close_connection = True

    return answer


def test_what_is_cut_off_goes_on_where_it_ended(web: WebServer, tmp_path: Path) -> None:
    web.answers["/b/m"] = ranged(MODEL, cut=1000)
    into = tmp_path / "into"
    assert fetch("s3://b/m", into, web.host, keys=at(tmp_path, web.host))
    assert contents(into) == {"m": MODEL}
    assert len(web.requests) == 1 + len(MODEL) // 1000


def test_what_changes_on_the_way_is_no_model(web: WebServer, tmp_path: Path) -> None:
    answers = [ranged(MODEL), ranged(MODEL, cut=1000), ranged(MODEL[::-1], tag='"2"')]
    web.answers["/b/m"] = lambda request: answers.pop(0)(request)
    error = refused("s3://b/m", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_CHANGED, True)


def test_what_changed_since_it_was_listed_is_refused_by_the_server(
    web: WebServer, tmp_path: Path
) -> None:
    answers = [ranged(MODEL), replies(412)]
    web.answers["/b/m"] = lambda request: answers.pop(0)(request)
    error = refused("s3://b/m", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert error.reason is Reason.MODEL_SOURCE_CHANGED


def test_a_server_that_is_busy_is_asked_again(web: WebServer, tmp_path: Path) -> None:
    answers = [replies(503), ranged(MODEL), replies(500), ranged(MODEL)]
    web.answers["/b/m"] = lambda request: answers.pop(0)(request)
    assert fetch("s3://b/m", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    web.answers["/b/m"] = replies(503, b"<Error><Message>Slow down.</Message></Error>")
    error = refused("s3://b/m", tmp_path / "again", web.host, keys=at(tmp_path, web.host))
    assert error.reason is Reason.MODEL_SOURCE_UNREACHABLE
    assert "Slow down" in str(error)


def test_one_that_sends_nothing_is_given_up(web: WebServer, tmp_path: Path) -> None:
    web.answers["/b/m"] = ranged(MODEL, cut=0)
    error = refused("s3://b/m", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert (error.reason, error.retryable) == (Reason.MODEL_SOURCE_UNREACHABLE, True)
    assert len(web.requests) == 1 + 1 + len(exchange.RETRY_DELAYS_S)


def test_what_is_too_large_is_not_begun(web: WebServer, tmp_path: Path) -> None:
    listed = b"".join(
        b"<Contents><Key>m/%d</Key><Size>%d</Size></Contents>" % (i, MOST_BYTES) for i in (1, 2)
    )
    web.answers["/b/"] = replies(200, b"<R>" + listed + b"</R>")
    error = refused("s3://b/m/", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert error.reason is Reason.MODEL_TOO_LARGE
    assert len(web.requests) == 1


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "a/../b", "a\\b", "x" * 300, "C:/x"]
)
def test_a_key_that_is_no_path_below_the_folder_is_refused(
    web: WebServer, tmp_path: Path, key: str
) -> None:
    listed = f"<R><Contents><Key>m/{key}</Key><Size>1</Size></Contents></R>"
    web.otherwise = ranged(b"x")
    web.answers["/b/"] = replies(200, listed.encode())
    error = refused("s3://b/m/", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert error.reason is Reason.MODEL_SOURCE_REFUSED
    assert contents(tmp_path / "into") == {}


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE x [<!ENTITY a 'b'>]><R/>", b"<R>", b"<R>" + bytes(9 * 1024 * 1024)]
)
def test_a_listing_that_is_none_is_told(web: WebServer, tmp_path: Path, body: bytes) -> None:
    web.answers["/b/"] = replies(200, body)
    error = refused("s3://b/m/", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert error.reason is Reason.MODEL_SOURCE_UNREACHABLE


def test_pages_without_end_end(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "MAX_PAGES", 3)
    page = b"<R><NextContinuationToken>again</NextContinuationToken></R>"
    web.answers["/b/"] = replies(200, page)
    error = refused("s3://b/m/", tmp_path / "into", web.host, keys=at(tmp_path, web.host))
    assert "more than 3 pages" in str(error)


def test_an_endpoint_is_no_way_to_this_machine(web: WebServer, tmp_path: Path) -> None:
    """Neither as the Secret names it, nor where a server leads to."""
    error = refused("s3://b/m", tmp_path / "into", keys=at(tmp_path, web.host))
    assert error.reason is Reason.MODEL_SOURCE_REFUSED
    with WebServer().running() as inside:
        port = inside.host.partition(":")[2]
        web.otherwise = replies(307, Location=f"https://localhost:{port}/keys")
        error = refused("s3://b/m", tmp_path / "again", web.host, keys=at(tmp_path, web.host))
        assert (error.reason, inside.requests) == (Reason.MODEL_SOURCE_REFUSED, [])
    assert web.requests == ["GET /b/m"]


def test_where_a_server_leads_to_no_signature_is_sent(web: WebServer, tmp_path: Path) -> None:
    seen = []
    with WebServer().running() as other:

        def told(request: BaseHTTPRequestHandler) -> None:
            seen.append(request.headers.get("Authorization"))
            ranged(MODEL)(request)

        other.otherwise = told
        web.otherwise = replies(307, Location=other.url("/m"))
        keys = at(tmp_path, web.host, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="s")
        assert fetch("s3://b/m", tmp_path / "into", web.host, other.host, keys=keys)
    assert seen == [None, None]
