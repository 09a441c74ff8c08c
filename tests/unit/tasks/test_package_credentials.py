"""Credentials of hosts that packages come from: whom they are sent to, and what is told of them."""

from base64 import b64encode
from pathlib import Path

import pytest

from fairlead.api.status import FailureClass
from fairlead.registry.addresses import NamedHosts
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.package_credentials import MAX_BYTES, PackageCredentials

NETRC = """machine conda.example.com login me password hunter2
machine other.example.com:8443
  login bot
  password secret two
default login anybody password leaks
"""


def read(folder: Path, text: str | None = NETRC, *plain: str) -> PackageCredentials:
    if text is not None:
        (folder / ".netrc").write_text(text)
    return PackageCredentials.read(NamedHosts.insecurely(plain), folder)


def sent(credentials: PackageCredentials, address: str) -> str:
    return str(credentials.headers(address).get("Authorization", ""))


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


def test_each_host_is_sent_its_own_and_no_other_any(tmp_path: Path) -> None:
    found = read(tmp_path, NETRC.replace("secret two", "two"))
    assert sent(found, "https://conda.example.com/channel/linux-64/x") == basic("me:hunter2")
    assert sent(found, "https://CONDA.example.com:443/") == basic("me:hunter2")
    assert sent(found, "https://other.example.com:8443/a") == basic("bot:two")
    for address in (
        "https://conda.example.com:444/",  # another server, perhaps
        "https://other.example.com/a",
        "https://example.com/",
        "https://conda.example.com.evil.example/",
        "https://evil.example/conda.example.com",
        "http://conda.example.com/channel",  # not protected
    ):
        assert sent(found, address) == ""


def test_a_host_that_the_settings_name_may_be_without_tls(tmp_path: Path) -> None:
    found = read(tmp_path, NETRC.replace("secret two", "two"), "conda.example.com")
    assert sent(found, "http://conda.example.com/channel") == basic("me:hunter2")


def test_a_port_of_a_host_may_have_its_own(tmp_path: Path) -> None:
    text = "machine a.example login one password 1\nmachine a.example:443 login two password 2\n"
    found = read(tmp_path, f"{text}machine a.example:80 login three password 3\n", "a.example")
    assert sent(found, "https://a.example/x") == basic("two:2")
    assert sent(found, "http://a.example/x") == basic("three:3")
    assert sent(found, "http://a.example:443/x") == basic("two:2")
    assert sent(found, "http://a.example:8080/x") == ""


def test_without_a_secret_nothing_is_sent(tmp_path: Path) -> None:
    found = read(tmp_path / "nothing", None)
    assert sent(found, "https://conda.example.com/") == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "has no key .netrc"),
        (NETRC, "has something under .netrc that is no netrc file"),
        ("hunter2", "has something under .netrc that is no netrc file"),
        ("\udcff", "has something under .netrc that is no netrc file"),
        ("", "names no machine under .netrc"),
        ("default login a password b", "names no machine under .netrc"),
        ("#" * (MAX_BYTES + 1), f"has more than {MAX_BYTES:,} bytes under .netrc"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_of_without_its_content(
    text: str | None, said: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / ".netrc").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(TaskFailedError) as raised:
        PackageCredentials.read(NamedHosts(), tmp_path)
    failure = raised.value.failure
    assert failure.message == f"The Secret of spec.build.packageSecretRef {said}."
    assert (failure.reason, failure.class_) == ("CredentialsInvalid", FailureClass.AUTH)
    assert failure.retryable
