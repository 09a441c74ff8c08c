"""The stand-in tasks speak as the real ones do, and remember what a registry would."""

import json
from pathlib import Path

import pytest

from fairlead.api.model import ConfigMapSource, ModelSource
from fairlead.api.wire import Wire
from fairlead.contract import (
    AssembleRequest,
    EnvironmentRecipe,
    EnvironmentRequest,
    IngestRequest,
    LogTarget,
    ResolveRequest,
    TaskResult,
    read_result,
)
from fairlead.requirement import Requirement
from tests.faults.invariants import done, version_conflicts, versions
from tests.faults.standins.task import is_bad, main

PLACE, ENVIRONMENTS = (
    "localhost:5000/team-x/diabetes",
    "localhost:5000/team-x/fairlead/environments",
)
DIGEST, HASH = f"sha256:{'1' * 64}", "2" * 64
LOG = LogTarget(repository=PLACE, tag="log-1-1", owner="team-x/diabetes")
PLAIN = EnvironmentRecipe(base_image="python:3.11")


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    folder.mkdir()
    return folder


def run(registry: Path, program: str, request: Wire, **files: str) -> TaskResult:
    """As the runner does: a folder with request and files, and then the result is read."""
    folder = registry.parent / "task"
    (folder / "files").mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(request.model_dump_json(by_alias=True))
    for name, content in files.items():
        (folder / "files" / f"{name}.py").write_text(content)
    code = main(program, registry, folder)
    result = read_result(program, (folder / "result.json").read_bytes())
    assert code == (result.failure is not None)
    return result


def ok(result: TaskResult) -> dict[str, object]:
    assert result.ok is not None, result
    return result.ok


def assemble(version: int, hash_: str) -> AssembleRequest:
    return AssembleRequest(
        repository=PLACE,
        version=version,
        hash=hash_,
        environments=ENVIRONMENTS,
        environment_digest=DIGEST,
        runtimes="localhost:5000/team-x/fairlead/runtimes",
        python="3.11.2",
        entry_script="score.py",
        log=LOG,
    )


def test_new_content_is_the_next_version_and_old_content_none(registry: Path) -> None:
    request = IngestRequest(
        repository="localhost:5000/team-x/fairlead/models/m",
        model_name="m",
        source=ModelSource(config_map=ConfigMapSource(name="w")),
    )
    found = [ok(run(registry, "ingest", request, w=text))["version"] for text in "aba"]
    assert found == [1, 2, 1]


def test_an_environment_is_built_once(registry: Path) -> None:
    question = ResolveRequest(repository=PLACE, environments=ENVIRONMENTS, recipe=PLAIN)
    before = ok(run(registry, "resolve", question))
    assert "environmentDigest" not in before
    request = EnvironmentRequest(
        recipe=PLAIN,
        base_digest=DIGEST,
        hash=str(before["environmentHash"]),
        environments=ENVIRONMENTS,
        log=LOG,
    )
    built = [ok(run(registry, "environment", request)) for _ in range(2)]
    assert [result["built"] for result in built] == [True, False]
    after = ok(run(registry, "resolve", question))
    assert (after["environmentDigest"], after["lastVersion"]) == (built[0]["digest"], 1)


def test_a_package_that_does_not_exist_fails_the_build(registry: Path) -> None:
    recipe = EnvironmentRecipe(
        base_image="python:3.11", requirements=(Requirement(text="no-such-package", line=1),)
    )
    request = EnvironmentRequest(
        recipe=recipe, base_digest=DIGEST, hash=HASH, environments=ENVIRONMENTS, log=LOG
    )
    failure = run(registry, "environment", request).failure
    assert failure is not None
    assert (failure.reason, failure.retryable) == ("PackageNotFound", False)


def test_the_digest_says_whether_the_script_fails(registry: Path) -> None:
    good = ok(run(registry, "assemble", assemble(1, HASH), score="pass"))
    bad = ok(run(registry, "assemble", assemble(2, "3" * 64), score="raise ValueError"))
    assert not is_bad(f"{PLACE}@{good['digest']}")
    assert is_bad(f"{PLACE}@{bad['digest']}")
    assert len(versions(registry, "team-x")) == 2


def test_a_version_is_never_made_from_something_else(registry: Path) -> None:
    ok(run(registry, "assemble", assemble(1, HASH)))
    ok(run(registry, "assemble", assemble(1, HASH)))
    assert run(registry, "assemble", assemble(1, "3" * 64)).failure is not None
    assert len(version_conflicts(registry)) == 1
    assert done(registry, "team-x")[f"assemble localhost:5000/<namespace>/diabetes {HASH}"] == 2


def test_the_journal_has_a_line_for_each_begin_and_end(registry: Path) -> None:
    ok(run(registry, "assemble", assemble(1, HASH)))
    lines = [json.loads(line) for line in (registry / "journal").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["start", "end"]
