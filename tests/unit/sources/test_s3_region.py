"""A bucket in another region is told as that, and not as a network or keys that do not work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import trust
from fairlead.registry.addresses import NamedHosts
from fairlead.sources.base import Limits, SourceError
from fairlead.sources.exchange import Answer, Asked, Exchange
from fairlead.sources.s3 import S3Store
from fairlead.sources.s3_region import wrong_region
from fairlead.sources.secret_keys import SecretKeys

REDIRECT = b"<Error><Code>PermanentRedirect</Code><Message>Use the endpoint.</Message></Error>"
MALFORMED = (
    b"<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region '%s' is wrong%s</Error>"
)
THERE = {"x-amz-bucket-region": "eu-west-1"}


class OneAnswer(Exchange):
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(trust(None), NamedHosts(), Limits(10, 10, float("inf")))
        self.answer = (status, headers, body)

    @contextmanager
    def _sent(self, asked: Asked, *_: object) -> Iterator[Answer]:
        status, headers, body = self.answer
        yield Answer(asked.what, status, headers, iter([body]))


def told(
    status: int, headers: dict[str, str], body: bytes, region: str = "us-east-1"
) -> SourceError:
    store = S3Store("s3://models/m", SecretKeys({"AWS_REGION": region}))
    with OneAnswer(status, headers, body) as exchange, pytest.raises(SourceError) as error:
        list(store.files(exchange))
    return error.value


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (301, THERE, REDIRECT),
        (403, THERE, b"<Error><Code>AccessDenied</Code></Error>"),
        (400, {}, MALFORMED % (b"us-east-1", b"; expecting 'eu-west-1'</Message>")),
        (400, {}, MALFORMED % (b"us-east-1", b"; expecting &apos;eu-west-1&apos;</Message>")),
        (400, {}, MALFORMED % (b"us-east-1", b"</Message><Region>eu-west-1</Region>")),
    ],
)
def test_the_region_and_its_key_are_named(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    error = told(status, headers, body)
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert f"s3://models/m answers {status}: it is in the region eu-west-1, and was asked" in str(
        error
    )
    assert "eu-west-1 under the key AWS_REGION of the Secret" in error.remedy


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason"),
    [
        (403, THERE, b"", Reason.MODEL_SOURCE_DENIED),
        (400, {}, MALFORMED % (b"x", b"</Message>"), Reason.MODEL_SOURCE_DENIED),
        (301, {"x-amz-bucket-region": "evil.example.com/#"}, b"", Reason.MODEL_SOURCE_UNREACHABLE),
    ],
)
def test_other_answers_mean_what_they_mean_everywhere(
    status: int, headers: dict[str, str], body: bytes, reason: Reason
) -> None:
    error = told(status, headers, body, region="eu-west-1")
    assert error.reason is reason
    assert "AWS_REGION" not in error.remedy


def test_a_region_is_looked_for_where_it_is_meant() -> None:
    answer: Any = Answer("h", 400, {}, iter([]))
    assert wrong_region("us-east-1", answer, b"<Region>eu-west-1</Region>") is None
