"""A model that no object can hold, pushed to a registry by the person who has it."""

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fairlead.api.reasons import Reason
from fairlead.cli import exit_codes
from fairlead.cli.app import app
from fairlead.local import model_push
from fairlead.local.errors import LocalError
from fairlead.local.model_push import artifact_of, push
from fairlead.registry.errors import CredentialsMissingError, RegistryUnreachableError
from fairlead.registry.keychain import Keychain
from fairlead.registry.oci import digest_of
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from tests.unit.memory_registry import MemoryRegistry

REPOSITORY = "registry.example.com/team/models"


class Log:
    def __init__(self) -> None:
        self.phases = list[str]()

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def write(self, text: str) -> None:
        raise AssertionError(text)


class Pushed(MemoryRegistry):
    """Remembers what it was logged in to with; ``refusal`` is raised in place of a push."""

    refusal: Exception | None = None
    credentials: Any = None

    def digest_of(self, repository: Repository, reference: str) -> str | None:
        if self.refusal:
            raise self.refusal
        body = self.manifests.get((str(repository), reference))
        return digest_of(body) if body else None


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pushed:
    made = Pushed()

    @contextmanager
    def opened(_: Settings, keychain: Keychain) -> Iterator[Pushed]:
        [file] = keychain._files.values()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        made.credentials = keychain.candidates(Repository("registry.example.com", "x"), push=True)
        yield made

    monkeypatch.setattr(model_push, "Registry", opened)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return made


def login(folder: Path, **entry: str) -> None:
    (folder / "docker").mkdir()
    config = {"auths": {"registry.example.com": entry}}
    (folder / "docker/config.json").write_text(json.dumps(config))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "big.pkl"
    path.write_bytes(b"x" * 2_000_000)
    return path


def test_a_file_is_pushed_once_with_what_docker_login_keeps(
    registry: Pushed, large: Path, tmp_path: Path
) -> None:
    login(tmp_path, auth="dXNlcjpwYXNz")  # user:pass
    artifact, log = artifact_of(REPOSITORY, "credit-big", large), Log()
    push(artifact, Settings(), log)
    assert artifact.address == f"oci://{REPOSITORY}/credit-big:{artifact.tag}"
    manifest = json.loads(registry.manifests[f"{REPOSITORY}/credit-big", artifact.tag])
    [layer] = manifest["layers"]
    assert layer["annotations"] == {"org.opencontainers.image.title": "big.pkl"}
    assert registry.blobs[f"{REPOSITORY}/credit-big", layer["digest"]] == large.read_bytes()
    [credential] = registry.credentials
    assert (credential.username, credential.password) == ("user", "pass")
    sent = len(registry.sent)
    push(artifact, Settings(), log)
    assert (len(registry.sent), len(log.phases)) == (sent, 1)


def test_a_folder_keeps_its_names(registry: Pushed, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text("{}")
    folder = tmp_path / "bert"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/w.bin").write_text("1")
    (folder / "config.json").write_text("1")
    (folder / ".env").write_text("KEY=1")
    artifact = artifact_of(f"{REPOSITORY}/", "bert", folder)
    push(artifact, Settings(), Log())
    titles = [(one.annotations or {}).popitem()[1] for one in artifact.layers]
    assert titles == ["config.json", "deep/w.bin"]
    assert list(registry.credentials) == []
    before = artifact.tag
    (folder / "config.json").write_text("2")
    assert artifact_of(REPOSITORY, "bert", folder).tag != before


def test_an_identity_token_is_shown(registry: Pushed, large: Path, tmp_path: Path) -> None:
    login(tmp_path, auth="dXNlcjpwYXNz", identitytoken="t0ken")
    push(artifact_of(REPOSITORY, "m", large), Settings(), Log())
    assert registry.credentials[0].identity_token == "t0ken"


@pytest.mark.parametrize(
    ("error", "reason", "remedy"),
    [
        (CredentialsMissingError, Reason.REGISTRY_AUTH, "docker login registry.example.com"),
        (RegistryUnreachableError, Reason.REGISTRY_UNREACHABLE, "this machine reaches it"),
    ],
)
def test_what_the_registry_refuses_is_told(
    registry: Pushed, large: Path, error: Any, reason: Reason, remedy: str
) -> None:
    registry.refusal = error(Repository("registry.example.com", "x"), "It says no.")
    with pytest.raises(LocalError, match=r"The model is not pushed: It says no\.") as caught:
        push(artifact_of(REPOSITORY, "m", large), Settings(), Log())
    assert caught.value.finding.reason is reason
    assert remedy in str(caught.value.finding.remedy)
    assert "tried again" not in str(caught.value.finding.remedy)


def test_what_cannot_be_pushed(large: Path, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="is no repository"):
        artifact_of("Not A Registry", "m", large)
    (tmp_path / "none").mkdir()
    with pytest.raises(LocalError, match="has 0 files"):
        artifact_of(REPOSITORY, "m", tmp_path / "none")


def test_a_large_model_is_deployed_from_where_it_was_pushed(
    registry: Pushed, large: Path, tmp_path: Path
) -> None:
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    words = ["deploy", "credit", "--entry-script", str(tmp_path / "score.py"), "--dry-run"]
    words += ["--model", str(large), "-o", "json"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == exit_codes.FAILED
    assert "--model-repository REGISTRY/PATH" in " ".join(refused.output.split())
    done = CliRunner().invoke(app, [*words, "--model-repository", REPOSITORY])
    assert done.exit_code == 0, done.output
    model = next(one for one in json.loads(done.stdout)["items"] if one["kind"] == "Model")
    artifact = artifact_of(REPOSITORY, "credit-big-pkl", large)
    assert model["spec"]["source"] == {"uri": artifact.address}
    assert registry.manifests == {}  # nothing is pushed for a look
