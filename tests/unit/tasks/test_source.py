"""The program ``source``: whatever is at the address, what comes of it is a folder of files."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.code_source import AskedFor, FetchedCode, ImageSource
from fairlead.api.reasons import Reason
from fairlead.contract import (
    AssembleRequest,
    LogTarget,
    SourceRequest,
    SourceResult,
    TaskFailure,
    TaskResult,
)
from fairlead.images.code_artifact import StoredCode, files_of, stored_code
from fairlead.registry.errors import (
    NotInRegistryError,
    RegistryError,
    RegistryFaultError,
    RegistryUnreachableError,
)
from fairlead.registry.oci import digest_of
from fairlead.registry.reference import Repository, parse_repository
from fairlead.settings import Settings
from fairlead.sources.base import SourceError
from fairlead.task_message import MAX_MESSAGE_BYTES, read_message, written_message
from fairlead.tasks.assemble import _code, _variables
from fairlead.tasks.failures import TaskFailedError, failure_of
from fairlead.tasks.program import TaskContext
from fairlead.tasks.source import fitted, source
from fairlead.tasks.stored_source import stored_source, told_as_lost
from fairlead.tasks.task_log import TaskLog
from tests.integration.registry.server import WebServer, replies
from tests.unit.memory_registry import MemoryRegistry
from tests.unit.sources.git_server import GitServer

SCRIPT = b"import numpy\n\ndef init():\n    pass\n\n\ndef run(data):\n    return data\n"
CONDA = b"""dependencies:
- python=3.11
- pip:
  - numpy==2.1.0
  - pandas
  - azureml-defaults==1.0.17
variables: {MODE: fast}
"""
FILES = {"score.py": SCRIPT, "env.yml": CONDA, "lib/__init__.py": b"", "data/w.bin": b"\x00\xff"}
REPOSITORY = "localhost:5000/demo/fairlead/code/credit"


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: Mapping[str, bytes], programs: tuple[str, ...] = (), mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if name in programs else 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@dataclass
class Fetching:
    """Runs the program here, on what ``web`` offers at ``/code``."""

    web: WebServer
    folder: Path
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    settings: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    def offer(self, content: bytes) -> None:
        self.web.answers["/code"] = replies(200, content)

    def run(self, uri: str = "", **more: Any) -> SourceResult:
        self.count += 1
        folder = self.folder / str(self.count)
        (folder / "work").mkdir(parents=True)
        settings = Settings(insecure_hosts=(self.web.host,), **self.settings)
        task = TaskContext(folder, settings, self.registry.client, TaskLog(StringIO()))
        usual: dict[str, Any] = {"entry_script": "score.py", "base_image": "python:3.11-slim"}
        git = more.pop("git", None)
        asked = {"git": git} if git else {"uri": uri or self.web.url("/code")}
        place = ImageSource.model_validate(asked)
        request = SourceRequest(repository=REPOSITORY, source=place, **{**usual, **more})
        return source(request, task)

    def fails(self, uri: str = "", **more: Any) -> TaskFailure:
        with pytest.raises((TaskFailedError, SourceError)) as told:
            self.run(uri, **more)
        failure = failure_of(told.value)
        assert failure
        return failure

    def stored(self, result: SourceResult) -> StoredCode:
        return stored_code(self.registry.client, f"{REPOSITORY}@{result.digest}")

    def contents(self, result: SourceResult) -> dict[str, tuple[bytes, int]]:
        """The files of the layer: content and mode."""
        code = self.stored(result)
        layer = self.registry.blob(code.repository, code.layer.digest)
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            files = [(member, archive.extractfile(member)) for member in archive]
            prefix = "var/azureml-app/"
            return {
                member.name.removeprefix(prefix): (file.read(), member.mode)
                for member, file in files
                if file
            }


@pytest.fixture
def fetching(web: WebServer, tmp_path: Path) -> Fetching:
    return Fetching(web, tmp_path)


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: tarred(files, mode="w:xz")])
def test_an_archive_becomes_a_layer_and_what_its_files_decide(
    fetching: Fetching, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    fetching.offer(pack(FILES))
    result = fetching.run(conda_file="env.yml")
    found = {name: content for name, (content, _) in fetching.contents(result).items()}
    assert found == FILES
    stored = fetching.stored(result)
    recipe = stored.recipe("other:1")
    assert [(one.text, one.line) for one in recipe.requirements] == [
        ("numpy==2.1.0", 4),
        ("pandas", 5),
    ]
    assert (recipe.base_image, recipe.python, recipe.file) == ("other:1", "3.11", "env.yml")
    assert stored.config.variables == {"MODE": "fast"}
    code = result.code
    assert code.files == len(FILES)
    assert code.size_bytes == sum(map(len, FILES.values()))
    assert code.requirements == 2
    assert code.unpinned == ("pandas",)
    assert code.left_out == (AskedFor(name="azureml-defaults==1.0.17", line=6),)
    assert code.imports == ()
    assert code.origin == fetching.web.url("/code")


def test_the_same_content_is_stored_once_whatever_it_came_in(fetching: Fetching) -> None:
    fetching.offer(zipped(FILES))
    first = fetching.run()
    sent = list(fetching.registry.sent)
    fetching.offer(tarred(dict(reversed(FILES.items()))))
    assert fetching.run() == first
    assert fetching.registry.sent == sent
    fetching.offer(zipped({**FILES, "lib/__init__.py": b"A = 1\n"}))
    assert fetching.run().code.hash != first.code.hash


def test_programs_may_be_run_in_the_image_too(fetching: Fetching) -> None:
    files = {"score.py": SCRIPT, "bin/tool": b"#!/bin/sh\n"}
    fetching.offer(tarred(files))
    plain = fetching.run()
    assert {mode for _, mode in fetching.contents(plain).values()} == {0o644}
    fetching.offer(tarred(files, programs=("bin/tool",)))
    with_program = fetching.run()
    modes = {name: mode for name, (_, mode) in fetching.contents(with_program).items()}
    assert modes == {"score.py": 0o644, "bin/tool": 0o755}
    assert with_program.code.hash != plain.code.hash


def test_what_is_copied_and_may_be_run_is_stored_with_the_recipe(fetching: Fetching) -> None:
    steps = b"COPY bin /opt/bin\n"
    programs = ("bin/tool", "other")
    files = {"score.py": SCRIPT, "steps": steps, "bin/tool": b"1", "bin/a": b"2", "other": b"3"}
    fetching.offer(tarred(files, programs))
    result = fetching.run(docker_file="steps")
    assert fetching.stored(result).config.recipe.programs == ("bin/tool",)


def test_the_one_folder_that_holds_all_of_it_is_the_source(fetching: Fetching) -> None:
    """As archives of repositories have it."""
    inside = {f"credit-1f2e3d/{name}": content for name, content in FILES.items()}
    clutter = {"__MACOSX/credit/._score.py": b"\x00", "credit-1f2e3d/.DS_Store": b"\x00"}
    fetching.offer(zipped({**inside, **clutter}))
    result = fetching.run(conda_file="env.yml")
    assert set(fetching.contents(result)) == set(FILES)
    whole = fetching.run(entry_script="credit-1f2e3d/score.py")
    assert set(fetching.contents(whole)) == set(inside)


def test_the_script_may_be_in_a_sub_folder_and_may_be_all_there_is(fetching: Fetching) -> None:
    fetching.offer(zipped({"src/score.py": SCRIPT, "src/helper/x.py": b"", "README": b""}))
    result = fetching.run(entry_script="src/score.py")
    assert "src/score.py" in fetching.contents(result)
    fetching.web.answers["/my/score.py"] = replies(200, SCRIPT)
    alone = fetching.run(fetching.web.url("/my/score.py"))
    assert fetching.contents(alone) == {"score.py": (SCRIPT, 0o644)}


def test_what_the_script_asks_for_is_told(fetching: Fetching) -> None:
    script = SCRIPT.replace(b"import numpy", b"import sklearn\nimport lib") + (
        b"\nget_model_path('credit')\nget_model_path('data/w.bin')\n"
    )
    steps = b"ENV A=1\n\nRUN make\nCOPY data/w.bin /opt/\n"
    fetching.offer(zipped({**FILES, "score.py": script, "Dockerfile.steps": steps}))
    code = fetching.run(conda_file="env.yml").code
    assert code.imports == (AskedFor(name="sklearn", line=1),)
    assert [use.name for use in code.models] == ["credit"]
    assert code.run_line is None
    with_steps = fetching.run(conda_file="env.yml", docker_file="Dockerfile.steps")
    assert with_steps.code.run_line == 3
    assert with_steps.code.imports == ()
    stored = fetching.stored(with_steps)
    copied = files_of(
        fetching.registry.client, stored, stored.config.recipe.copied, fetching.folder
    )
    assert copied == {"data/w.bin": FILES["data/w.bin"]}


def test_all_that_is_wrong_with_the_files_is_said_at_once(fetching: Fetching) -> None:
    fetching.offer(zipped({"main.py": SCRIPT, "env.yml": b"dependencies: 3\n"}))
    failure = fetching.fails(conda_file="env.yml")
    assert failure.reason is Reason.ENTRY_SCRIPT_NOT_FOUND
    assert "Also: env.yml" in failure.message
    assert fetching.web.url("/code") in failure.message
    assert failure.retryable
    assert failure.remedy
    assert failure.remedy.endswith("It is fetched again by itself.")


@pytest.mark.parametrize("name", [".wh.azureml-models", "lib/.wh..wh..opq"])
def test_a_file_that_would_delete_others_of_the_image_is_refused(
    fetching: Fetching, name: str
) -> None:
    fetching.offer(zipped({**FILES, name: b""}))
    failure = fetching.fails(conda_file="env.yml")
    assert failure.reason is Reason.SOURCE_REFUSED
    assert f"The source has {name}: " in failure.message
    assert fetching.registry.manifests == {}
    fetching.offer(zipped({**FILES, name: b"", ".amlignore": b".wh.*\n"}))
    assert name not in fetching.contents(fetching.run())


def test_a_script_that_no_parser_survives_is_said(fetching: Fetching) -> None:
    fetching.offer(zipped({"score.py": b"x = " + b"(" * 50_000}))
    assert fetching.fails().reason is Reason.ENTRY_SCRIPT_INVALID


@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        (b"no archive at all", Reason.ARCHIVE_INVALID, "cannot be unpacked"),
        (zipped({"/etc/passwd": b"x"}), Reason.ARCHIVE_UNSAFE, "absolute name"),
        (zipped({"../../score.py": b"x"}), Reason.ARCHIVE_UNSAFE, "reaches outside"),
        (zipped({f"f{n}": b"" for n in range(50)}), Reason.SOURCE_TOO_LARGE, "more than 40 files"),
        (zipped({"score.py": bytes(2_000_000)}), Reason.SOURCE_TOO_LARGE, "1,000,000 bytes"),
    ],
)
def test_archives_are_bounded_and_stay_in_their_folder(
    fetching: Fetching, content: bytes, reason: Reason, said: str
) -> None:
    fetching.settings = {"code_max_bytes": 1_000_000, "code_max_files": 40}
    fetching.offer(content)
    failure = fetching.fails()
    assert failure.reason is reason
    assert said in failure.message
    assert "spec.unpack" not in f"{failure.message}{failure.remedy}"
    assert "MODEL" not in f"{failure.remedy}"


def test_a_link_in_an_archive_is_refused(fetching: Fetching) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        link = tarfile.TarInfo("score.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/var/run/secrets/token"
        archive.addfile(link)
    fetching.offer(packed.getvalue())
    failure = fetching.fails()
    assert failure.reason is Reason.ARCHIVE_UNSAFE
    assert "is a link" in failure.message


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, Reason.SOURCE_NOT_FOUND),
        (403, Reason.SOURCE_DENIED),
        (500, Reason.SOURCE_UNREACHABLE),
    ],
)
def test_what_a_server_answers_is_said_of_the_source(
    fetching: Fetching, status: int, reason: Reason
) -> None:
    fetching.web.answers["/code"] = replies(status, b"no")
    assert fetching.fails().reason is reason


def test_a_repository_is_a_source_pinned_to_its_commit(fetching: Fetching) -> None:
    server = GitServer(fetching.web, fetching.folder / "server")
    commit = server.commit({f"credit/{name}": content for name, content in FILES.items()})
    git: dict[str, str] = {"url": server.url, "path": "credit", "ref": "main"}
    result = fetching.run(git=git, conda_file="env.yml")
    assert set(fetching.contents(result)) == set(FILES)
    assert result.code.origin == f"{server.url}@{commit}"
    moved = fetching.fails(git=git, entry_script="other.py")
    assert (moved.reason, moved.retryable) == (Reason.ENTRY_SCRIPT_NOT_FOUND, True)
    pinned = fetching.fails(git={**git, "ref": commit}, entry_script="other.py")
    assert (pinned.reason, pinned.retryable) == (Reason.ENTRY_SCRIPT_NOT_FOUND, False)
    assert commit in pinned.message
    missing = fetching.fails(git={**git, "ref": "nothing"})
    assert missing.reason is Reason.SOURCE_REF_NOT_FOUND
    server.wanted = "Basic x"
    denied = fetching.fails(git=git)
    assert denied.reason is Reason.SOURCE_DENIED
    assert denied.remedy
    assert "spec.source.credentialsSecretRef" in denied.remedy


def test_an_address_that_only_the_task_can_reach_is_refused(fetching: Fetching) -> None:
    failure = fetching.fails("https://169.254.169.254/code.zip")
    assert failure.reason is Reason.SOURCE_REFUSED
    assert "169.254.169.254" in failure.message


def test_what_is_told_fits_into_a_termination_message() -> None:
    names = tuple(AskedFor(name="ä" * 60, line=9999) for _ in range(12))
    found = FetchedCode(
        hash="a" * 64,
        origin="é" * 400,
        files=5000,
        size_bytes=2**50,
        imports=names,
        models=names,
        left_out=names,
        unpinned=tuple("ö" * 80 for _ in range(12)),
    )
    result = SourceResult(digest=digest_of(b""), code=fitted(found))
    message = written_message(TaskResult(ok=result.to_wire()))
    assert len(message) <= MAX_MESSAGE_BYTES
    assert read_message("source", message.decode()).ok == result.to_wire()
    assert fitted(found.model_copy(update={"origin": "x", "unpinned": ()})).imports


def test_a_file_with_a_long_path_is_told_by_its_beginning(fetching: Fetching) -> None:
    long = "/".join(["d" * 100] * 4) + "/r.txt"
    files = {"requirements.txt": f"-r {long}\n".encode(), long: b"azureml-defaults\nnumpy\n"}
    fetching.offer(zipped({"score.py": SCRIPT, **files}))
    result = fetching.run(requirements_file="requirements.txt", provides_azureml=True)
    [left_out] = result.code.left_out
    assert left_out.name == "azureml-defaults"
    assert left_out.file == f"{long[:200]}…"


def test_an_artifact_that_something_else_wrote_is_none(fetching: Fetching) -> None:
    fetching.offer(zipped(FILES))
    result = fetching.run()
    repository = parse_repository(REPOSITORY)
    manifest, _ = fetching.registry.manifest(repository, result.digest)
    config = json.loads(fetching.registry.blob(repository, manifest.config.digest))
    config["recipe"]["unknown"] = 1
    fetching.registry.blobs[REPOSITORY, manifest.config.digest] = json.dumps(config).encode()
    with pytest.raises(Exception, match="no source that this version of Fairlead wrote"):
        fetching.stored(result)


def test_a_source_that_was_removed_is_lost_and_fetched_again(fetching: Fetching) -> None:
    fetching.offer(zipped(FILES))
    result = fetching.run()
    artifact = f"{REPOSITORY}@{result.digest}"
    task = TaskContext(fetching.folder, Settings(), fetching.registry.client, TaskLog(StringIO()))
    assert stored_source(artifact, task) == fetching.stored(result)
    fetching.registry.manifests.clear()
    with pytest.raises(TaskFailedError) as told:
        stored_source(artifact, task)
    assert told.value.failure.reason is Reason.SOURCE_LOST
    assert told.value.failure.retryable


def test_a_source_of_another_version_is_lost(fetching: Fetching) -> None:
    fetching.offer(zipped(FILES))
    result = fetching.run()
    manifest, _ = fetching.registry.manifest(parse_repository(REPOSITORY), result.digest)
    fetching.registry.blobs[REPOSITORY, manifest.config.digest] = b"{}"
    task = TaskContext(fetching.folder, Settings(), fetching.registry.client, TaskLog(StringIO()))
    with pytest.raises(TaskFailedError, match="that this version of Fairlead wrote") as told:
        stored_source(f"{REPOSITORY}@{result.digest}", task)
    assert told.value.failure.reason is Reason.SOURCE_LOST


@pytest.mark.parametrize("kind", [RegistryFaultError, RegistryUnreachableError])
def test_a_registry_that_answers_wrongly_has_not_lost_the_source(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch, kind: type[RegistryError]
) -> None:
    fetching.offer(zipped(FILES))
    result = fetching.run()
    task = TaskContext(fetching.folder, Settings(), fetching.registry.client, TaskLog(StringIO()))

    def faulty(repository: Repository, reference: str) -> None:  # noqa: ARG001
        raise kind(repository, "a proxy's page")

    monkeypatch.setattr(fetching.registry, "manifest", faulty)
    with pytest.raises(kind):
        stored_source(f"{REPOSITORY}@{result.digest}", task)


def test_only_what_the_code_s_own_repository_has_not_got_is_the_source_s_loss() -> None:
    other = NotInRegistryError(parse_repository("localhost:5000/demo/credit"), "no such upload")
    artifact = f"{REPOSITORY}@{digest_of(b'')}"
    with pytest.raises(NotInRegistryError), told_as_lost(artifact):
        raise other
    with pytest.raises(TaskFailedError), told_as_lost(artifact):
        raise NotInRegistryError(parse_repository(REPOSITORY), "no such blob")


def test_what_is_assembled_takes_the_layer_and_the_variables(fetching: Fetching) -> None:
    fetching.offer(zipped(FILES))
    result = fetching.run(conda_file="env.yml")
    request = AssembleRequest(
        repository="localhost:5000/demo/credit",
        version=1,
        hash="h",
        environments="localhost:5000/demo/fairlead/environments",
        environment_digest="",
        runtimes="localhost:5000/demo/fairlead/runtimes",
        python="3.11.2",
        entry_script="score.py",
        log=LogTarget(repository="localhost:5000/demo/credit", tag="log-1-1", owner="demo/credit"),
        code=f"{REPOSITORY}@{result.digest}",
    )
    task = TaskContext(fetching.folder, Settings(), fetching.registry.client, TaskLog(StringIO()))
    target = parse_repository(request.repository)
    part, variables = _code(request, target, task)
    assert variables == {"MODE": "fast"}
    assert part.diff_id == part.descriptor.digest == fetching.stored(result).layer.digest
    assert fetching.registry.has_blob(target, part.diff_id)
    asked = {"MODE": "slow"}
    changed = request.model_copy(update={"environment_variables": asked})
    assert _variables(changed, variables, [], task)["MODE"] == "slow"


def test_an_ignore_file_leaves_out_what_it_names_but_not_what_the_spec_names(
    fetching: Fetching,
) -> None:
    gitignore = {".gitignore": b"data/\n*.py\n*.yml\n"}
    fetching.offer(zipped({**FILES, **gitignore}))
    result = fetching.run(conda_file="env.yml")
    assert set(fetching.contents(result)) == {"score.py", "env.yml", ".gitignore"}
    assert (result.code.files, result.code.ignored) == (3, 2)
    fetching.offer(zipped({**FILES, **gitignore, ".amlignore": b"lib\n"}))
    both = fetching.run(conda_file="env.yml")
    assert set(fetching.contents(both)) == {
        *{"score.py", "env.yml", "data/w.bin"},
        *{".gitignore", ".amlignore"},
    }


def test_of_a_repository_only_amlignore_counts(fetching: Fetching) -> None:
    server = GitServer(fetching.web, fetching.folder / "server")
    server.commit(FILES)
    server.commit({".gitignore": b"data/\n"})
    git = {"url": server.url}
    assert "data/w.bin" in fetching.contents(fetching.run(git=git))
    server.commit({".amlignore": b"data/\n"})
    assert "data/w.bin" not in fetching.contents(fetching.run(git=git))


def test_a_pattern_that_takes_for_ever_is_ended_and_told(fetching: Fetching) -> None:
    names = {f"{'a' * 200}{number}": b"" for number in range(10)}
    fetching.offer(zipped({**FILES, **names, ".amlignore": b"*a" * 30 + b"b\n"}))
    failure = fetching.fails()
    assert failure.reason is Reason.IGNORE_FILE_INVALID
    assert ".amlignore could not be read" in failure.message
