"""A source that a task fetches: asked for once; the operator has its digest, and what is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    AssembleRequest,
    EnvironmentRequest,
    ResolveRequest,
    SourceRequest,
    TaskFailure,
)
from fairlead.settings import Settings
from tests.unit.decide import test_image
from tests.unit.decide.test_image import ENV, Story, said
from tests.unit.decide.test_model import VERSION
from tests.unit.objects import NOW

ARTIFACT = f"sha256:{'c' * 64}"
URI = "https://code.example.com/credit.tar.gz"
CODE: dict[str, Any] = {"hash": "d" * 64, "origin": URI, "files": 3, "sizeBytes": 700}
JOBS: dict[str, Any] = {"runner": "job", "task_image": "tasks", "registry_push": "registry:5000"}


class Fetched(Story):
    """An image whose source is at an address."""

    def __init__(self, uri: str = URI, **spec: Any) -> None:
        source = {"uri": uri, **spec.pop("source", {})}
        super().__init__({}, source=source, **spec)

    def fetch(self, digest: str = ARTIFACT, **code: Any) -> None:
        self.ends(self.wanted(), digest=digest, code={**CODE, **code})


def ready(**code: Any) -> Fetched:
    story = Fetched()
    story.fetch(**code)
    story.resolve()
    story.build()
    story.assemble()
    story.look()
    return story


def test_it_is_fetched_before_anything_else() -> None:
    story = Fetched(environmentVariables={"A": "b"})
    first = story.look()
    assert said(first)["Ready"] == "Unknown/FetchingSource"
    assert said(first)["EnvironmentReady"] == "Unknown/Pending"
    assert f"Fetching {URI}." in first.conditions[0].message
    [task] = first.tasks
    request = task.request
    assert isinstance(request, SourceRequest)
    assert (task.program, task.files) == ("source", {})
    assert request.repository == "registry:5000/demo/fairlead/code/diabetes"
    assert (request.entry_script, request.conda_file) == ("score.py", "myenv.yml")
    assert request.base_image == "python:3.11-slim"
    assert not request.identity  # tasks run beside the operator


def test_what_builds_gets_it_from_the_registry() -> None:
    story = Fetched(environmentVariables={"A": "b"})
    story.fetch(requirements=2, unpinned=["pandas"])
    asking = story.wanted()
    assert isinstance(asking.request, ResolveRequest)
    where = f"registry:5000/demo/fairlead/code/diabetes@{ARTIFACT}"
    assert asking.request.code == where
    story.resolve()
    building = story.look()
    assert f"1 model, 3 files, 2 requirements. The source is {URI}." in [
        condition.message for condition in building.conditions
    ]
    [task] = building.tasks
    assert isinstance(task.request, EnvironmentRequest)
    assert (task.request.code, task.files) == (where, {})
    story.build()
    request = story.wanted().request
    assert isinstance(request, AssembleRequest)
    assert (request.code, request.environment_variables) == (where, {"A": "b"})
    story.assemble()
    assert said(story.look())["Ready"] == "True/Built"
    assert story.status.hashes
    assert story.status.hashes.code == "d" * 64
    assert story.status.environment
    assert story.status.environment.unpinned == ("pandas",)


def test_nothing_is_fetched_again_while_nothing_changes() -> None:
    story = ready()
    story.tasks.clear()
    assert story.look().tasks == ()


@pytest.mark.parametrize(
    "change",
    [
        {"source": {"uri": "https://code.example.com/2.zip"}},
        {"entryScript": "src/score.py"},
        {"condaFile": "other.yml"},
        {"dockerFile": "Dockerfile.steps"},
        {"baseImage": "python:3.12"},
    ],
)
def test_what_decides_about_it_makes_it_fetched_again(change: dict[str, Any]) -> None:
    story = ready()
    story.spec.update(change)
    decision = story.look()
    assert [task.program for task in decision.tasks] == ["source"]
    assert story.status.version == 1
    assert "Version 1 stays in use." in decision.conditions[0].message


def test_of_a_source_that_is_not_fetched_any_more_nothing_is_told() -> None:
    story = ready()
    assert story.status.source
    story.spec["source"] = {"inline": {"files": {"score.py": "def run(data): ..."}}}
    story.look()
    assert story.status.source is None


def test_the_same_content_from_another_address_is_the_same_image() -> None:
    story = ready()
    story.spec["source"] = {"uri": "https://elsewhere.example.com/x.zip"}
    story.fetch(origin="https://elsewhere.example.com/x.zip")
    assert story.look().tasks == ()
    assert story.status.version == 1
    assert story.status.source
    assert story.status.source.code.origin == "https://elsewhere.example.com/x.zip"


def test_other_content_is_the_next_version() -> None:
    story = ready()
    story.spec["source"] = {"uri": "https://code.example.com/2.zip"}
    story.fetch(digest=f"sha256:{'e' * 64}", hash="e" * 64)
    story.resolve(environmentDigest=ENV, environmentPython="3.11.2", lastVersion=1)
    assert story.wanted().build == "demo/diabetes/2-1"


def test_what_the_script_asks_for_is_told_as_ever() -> None:
    story = Fetched(models=[{"name": "diabetes"}])
    story.fetch(
        imports=[{"name": "sklearn", "line": 3}],
        models=[{"name": VERSION["modelName"], "line": 9}, {"name": "wine", "line": 10}],
        leftOut=[{"name": "azureml-defaults==1.0.17", "line": 6}],
    )
    told = {condition.type: condition.message for condition in story.look().conditions}
    assert "sklearn of scikit-learn (score.py:3)" in told["PreflightPassed"]
    assert "score.py:10 looks up the model 'wine'" in told["PreflightPassed"]
    assert "score.py:9" not in told["PreflightPassed"]
    assert "azureml-defaults==1.0.17 (myenv.yml:6)" in told["PackagesLeftOut"]


def test_a_run_among_its_steps_is_refused_where_nothing_runs_it() -> None:
    story = Fetched(dockerFile="Dockerfile.steps")
    story.evidence["settings"] = Settings(**JOBS)
    story.fetch(runLine=4)
    refused = story.look()
    assert said(refused)["InputsReady"] == "False/EngineUnsupported"
    assert refused.failure
    assert refused.failure.location == "Dockerfile.steps:4"


def test_a_failure_says_what_the_task_says_and_is_tried_again() -> None:
    story = Fetched()
    failure = TaskFailure(
        reason=Reason.SOURCE_NOT_FOUND,
        class_=FailureClass.USER,
        message="nothing there",
        retryable=True,
    )
    story.fails(story.wanted(), failure)
    decision = story.look()
    assert said(decision)["InputsReady"] == "False/SourceNotFound"
    assert decision.tasks == ()
    assert decision.requeue_after < 60
    assert decision.failure
    assert decision.failure.next_retry_at


def test_only_the_task_that_fetches_is_given_the_secret() -> None:
    story = Fetched("s3://code/credit/", source={"credentialsSecretRef": {"name": "bucket"}})
    assert said(story.look())["InputsReady"] == "False/SecretUnsupported"
    story.evidence["settings"] = Settings(**JOBS)
    fetching = story.wanted()
    assert fetching.access.source_secret == "bucket"
    assert isinstance(fetching.request, SourceRequest)
    assert fetching.request.identity
    story.fetch()
    assert story.wanted().access.source_secret == ""


def test_a_digest_in_the_status_counts_only_in_our_repository() -> None:
    story = ready()
    assert story.status.source
    other = story.status.source.model_copy(
        update={"artifact": f"registry:5000/other/fairlead/code/x@{ARTIFACT}"}
    )
    story.status = story.status.model_copy(update={"source": other})
    story.tasks.clear()
    assert [task.program for task in story.look().tasks] == ["source"]


LOST = TaskFailure(
    reason=Reason.SOURCE_LOST,
    class_=FailureClass.DEPENDENCY,
    message="removed from the registry",
    retryable=True,
)


def test_what_the_registry_lost_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Fetched()
    story.fetch()
    story.look()
    asking = story.wanted()
    story.fails(asking, LOST)
    assert story.look().failure
    assert story.status.source is None
    for task in [task for task in story.tasks if task.startswith("source-")]:
        del story.tasks[task]  # its result was taken
    monkeypatch.setattr(test_image, "NOW", NOW + timedelta(seconds=9))
    story.fetch()
    again = story.wanted()
    assert (again.program, again.attempt) == ("resolve", 1)
    assert again.id != asking.id


@pytest.mark.parametrize("program", ["environment", "assemble"])
def test_what_was_lost_while_it_is_built_is_fetched_again_once(program: str) -> None:
    story = Fetched()
    story.fetch()
    story.resolve(**({} if program == "environment" else {"environmentDigest": ENV}))
    task = story.wanted()
    assert task.program == program
    story.fails(task, LOST)
    story.look()
    assert (story.status.source, story.status.resolved) == (None, None)
    for known in [name for name in story.tasks if not name.startswith(program)]:
        del story.tasks[known]
    story.fetch()
    story.resolve(**({} if program == "environment" else {"environmentDigest": ENV}))
    story.look()
    assert story.status.source  # the failure is the one that is known: nothing is lost again
    story.tasks[task.id] = replace(story.tasks[task.id], finished_at=NOW - timedelta(hours=1))
    assert (again := story.wanted()).program == program
    assert again.attempt == 2


def test_a_status_of_a_missing_model_is_told_after_the_source() -> None:
    story = Fetched()
    story.evidence["models"] = {"diabetes": None}
    assert said(story.look())["InputsReady"] == "Unknown/FetchingSource"
    story.fetch()
    assert said(story.look())["InputsReady"] == "False/ModelNotFound"
