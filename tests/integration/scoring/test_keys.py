"""Keys: asked for on ``/score`` only, either of the two fits, renewed without a restart."""

from pathlib import Path

import pytest

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import ECHO, Service, wait_until


class MountedKeys:
    """A folder as the kubelet mounts a Secret: links through ``..data``, swapped as one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def write(self, **keys: str) -> None:
        version = self.folder / f"..{len(list(self.folder.iterdir()))}"
        version.mkdir()
        for name, key in keys.items():
            (version / name).write_text(key)
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(Path("..data") / name)
        (self.folder / "..data_tmp").symlink_to(version.name)
        (self.folder / "..data_tmp").replace(self.folder / "..data")


@pytest.fixture
def keys(tmp_path: Path) -> MountedKeys:
    mounted = MountedKeys(tmp_path / "keys")
    mounted.write(primaryKey="first-key", secondaryKey="second-key\n")
    return mounted


def status(service: Service, authorization: str) -> int:
    return service.score("1", authorization=authorization).status_code


def test_either_key_opens_and_nothing_else(serve: Serve, keys: MountedKeys) -> None:
    service = serve(ECHO, FAIRLEAD_KEYS_DIR=str(keys.folder)).until_ready()
    sent = ["Bearer first-key", "bearer second-key", "Bearer wrong-key", "Bearer", "first-key", ""]
    assert [status(service, value) for value in sent] == [200, 200, 401, 401, 401, 401]
    assert service.get("/score").status_code == 401
    assert [service.get(path).status_code for path in ("/", "/ready")] == [200, 200]
    for word in ("first-key", "second-key", "wrong-key"):
        assert word not in service.out + service.err


def test_a_refusal_says_what_to_do(serve: Serve, keys: MountedKeys) -> None:
    service = serve(ECHO, FAIRLEAD_KEYS_DIR=str(keys.folder)).until_ready()
    how = (
        "Send the service's primary or secondary key in the header 'Authorization: Bearer <key>'. "
        "Whoever runs the service has the keys."
    )
    without, wrong = service.score("1"), service.score("1", authorization="Bearer wrong-key")
    assert without.json() == {
        "message": f"This service needs a key, and the request has none. {how}"
    }
    assert wrong.json() == {
        "message": "The key of the request is not one of this service's; it may have been "
        f"renewed. {how}"
    }
    assert without.headers["www-authenticate"] == "Bearer"
    assert without.headers["x-ms-run-function-failed"] == "False"


def test_keys_are_renewed_without_a_restart(serve: Serve, keys: MountedKeys) -> None:
    service = serve(ECHO, FAIRLEAD_KEYS_DIR=str(keys.folder)).until_ready()
    assert status(service, "Bearer first-key") == 200
    keys.write(primaryKey="third-key", secondaryKey="second-key")
    assert [status(service, f"Bearer {key}-key") for key in ("first", "second", "third")] == [
        401,
        200,
        200,
    ]


def test_without_any_key_nothing_opens_and_the_log_says_so(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "primaryKey").write_text("\n")
    service = serve(ECHO, FAIRLEAD_KEYS_DIR=str(tmp_path / "empty")).until_ready()
    assert [status(service, value) for value in ("Bearer x", "Bearer")] == [401, 401]
    wait_until(lambda: "every request to /score is refused." in service.err, "the warning")
