"""Signatures are those of Amazon's own examples.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

from datetime import UTC, datetime

import pytest

from fairlead.sources.aws_signature import Keys, s3_query, s3_quoted, signed_headers

KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "https://examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("url", "others", "signature"),
    [
        (
            f"{HOST}/test.txt",
            {"Range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            f"{HOST}/?{s3_query({'prefix': 'J', 'max-keys': '2'})}",
            {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_a_request_is_signed(url: str, others: dict[str, str], signature: str) -> None:
    headers = signed_headers("GET", url, KEYS, "us-east-1", NOW, others)
    assert headers["authorization"].endswith(f"Signature={signature}")
    assert "host" not in headers


def test_a_temporary_keys_token_is_signed_too() -> None:
    keys = Keys("a", "b", "the-token")
    headers = signed_headers("GET", HOST, keys, "us-east-1", NOW)
    assert headers["x-amz-security-token"] == "the-token"
    assert ";x-amz-security-token," in headers["authorization"]
    assert "the-token" not in repr(keys)


def test_a_key_is_quoted_once() -> None:
    assert s3_quoted("a b+c=ü/%41~") == "a%20b%2Bc%3D%C3%BC/%2541~"
