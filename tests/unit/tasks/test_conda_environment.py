"""The part of the environment task that makes what comes from conda's channels."""

import importlib.util
import io
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import cast

import pytest

from fairlead.conda.environment import CondaEnvironment
from fairlead.contract import EnvironmentRecipe, TaskFailure
from fairlead.diagnosis.build.base_python import BasePython
from fairlead.registry.client import Registry
from fairlead.requirement import CondaRecipe, Requirement
from fairlead.settings import Settings
from fairlead.tasks.conda_environment import linked_environment
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.package_credentials import PackageCredentials
from fairlead.tasks.program import TaskContext
from fairlead.tasks.task_log import TaskLog
from tests.conda_channel import Package, Server, made, sends, serving, small_python, status

DEBIAN = BasePython("3.11.2", makes_environments=True, libc="glibc 2.36")
SCRIPTED = Package("scripted", "1.0", {"bin/.scripted-post-link.sh": b"exit 1\n"})


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channels")
    made(folder / "main", small_python("3.12.1"), SCRIPTED)
    return folder


@pytest.fixture
def server(channels: Path) -> Iterator[Server]:
    with serving(channels) as server:
        yield server


def task(server: Server, folder: Path) -> TaskContext:
    """The mirror's host is the operator's word, and needs no entry among the insecure ones."""
    settings = Settings(conda_mirrors=f"*={server.address}", registry="r:5000")
    (folder / "work").mkdir()
    return TaskContext(folder, settings, cast(Registry, None), TaskLog(io.StringIO()))


def recipe(*specs: str) -> EnvironmentRecipe:
    packages = tuple(Requirement(text=text, line=n) for n, text in enumerate(specs, 4))
    conda = CondaRecipe(channels=(Requirement(text="main", line=2),), packages=packages)
    return EnvironmentRecipe(base_image="debian:12", conda=conda, file="env.yml")


def refused(server: Server, folder: Path, base: BasePython | None, *specs: str) -> TaskFailure:
    with pytest.raises(TaskFailedError) as failed:
        linked_environment(recipe(*specs), base, task(server, folder))
    return failed.value.failure


@pytest.mark.parametrize("base", [DEBIAN, None], ids=["a Python", "none"])
def test_it_is_made_for_the_base_image_that_may_have_no_python(
    server: Server, tmp_path: Path, base: BasePython | None
) -> None:
    found = linked_environment(recipe("python=3.12", "scripted"), base, task(server, tmp_path))
    assert found.python == "3.12.1"
    assert found.scripts == ("scripted",)
    assert found.archive.is_file()
    assert found.archive.is_relative_to(tmp_path / "work")


def test_a_private_channel_is_read_with_what_the_secret_has_for_its_host(
    server: Server, channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def private(handler: BaseHTTPRequestHandler) -> None:
        file = channels / handler.path.strip("/")
        known = handler.headers["Authorization"] == f"Basic {b64encode(b'me:hunter2').decode()}"
        answer = sends(file.read_bytes()) if known and file.is_file() else status(401 - known)
        answer(handler)

    server.answers["/main/"] = private
    secret = tmp_path / "secret"
    read = partial(PackageCredentials.read, folder=secret)
    monkeypatch.setattr(PackageCredentials, "read", read)
    named = Settings(conda_mirrors=f"*={server.address}", insecure_hosts=(server.host,))

    def linked(folder: str) -> CondaEnvironment:
        (tmp_path / folder).mkdir()
        given = replace(task(server, tmp_path / folder), settings=named)
        return linked_environment(recipe("python=3.12"), DEBIAN, given)

    with pytest.raises(TaskFailedError) as failed:
        linked("without")
    assert failed.value.failure.reason == "ChannelDenied"
    secret.mkdir()
    (secret / ".netrc").write_text(f"machine {server.host} login me password hunter2\n")
    server.answers = {"/main/noarch/repodata": status(404), "/main/": private}
    assert linked("with").python == "3.12.1"


def test_what_a_file_names_has_no_such_word(server: Server, tmp_path: Path) -> None:
    """The address guard lets the mirror's own host pass, and no other that is on the loopback."""
    channel = Requirement(text="http://127.0.0.1:9/channel", line=2)
    asked = recipe("python").model_copy(update={"conda": CondaRecipe(channels=(channel,))})
    with pytest.raises(TaskFailedError) as failed:
        linked_environment(asked, DEBIAN, task(server, tmp_path))
    assert failed.value.failure.reason == "ChannelRefused"
    assert failed.value.failure.requirement == channel.text


def test_what_cannot_be_had_is_told_by_the_users_spec(server: Server, tmp_path: Path) -> None:
    failure = refused(server, tmp_path, DEBIAN, "python=3.12", "nothing-like-it")
    assert (failure.reason, failure.requirement) == ("PackageNotFound", "nothing-like-it")


def test_an_image_without_glibc_is_refused(server: Server, tmp_path: Path) -> None:
    alpine = BasePython("3.12.1", makes_environments=True, libc="")
    failure = refused(server, tmp_path, alpine, "python=3.12")
    assert failure.reason == "EnvironmentUnfit"
    assert "debian:12 has no glibc" in failure.message


def test_where_nothing_solves_it_is_said_who_can_change_that(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    failure = refused(server, tmp_path, DEBIAN, "python=3.12")
    assert (failure.reason, failure.class_) == ("EngineUnsupported", "Infrastructure")
    assert failure.remedy
    assert "FAIRLEAD_RUNNER=job" in failure.remedy
