"""s3:// on Amazon itself: hosts, regions, and the pod's own identity. No server is asked."""

from pathlib import Path
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.sources.base import SourceError
from fairlead.sources.remote import SourceAccess
from fairlead.sources.s3 import S3Store, stores
from fairlead.sources.secret_keys import MAX_KEY_BYTES, SecretKeys
from tests.unit.sources.scripted import ScriptedExchange

EMPTY: Any = (200, {}, b"<R/>")
FILE: Any = (206, {"content-range": "bytes 0-0/7", "etag": '"x"'}, b"")
TAKEN = (
    b"<R xmlns='urn:x'><Credentials><AccessKeyId>AKID</AccessKeyId>"
    b"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    b"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></R>"
)


def files(store: S3Store, answers: dict[str, Any]) -> tuple[list[Any], ScriptedExchange]:
    exchange = ScriptedExchange(answers)
    return list(store.files(exchange)), exchange  # type: ignore[arg-type]


def secret(**keys: str) -> SecretKeys:
    return SecretKeys(keys)


def test_the_bucket_is_asked_for_its_region_and_is_part_of_the_host() -> None:
    answers = {
        "https://s3.amazonaws.com/models": (403, {"x-amz-bucket-region": "eu-central-1"}, b""),
        "https://models.s3.eu-central-1.amazonaws.com/a/m.pkl": FILE,
    }
    [file], exchange = files(S3Store("s3://models/a/m.pkl", secret()), answers)
    assert (file.name, file.size, file.asked.tag) == ("m.pkl", 7, '"x"')
    assert [asked.method for asked in exchange.asked] == ["HEAD", "GET"]
    assert file.asked.authorize("GET", file.asked.url, {}) == {}


@pytest.mark.parametrize("told", [{}, {"x-amz-bucket-region": "evil.example.com/#"}])
def test_a_region_that_is_none_is_not_taken(told: dict[str, str]) -> None:
    answers = {"https://s3.amazonaws.com/": (404, told, b""), "https://my.bucket": EMPTY}
    answers["https://s3.us-east-1.amazonaws.com/my.bucket/?"] = EMPTY
    assert files(S3Store("s3://my.bucket", secret()), answers)[0] == []


def test_china_has_a_domain_of_its_own() -> None:
    answers = {"https://models.s3.cn-north-1.amazonaws.com.cn/": EMPTY}
    assert files(S3Store("s3://models/x/", secret(AWS_REGION="cn-north-1")), answers)[0] == []


def test_a_pod_with_a_role_asks_as_it_and_then_as_nobody(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("the-token\n")
    variables = {
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_REGION": "eu-west-1",
    }
    mine, nobody = stores(SourceAccess("s3://models/m", None, variables))
    answers = {
        "https://s3.amazonaws.com/": (200, {"x-amz-bucket-region": "us-west-2"}, b""),
        "https://models.s3.us-west-2.amazonaws.com/m": FILE,
        "https://sts.eu-west-1.amazonaws.com/": (200, {}, TAKEN),
    }
    [file], exchange = files(mine, answers)
    for _ in range(2):
        headers = file.asked.authorize("GET", file.asked.url, {})
        assert "Credential=AKID/" in headers["authorization"]
        assert headers["x-amz-security-token"] == "t"
    [sts] = [asked for asked in exchange.asked if "sts" in asked.url]
    assert b"WebIdentityToken=the-token" in (sts.content or b"")
    [open_to_all], _ = files(nobody, answers)
    assert open_to_all.asked.authorize("GET", open_to_all.asked.url, {}) == {}


@pytest.mark.parametrize("body", [b"<R/>", b"no XML", b"<!DOCTYPE x><R/>"])
def test_a_token_service_without_keys_is_told(tmp_path: Path, body: bytes) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    variables = {"AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
    [file], _ = files(
        S3Store("s3://models/m", secret(AWS_REGION="eu-west-1"), variables),
        answers := {
            "https://models.s3.eu-west-1": FILE,
            "https://sts.eu-west-1.amazonaws.com/": (200, {}, body),
        },
    )
    assert answers
    with pytest.raises(SourceError, match="Security Token Service") as told:
        file.asked.authorize("GET", file.asked.url, {})
    assert told.value.reason is Reason.MODEL_SOURCE_UNREACHABLE
    token.unlink()
    with pytest.raises(SourceError, match="AWS_WEB_IDENTITY_TOKEN_FILE") as told:
        file.asked.authorize("GET", file.asked.url, {})
    assert told.value.reason is Reason.CREDENTIALS_INVALID


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"AWS_ACCESS_KEY_ID": "a"}, "has no key AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_ACCESS_KEY": "a"}, "has no key AWS_ACCESS_KEY_ID"),
        ({"AWS_REGION": "evil.example.com/"}, "has an AWS_REGION that is none"),
        ({"AWS_ENDPOINT_URL": "ftp://h"}, "names no https:// address under AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL": "https://[::1"}, "names no https:// address under AWS_ENDPOINT_URL"),
    ],
)
def test_a_secret_that_cannot_be_meant_so_is_refused(keys: dict[str, str], said: str) -> None:
    with pytest.raises(SourceError) as told:
        files(S3Store("s3://models/m", secret(**{"AWS_REGION": "eu-west-1", **keys})), {})
    assert told.value.reason is Reason.CREDENTIALS_INVALID
    assert str(told.value).startswith(f"The Secret of spec.credentialsSecretRef {said}")


def test_a_query_is_no_part_of_a_key() -> None:
    with pytest.raises(SourceError, match="has a query or a fragment"):
        files(S3Store("s3://models/m?versionId=1", secret(AWS_REGION="eu-west-1")), {})


def test_a_secret_is_read_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "KNOWN").write_text(" value\n")
    (tmp_path / "OTHER").write_bytes(b"\xff")
    assert SecretKeys.read(tmp_path, ("KNOWN", "MISSING"), "x").values == {"KNOWN": "value"}
    assert SecretKeys.read(None, ("KNOWN",), "x").values == {}
    for known, said in (("MISSING", "none of the keys that x sources know: MISSING"),):
        with pytest.raises(SourceError, match=said):
            SecretKeys.read(tmp_path, (known,), "x")
    with pytest.raises(SourceError, match="has a key OTHER that cannot be read"):
        SecretKeys.read(tmp_path, ("OTHER",), "x")
    (tmp_path / "KNOWN").write_bytes(b"x" * (MAX_KEY_BYTES + 1))
    with pytest.raises(SourceError, match="of more than"):
        SecretKeys.read(tmp_path, ("KNOWN",), "x")
