"""Why a connection failed, in words that a person can use."""

import ssl
from pathlib import Path

import pytest

from fairlead.connection import trust, why


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("[Errno 111] Connection refused"), "Connection refused"),
        (OSError("[Errno -2] Name or service not known"), "Name or service not known"),
        (TimeoutError("timed out"), "timed out"),
        (TimeoutError(), "TimeoutError"),
        (
            OSError(
                "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed (_ssl.c:9)"
            ),
            "its certificate is not trusted: self-signed",
        ),
        (OSError("cannot reach https://u:p@h/"), "cannot reach https://***@h/"),
    ],
    ids=str,
)
def test_the_reason_is_told_without_numbers_and_secrets(error: Exception, words: str) -> None:
    assert why(error) == words


def test_the_systems_authorities_are_always_trusted() -> None:
    assert trust(None).get_ca_certs() == ssl.create_default_context().get_ca_certs()


def test_a_bundle_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        trust(tmp_path / "ca.pem")
