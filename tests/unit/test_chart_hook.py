"""What `helm test` and the pre-delete Job run in the operator's image: ``files/hook.py``."""

import importlib.util
import json
import threading
import urllib.error
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HOOK = Path(__file__).parents[2] / "charts/fairlead/files/hook.py"
SERVING = {"Ready": ("True", "Serving")}


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hook", HOOK)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "POLL_S", 0.01)
    return module


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    """Answers each request with the sum of its numbers, and the model."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            numbers = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["data"]
            found = {"sum": sum(numbers), "model": "A model of a few bytes."}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def status(conditions: dict[str, tuple[str, str]], **more: Any) -> dict[str, Any]:
    told = [
        {"type": type_, "status": truth, "reason": reason, "message": f"{reason} it is."}
        for type_, (truth, reason) in conditions.items()
    ]
    return {"status": {"conditions": told, **more}}


def answering(hook: ModuleType, monkeypatch: pytest.MonkeyPatch, **answers: list[Any]) -> None:
    """Each plural gives its answers in their order, the last one again and again."""

    def call(path: str) -> Any:
        left = answers[path.split("/")[-2]]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(hook, "call", call)


def test_all_three_are_waited_for_and_the_service_is_scored(
    hook: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    service: ThreadingHTTPServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri = f"http://127.0.0.1:{service.server_port}/score"
    away = urllib.error.HTTPError("x", 503, "away", Message(), None)
    answering(
        hook,
        monkeypatch,
        models=[{}, away, status({"Ready": ("True", "Stored")})],
        inferenceimages=[status({"Ready": ("True", "Built")})],
        webservices=[status({"Ready": ("Unknown", "RollingOut")}), status(SERVING, scoringUri=uri)],
    )
    said = hook.test("team", "test-fairlead")
    assert said.startswith(f"Scored: {uri} answers ")
    assert "models/test-fairlead Stored: Stored it is." in capsys.readouterr().out


def test_what_is_stalled_ends_it_at_once_with_the_remedy(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = {"Ready": ("False", "RegistryAuth"), "Stalled": ("True", "RegistryAuth")}
    answering(hook, monkeypatch, models=[status(failed, failure={"remedy": "Name a Secret."})])
    with pytest.raises(SystemExit) as end:
        hook.test("team", "test-fairlead")
    assert str(end.value).endswith(
        "/models/test-fairlead is not ready: RegistryAuth: RegistryAuth it is. Name a Secret."
    )


def test_another_answer_is_a_failure(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, service: ThreadingHTTPServer
) -> None:
    monkeypatch.setattr(hook, "ANSWER", {"sum": 7})
    with pytest.raises(SystemExit, match="and not"):
        hook.score(f"http://127.0.0.1:{service.server_port}/score", 0.0)


def test_what_never_gets_ready_is_said_at_the_deadline(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "PATIENCE_S", 0.0)
    answering(hook, monkeypatch, models=[status({"Ready": ("Unknown", "Queued")})])
    with pytest.raises(SystemExit, match="is not ready: Queued: Queued it is"):
        hook.test("team", "test-fairlead")


def test_a_namespace_without_rights_does_not_keep_the_finalizers_of_others(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    patched = []
    meta = {"name": "m", "namespace": "b", "resourceVersion": "7", "finalizers": [hook.FINALIZER]}
    page = {"items": [{"metadata": meta}], "metadata": {}}

    def call(path: str, patch: Any = None) -> Any:
        if patch is not None:
            patched.append((path, patch["metadata"]["finalizers"]))
            return {}
        if "/namespaces/a/" in path:
            raise urllib.error.HTTPError(path, 403, "Forbidden", Message(), None)
        return page if "/models?" in path else {"items": [], "metadata": {}}

    monkeypatch.setattr(hook, "call", call)
    assert hook.release(["a", "b"]).endswith("was taken off 1 objects.")
    assert patched == [(f"{hook.GROUP}/namespaces/b/models/m", [])]
    assert "/namespaces/a/webservices may not be listed" in capsys.readouterr().out
