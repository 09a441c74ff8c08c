"""Where the log of a build is said to be: first the environment's, then the image's."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from fairlead.api.inferenceimage import BuildStatus
from fairlead.contract import EnvironmentRequest, TaskPhase, TaskState
from fairlead.log_address import LogKeys, LogName, environment_log, image_log, parse_path
from fairlead.settings import Settings
from tests.unit.decide.test_image import NO_SUCH_PACKAGE, SCRIPT, SETTINGS, Story, said
from tests.unit.objects import NOW

BASE = "/api/v1/namespaces/fairlead-system/services/fairlead-logs/proxy"
KEYS = LogKeys(b"a secret of the operator's own")
HASH = "e" * 64
IDENTIFIER = f"environment-demo-{'e' * 16}-{SETTINGS.fingerprint}"


def guarded(**spec: Any) -> Story:
    """An image of an operator that gives each log a key."""
    story = Story(**spec)
    settings = SETTINGS.model_copy(update={"log_uri_base": BASE})
    story.evidence = {"log_keys": KEYS, "settings": settings}
    return story


def build_of(story: Story) -> BuildStatus:
    assert story.status.build
    return story.status.build


def opened(uri: str | None) -> LogName | None:
    """The log that an address opens, if its key is that log's."""
    parts = urlsplit((uri or "").removeprefix(BASE))
    name = parse_path(parts.path)
    return name if name and KEYS.opens(name, parts.query.removeprefix("key=")) else None


def test_the_environments_log_and_then_the_images() -> None:
    story = guarded()
    story.resolve()
    task = story.wanted()
    assert task.log == environment_log("demo", HASH, 1)
    assert opened(build_of(story).log_uri) == task.log
    assert build_of(story).log_artifact == (
        f"localhost:5000/demo/fairlead/environments:log-{HASH}-1"
    )
    story.build()
    task = story.wanted()
    assert task.log == image_log("demo", "diabetes", "1-1")
    assert not task.log_elsewhere
    assert opened(build_of(story).log_uri) == task.log
    assert build_of(story).log_artifact == "localhost:5000/demo/diabetes:log-1-1"
    story.assemble()
    story.look()
    assert opened(build_of(story).log_uri) == task.log


def test_the_environments_log_is_kept_under_its_own_name_and_the_builds() -> None:
    story = guarded()
    story.resolve()
    request = story.wanted().request
    assert isinstance(request, EnvironmentRequest)
    assert request.shared_log
    assert request.shared_log.repository == request.environments
    assert request.shared_log.tag == f"log-{HASH}-1"
    assert request.shared_log.owner == "demo/environments"
    assert (request.log.repository, request.log.tag) == ("registry:5000/demo/diabetes", "log-1-1")


def test_whoever_waits_for_an_environment_is_shown_its_log() -> None:
    story = guarded()
    story.resolve()
    story.tasks[IDENTIFIER.replace(SETTINGS.fingerprint, fingerprint(story))] = TaskState(
        "x", 2, TaskPhase.RUNNING, "demo/other/7-1", NOW
    )
    assert said(story.look())["Ready"] == "Unknown/WaitingForSharedEnvironment"
    assert opened(build_of(story).log_uri) == environment_log("demo", HASH, 2)


def fingerprint(story: Story) -> str:
    settings = story.evidence["settings"]
    assert isinstance(settings, Settings)
    return settings.fingerprint


def test_a_failure_names_the_log_that_tells_of_it() -> None:
    story = guarded()
    story.resolve()
    story.fails(story.wanted(), NO_SUCH_PACKAGE)
    failed = story.look()
    assert failed.failure
    assert opened(failed.failure.log_uri) == environment_log("demo", HASH, 1)
    assert failed.failure.log_uri == build_of(story).log_uri


@pytest.mark.parametrize("build", ["victim/diabetes/1-1", "demo2/diabetes/1-1", "../x/1-1", "/"])
@pytest.mark.parametrize("keys", [KEYS, None])
def test_no_job_makes_us_show_the_log_of_another_namespace(
    build: str, keys: LogKeys | None
) -> None:
    """Whoever may write Jobs in a namespace can write there for which build one is."""
    story = guarded()
    story.evidence["log_keys"] = keys
    story.resolve()
    task = story.wanted()
    state = story.tasks[task.id]
    story.tasks[task.id] = replace(state, build=build)
    story.fails(task, NO_SUCH_PACKAGE)
    failed = story.look()
    assert failed.failure
    for uri in (failed.failure.log_uri, build_of(story).log_uri):
        assert "victim" not in (uri or "")
        assert "demo2" not in (uri or "")
        assert keys is None or opened(uri) == environment_log("demo", HASH, 1)


def test_a_build_that_is_over_gets_the_address_of_today() -> None:
    """The secret was made anew, or the operator has moved."""
    story = guarded()
    story.resolve()
    story.build()
    story.assemble()
    story.look()
    before = build_of(story).log_uri
    story.evidence["log_keys"] = other = LogKeys(b"another secret of ours")
    story.look()
    after = build_of(story).log_uri
    name = image_log("demo", "diabetes", "1-1")
    assert before != after
    assert after == f"{BASE}{name.path}?key={other.of(name)}"
    assert story.look().tasks == ()
    assert build_of(story).log_uri == after


def test_each_version_that_was_built_tells_its_log() -> None:
    story = guarded()
    story.resolve()
    story.build()
    story.assemble()
    story.look()
    story.files["score.py"] = SCRIPT + b"# better\n"
    story.wanted()
    story.assemble()
    story.look()
    names = [opened(entry.log_uri) for entry in story.status.history]
    assert names == [image_log("demo", "diabetes", f"{number}-1") for number in (1, 2)]
    first = story.status.history[0]
    known = {"version": 1, "hash": first.hash, "digest": first.digest}
    story.spec["baseImage"] = "python:3.12"
    story.wanted()
    story.resolve(lastVersion=2, versions=[known])
    assert story.status.history[0] == first  # the registry does not know all of it


def test_without_keys_no_version_tells_its_log() -> None:
    story = guarded()
    story.evidence["log_keys"] = None
    story.resolve()
    story.build()
    story.assemble()
    story.look()
    assert [(one.attempt, one.log_uri) for one in story.status.history] == [(1, None)]


def test_a_repository_elsewhere_is_named_as_the_place_of_the_log() -> None:
    story = guarded(repository="elsewhere.example.com/team/credit")
    story.resolve(environmentDigest=f"sha256:{'2' * 64}", environmentPython="3.11.2")
    assert story.wanted().log_elsewhere
    assert opened(build_of(story).log_uri) == image_log("demo", "diabetes", "1-1")
    assert build_of(story).log_artifact == "elsewhere.example.com/team/credit:log-1-1"


def test_the_next_version_has_a_log_of_its_own() -> None:
    story = guarded()
    story.resolve()
    story.build()
    story.assemble()
    story.look()
    story.files["score.py"] = SCRIPT + b"# better\n"
    task = story.wanted()
    assert task.log == image_log("demo", "diabetes", "2-1")
    assert opened(build_of(story).log_uri) == task.log


def test_no_key_is_in_what_is_said() -> None:
    """Conditions become Events, and changes lines of our log."""
    story = guarded()
    story.resolve()
    task = story.wanted()
    story.fails(task, NO_SUCH_PACKAGE)
    decision = story.look()
    key = KEYS.of(environment_log("demo", HASH, 1))
    assert key in str(decision.failure)
    words = [*(c.message for c in decision.conditions), *decision.changes]
    assert not [word for word in words if key in word]
