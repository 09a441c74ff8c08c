"""What a kubeconfig and a pod's ServiceAccount give, and what is said of one that gives nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fairlead.credentials.access import Access, utc_now
from fairlead.credentials.environment import credentials_of
from fairlead.credentials.service_account import service_account_access
from fairlead.errors import StalledError
from tests.unit.credentials.api_server import Plugin, kubeconfig

SERVER = "http://127.0.0.1:1"
IN_A_POD = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}


async def access(folder: Path, user: dict[str, Any], **cluster: object) -> Access:
    return await credentials_of(
        {"KUBECONFIG": kubeconfig(folder, SERVER, user, **cluster)}
    ).current()


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({"token": "abc"}, "Bearer abc"),
        ({"username": "u", "password": "p"}, "Basic dTpw"),
        ({}, None),
    ],
)
async def test_a_user_is_read(tmp_path: Path, user: dict[str, Any], header: str | None) -> None:
    found = await access(tmp_path, user, **{"insecure-skip-tls-verify": True})
    assert found == Access(SERVER, header, verify=False)


async def test_a_file_with_a_token_is_read_again_each_minute(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    found = await access(tmp_path, {"tokenFile": "token"})
    assert found.scheme_and_token == ("Bearer", "abc")
    assert found.reload_at is not None
    assert timedelta(0) < found.reload_at - utc_now() <= timedelta(minutes=1)


async def test_a_plugins_token_is_loaded_again_before_it_expires(tmp_path: Path) -> None:
    end = (utc_now() + timedelta(hours=1)).replace(microsecond=0)
    found = await access(tmp_path, Plugin(tmp_path).user(end.isoformat()))
    assert (found.authorization, found.expires_at) == ("Bearer token-1", end)
    assert found.reload_at is not None
    assert timedelta(minutes=59) < found.reload_at - utc_now() < timedelta(hours=1)


async def test_a_plugin_that_names_no_end_is_asked_when_its_token_is_refused(
    tmp_path: Path,
) -> None:
    found = await access(tmp_path, Plugin(tmp_path).user())
    assert (found.expires_at, found.reload_at) == (None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "current-context"),
        ("", ""),
        ("[]", ""),
        ("current-context: other\ncontexts: []\nclusters: []\nusers: []", "other"),
        ("a: [", "while parsing"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_read_is_named(
    tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    with pytest.raises(StalledError) as error:
        await credentials_of({"KUBECONFIG": str(file)}).current()
    assert str(file) in str(error.value)
    assert said in str(error.value)
    assert error.value.reason == "Unauthorized"


async def test_a_plugin_that_fails_is_not_taken_for_a_user_without_credentials(
    tmp_path: Path,
) -> None:
    """The Kubernetes library logs it and goes on without any."""
    user = {"exec": {"apiVersion": "v1", "command": "no-such-program"}}
    with pytest.raises(StalledError, match="no-such-program cannot be run"):
        await access(tmp_path, user)


async def test_in_a_pod_its_service_account_is_read_again_each_minute(tmp_path: Path) -> None:
    token, ca = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("abc")
    ca.write_text("CA")
    found = service_account_access(IN_A_POD, token, ca)
    assert (found.server, found.ca_file) == ("https://[fd00::1]:443", str(ca))
    assert found.scheme_and_token == ("bearer", "abc")
    assert found.reload_at is not None
    assert timedelta(0) < found.reload_at - utc_now() <= timedelta(minutes=1)
    token.write_text("def")
    assert service_account_access(IN_A_POD, token, ca).scheme_and_token == ("bearer", "def")


async def test_a_pod_without_a_token_says_so() -> None:
    with pytest.raises(StalledError, match="the pod's ServiceAccount: Service token file does not"):
        await credentials_of(IN_A_POD).current()
