"""An image of a registry on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError
from typer.testing import CliRunner

from fairlead.api.reasons import Reason
from fairlead.cli import exit_codes, pull_command
from fairlead.cli.app import app
from fairlead.local import pulling
from fairlead.local.errors import LocalError
from fairlead.local.pulling import default_tag, image_reference, pull, run_command
from tests.unit.local.services import Told

LOCATION = "myregistry.azurecr.io/team/credit:3"


class Docker:
    """Of Docker's SDK."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = [{"status": "Pulling from team/credit", "id": "3"}]
        self.refusal = ""
        self.pulled: list[tuple[str, str]] = []
        self.tagged: list[tuple[str, str, str]] = []

    def pull(self, repository: str, tag: str, **_: Any) -> list[dict[str, Any]]:
        if self.refusal:
            raise APIError("no", explanation=self.refusal)
        self.pulled.append((repository, tag))
        return self.entries

    def get(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(tag=lambda *own: self.tagged.append((name, *own)))


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    one = Docker()

    @contextmanager
    def client() -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(api=one, images=one)

    monkeypatch.setattr(pulling, "client", client)
    return one


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["pull", *words])
    return done.exit_code, " ".join(done.output.split())


def test_it_is_fetched_tagged_and_said_how_it_runs(docker: Docker) -> None:
    code, said = run(LOCATION)
    assert code == 0, said
    assert docker.pulled == [("myregistry.azurecr.io/team/credit", "3")]
    assert docker.tagged == [(LOCATION, "credit", "3")]
    assert "docker run --rm -p 8000:5001 credit:3" in said
    assert "5678" not in said
    assert run(LOCATION, "--tag", "debug")[0] == 0
    assert docker.tagged[-1] == (LOCATION, "debug", "latest")


def test_by_digest() -> None:
    reference = image_reference(f"r.io/team/credit@sha256:{'ab' * 32}")
    assert default_tag(reference) == "credit:pulled"
    with pytest.raises(LocalError, match="is not the name of an image"):
        image_reference("No Image")
    assert run(LOCATION, "--tag", "No Image")[0] == exit_codes.FAILED


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("words", "reason", "remedy"),
    [
        ("pull access denied for x", Reason.REGISTRY_AUTH, "docker login myregistry.azurecr.io"),
        ("manifest unknown", Reason.IMAGE_PULL_FAILED, "the name is right"),
    ],
)
def test_what_the_registry_refuses_is_told(
    docker: Docker, words: str, reason: Reason, remedy: str, *, streamed: bool
) -> None:
    docker.refusal = "" if streamed else words
    docker.entries = [{"error": words}]
    with pytest.raises(LocalError, match=words) as caught:
        pull(image_reference(LOCATION), "credit:3", Told())
    assert caught.value.finding.reason is reason
    assert remedy in str(caught.value.finding.remedy)


@pytest.mark.parametrize("debugger", [True, False])
def test_an_image_of_the_cluster_by_its_name(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, *, debugger: bool
) -> None:
    status = {"imageLocation": LOCATION}
    found = {"spec": {"debug": {"enabled": debugger}}, "status": status}
    target = SimpleNamespace(words="InferenceImage 'credit'", spoken="infimg/credit")
    session = SimpleNamespace(target=lambda _: target, get=lambda _: found)
    monkeypatch.setattr(pull_command, "Session", lambda *_: session)
    code, said = run("image/credit")
    assert (code, docker.tagged) == (0, [(LOCATION, "credit", "3")])
    assert ("-p 127.0.0.1:5678:5678" in said) is debugger
    status.clear()
    code, said = run("infimg/credit")
    assert (code, "has no image yet" in said) == (exit_codes.FAILED, True)


def test_with_a_debugger_the_port_is_published_on_loopback() -> None:
    assert run_command("credit:3", debugger=True) == (
        "docker run --rm -p 8000:5001 -p 127.0.0.1:5678:5678 -e FAIRLEAD_DEBUG=true "
        "-e FAIRLEAD_DEBUG_HOST=0.0.0.0 -e FAIRLEAD_DEBUG_WAIT_SECONDS=30 credit:3"
    )
