"""No secret and no control character leaves in a log, a status or an event."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fairlead import redact
from fairlead.redact import redacted
from tests.unit.adversarial import assert_linear, patterns_in

SECRETS = json.loads((Path(__file__).parents[1] / "contract" / "secrets.json").read_text())

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nq8Vv+/==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("see https://u:s3cr@t@host/x", "see https://***@host/x", id="user in URL"),
        pytest.param("git+ssh://token@host/x", "git+ssh://***@host/x", id="token in URL"),
        pytest.param("http://h/?a=b@c", "http://h/?a=b@c", id="an @ elsewhere in a URL"),
        pytest.param("Authorization: Bearer abc", "Authorization: Bearer ***", id="header"),
        pytest.param("authorization=Basic dTpw", "authorization=Basic ***", id="basic"),
        pytest.param("use bearer 0123456789abcdef", "use bearer ***", id="bearer alone"),
        pytest.param("a bearer of bad news", "a bearer of bad news", id="the word bearer"),
        pytest.param(
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc/d==;EndpointSuffix=x",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=***;EndpointSuffix=x",
            id="storage account",
        ),
        pytest.param(
            "SharedAccessSignature=sv=2020&sig=abc", "SharedAccessSignature=***&sig=***", id="SAS"
        ),
        pytest.param("https://h/f?sv=1&sig=a%2Fb&x=1", "https://h/f?sv=1&sig=***&x=1", id="sig"),
        pytest.param("'GET /x/log?key=aB-_9&follow=1'", "'GET /x/log?key=***&follow=1'", id="log"),
        pytest.param(
            "https://b/k?X-Amz-Signature=abc&X-Amz-Date=1",
            "https://b/k?X-Amz-Signature=***&X-Amz-Date=1",
            id="signed S3 address",
        ),
        pytest.param("AKIAIOSFODNN7EXAMPLE is it", "*** is it", id="AWS key id"),
        pytest.param("aws_secret_access_key = wJalr/b", "aws_secret_access_key = ***", id="AWS"),
        pytest.param("password=hunter2, ok", "password=***, ok", id="password"),
        pytest.param('{"password": "a b\\"c"}', '{"password": ***}', id="JSON"),
        pytest.param("PGPASSWORD='a b' psql", "PGPASSWORD=*** psql", id="quoted"),
        pytest.param("API_KEY: 123", "API_KEY: ***", id="yaml"),
        pytest.param("client-secret=1&b=2", "client-secret=***&b=2", id="form"),
        pytest.param("helm login --password abc x", "helm login --password *** x", id="option"),
        pytest.param("ghp_" + 36 * "a", "***", id="GitHub"),
        pytest.param("hf_" + 34 * "A", "***", id="Hugging Face"),
        pytest.param(JWT, "***", id="JWT"),
        pytest.param(f"before\n{KEY}\nafter", "before\n***\nafter", id="private key"),
        pytest.param(KEY[:50], "***", id="the beginning of a private key"),
        pytest.param(f"{KEY[40:]}\nafter", "***\nafter", id="the end of a private key"),
        pytest.param("tokenizers==0.20 token==1", "tokenizers==0.20 token==1", id="packages"),
        pytest.param("the secret is out: password", "the secret is out: password", id="words"),
        pytest.param("\x1b[31mred\x1b[0m \x1b]0;title\x07x", "red x", id="colours and titles"),
        pytest.param("p\x1b[1massword=abc", "password=***", id="a colour inside a secret"),
        pytest.param("a\r\nb\rc\td\x00\x08e\x85", "a\nb\nc\tde", id="control characters"),
        pytest.param("a\u202eb\u2066c\ud800", "abc", id="marks and halves"),
        pytest.param("größer 模型 🙂", "größer 模型 🙂", id="everybody's letters"),
    ],
)
def test_a_secret_is_hidden_and_the_rest_is_kept(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_of_a_long_text_the_end_is_kept_from_the_beginning_of_a_line() -> None:
    assert redacted("first line\nsecond\nthird\n", 15) == "second\nthird\n"
    assert redacted("first line\nsecond\nthird\n", 12) == "third\n"
    assert redacted("abcdef", 3) == "def"
    assert redacted("abcdef", 0) == ""


def test_a_secret_is_hidden_before_the_text_is_cut() -> None:
    assert "hunter2" not in redacted("password=hunter2" + 20 * "x", 27)


def test_redacting_twice_changes_nothing_more() -> None:
    text = f"https://u:p@h/ token=abc\n{KEY}\nBearer 0123456789abcdefg\n"
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize("case", SECRETS, ids=lambda case: case["name"])
def test_it_hides_and_keeps_what_the_runtime_does(case: dict[str, Any]) -> None:
    shown = redacted(case["text"])
    assert [text for text in case["hidden"] if text in shown] == []
    assert [text for text in case["kept"] if text not in shown] == []


@pytest.mark.parametrize(
    "pattern", list(patterns_in(vars(redact))), ids=lambda pattern: pattern.pattern[:40]
)
def test_a_pattern_is_linear(pattern: re.Pattern[str]) -> None:
    assert_linear(lambda line: pattern.sub("", line))
