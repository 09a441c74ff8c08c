"""The real docker-registry with users, and with TLS by a private authority."""

import base64
import gzip
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import AssembleRequest, EnvironmentRecipe, LogTarget, ResolveRequest
from fairlead.registry.client import Registry
from fairlead.registry.errors import (
    CredentialsMissingError,
    RegistryUnreachableError,
    RegistryUntrustedError,
)
from fairlead.registry.oci import written
from fairlead.registry.reference import Repository, parse_repository
from fairlead.settings import Settings
from tests.cluster.engine import docker, docker_lines
from tests.cluster.ports import free_port
from tests.cluster.versions import MARK, REGISTRY_CONTAINER
from tests.integration.registry.certificates import NAME, make_certificates
from tests.integration.registry.images import push_environment, push_image
from tests.integration.registry.server import wait_until
from tests.integration.registry.task import Tasks

PASSWORD = "open sesame"
HASH = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"  # of that password
WITHIN_S = 2.0 * 5  # two, on a machine that does other things besides


@contextmanager
def registry_of_ours(folder: Path, settings: Mapping[str, str]) -> Iterator[int]:
    """A registry of its own with the files of ``folder``, as the image of the cluster's own one;
    yields its port on the loopback."""
    [image] = docker_lines("inspect", "--format", "{{.Config.Image}}", REGISTRY_CONTAINER)
    port = free_port()
    variables = [f"--env=REGISTRY_{name}={value}" for name, value in settings.items()]
    mounts = ("--volume", f"{folder}:/given:ro")
    published = ("--publish", f"127.0.0.1:{port}:5000")
    about = ("--detach", "--rm", "--label", MARK, *published, *mounts, *variables)
    [container] = docker_lines("run", *about, image)
    try:
        yield port
    finally:
        docker("rm", "--force", "--volumes", container)


@pytest.fixture
def users(tmp_path: Path) -> dict[str, str]:
    """The settings of a registry that knows one user."""
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "htpasswd").write_text(f"robot:{HASH}\n")
    return {
        "AUTH": "htpasswd",
        "AUTH_HTPASSWD_REALM": "team",
        "AUTH_HTPASSWD_PATH": "/given/htpasswd",
    }


def docker_config(folder: Path, host: str, password: str = PASSWORD) -> Path:
    file = folder / f"{host.partition(':')[0]}-{len(password)}.json"
    entry = {"username": "robot", "password": password}
    file.write_text(json.dumps({"auths": {host: entry}}))
    return file


def await_answer(client: Registry, repository: Repository) -> None:
    """Wait until the registry answers anything at all."""

    def answers() -> bool:
        try:
            client.check_push(repository)
        except RegistryUnreachableError:
            return False
        except CredentialsMissingError:
            return True
        return True

    wait_until(answers, f"an answer of {repository.registry}")


@pytest.mark.usefixtures("cluster")
def test_a_registry_with_users(tmp_path: Path, users: dict[str, str], tasks: Tasks) -> None:
    with registry_of_ours(tmp_path / "given", users) as port:
        host = f"localhost:{port}"
        repository, base = Repository(host, "team/credit"), Repository(host, "team/python")
        with Registry(Settings(registry=host)) as nobody:
            await_answer(nobody, repository)
            begun = time.monotonic()
            with pytest.raises(CredentialsMissingError, match="401 UNAUTHORIZED: authentication "):
                nobody.check_push(repository)
            assert time.monotonic() - begun < WITHIN_S
        known = docker_config(tmp_path, host)
        with Registry(Settings(registry=host, docker_config=known)) as robot:
            push_image(robot, base, "3.11", {"bin/python3": b"#!"})
            digest = robot.manifest(base, "3.11")[0].layers[0].digest
            assert robot.copy_blob(base, repository, digest) == "mounted"
        _the_tasks_say_so(tasks, host, tmp_path)


def _the_tasks_say_so(tasks: Tasks, host: str, folder: Path) -> None:
    request = ResolveRequest(
        repository=f"{host}/team/credit",
        environments=f"{host}/team/fairlead/environments",
        recipe=EnvironmentRecipe(base_image=f"{host}/team/python:3.11"),
    )
    tasks.settings["FAIRLEAD_REGISTRY"] = host
    ended = tasks.run("resolve", request)
    assert ended.failure.reason is Reason.REGISTRY_AUTH
    assert ended.failure.message.endswith("Fairlead has no credentials for it.")
    wrong = docker_config(folder, host, "shut sesame")
    tasks.settings["FAIRLEAD_DOCKER_CONFIG"] = str(wrong)
    ended = tasks.run("resolve", request)
    assert ended.failure.reason is Reason.REGISTRY_AUTH
    assert f"It was asked with FAIRLEAD_DOCKER_CONFIG (its entry {host})." in ended.failure.message
    tasks.settings["FAIRLEAD_DOCKER_CONFIG"] = str(docker_config(folder, host))
    last = tasks.run("resolve", request)
    assert last.ok["lastVersion"] == 0
    assert "sesame" not in ended.log + last.log + ended.failure.model_dump_json()


@pytest.mark.usefixtures("cluster")
def test_nothing_that_is_pushed_holds_what_it_was_pushed_with(
    tmp_path: Path, users: dict[str, str], tasks: Tasks
) -> None:
    with registry_of_ours(tmp_path / "given", users) as port:
        host = f"localhost:{port}"
        known = docker_config(tmp_path, host)
        tasks.settings |= {"FAIRLEAD_REGISTRY": host, "FAIRLEAD_DOCKER_CONFIG": str(known)}
        image = Repository(host, "team/credit")
        with Registry(Settings(registry=host, docker_config=known)) as robot:
            await_answer(robot, image)
            ended = tasks.run("assemble", _image(robot, host), {"score.py": b"def init(): ..."})
            assert ended.ok["digest"]
            pushed = b"".join(_everything(robot, image, tag) for tag in robot.tags(image))
    assert b"def init(): ..." in pushed
    assert b"Code (" in pushed, "the log is among it"
    for secret in (PASSWORD, _encoded()):
        assert secret.encode() not in pushed
        assert secret not in ended.log


def _image(robot: Registry, host: str) -> AssembleRequest:
    environments = Repository(host, "team/fairlead/environments")
    return AssembleRequest(
        repository=f"{host}/team/credit",
        version=1,
        hash="ab" * 32,
        environments=str(environments),
        environment_digest=push_environment(robot, environments, "e1"),
        runtimes=f"{host}/team/fairlead/runtimes",
        python="3.11.2",
        entry_script="score.py",
        log=LogTarget(repository=f"{host}/team/credit", tag="log-1-1", owner="team/credit"),
    )


def _everything(robot: Registry, repository: Repository, tag: str) -> bytes:
    """The manifest, the config and all layers of a tag, uncompressed."""
    manifest, _ = robot.manifest(repository, tag)
    parts = [written(manifest)]
    for described in (manifest.config, *manifest.layers):
        with robot.open_blob(repository, described.digest) as pieces:
            content = b"".join(pieces)
        parts.append(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    return b"\n".join(parts)


def _encoded() -> str:
    return base64.b64encode(f"robot:{PASSWORD}".encode()).decode()


@pytest.mark.usefixtures("cluster", "named")
def test_a_registry_with_tls_by_a_private_authority(tmp_path: Path, users: dict[str, str]) -> None:
    folder = make_certificates(tmp_path / "pki")
    for name in ("server.crt", "server.key"):
        (tmp_path / "given" / name).write_bytes((folder / name).read_bytes())
        (tmp_path / "given" / name).chmod(0o644)
    secure = {
        **users,
        "HTTP_TLS_CERTIFICATE": "/given/server.crt",
        "HTTP_TLS_KEY": "/given/server.key",
    }
    with registry_of_ours(tmp_path / "given", secure) as port:
        host = f"{NAME}:{port}"
        known = docker_config(tmp_path, host)
        settings = Settings(registry=host, ca_bundle=folder / "ca.crt", docker_config=known)
        repository = parse_repository(f"{host}/team/credit")
        with Registry(settings) as robot:
            await_answer(robot, repository)
            digest, size = robot.upload(repository, iter([b"x" * 100_000]))
            assert (robot.has_blob(repository, digest), size) == (True, 100_000)
        with Registry(Settings(registry=host, docker_config=known)) as wary:
            with pytest.raises(RegistryUntrustedError) as error:
                wary.check_push(repository)
            assert f"The registry {host}: its certificate is not trusted: " in str(error.value)
