"""What a person does with `fairlead`: the real program, from files to an answer and to nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fairlead.cli import exit_codes
from tests.e2e.scene import Scene

DEADLINE_S = 900  # of one command
PROGRAM = Path(sys.executable).with_name("fairlead")
SCRIPT = """\
import os


def init():
    global words
    folder = os.environ["AZUREML_MODEL_DIR"]
    words = open(os.path.join(folder, "weights.txt")).read()
    print("the words are there")


def run(data):
    return words
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "score.py").write_text(SCRIPT)
    (tmp_path / "weights.txt").write_text("heavy")
    return tmp_path


def fairlead(
    scene: Scene,
    *words: str,
    code: int = exit_codes.DONE,
    environ: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """As a person without a terminal runs it, whose kubeconfig is the cluster's."""
    done = subprocess.run(
        [PROGRAM, *words, "--namespace", scene.namespace],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env={**os.environ, "KUBECONFIG": str(scene.cluster.kubeconfig), **(environ or {})},
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done


def deploy(scene: Scene, files: Path, code: int = exit_codes.DONE) -> str:
    words = ["deploy", "credit", "--entry-script", str(files / "score.py"), "--replicas", "1"]
    model = ["--model", f"weights={files / 'weights.txt'}", "--memory", "256Mi", "--verbose"]
    done = fairlead(scene, *words, *model, code=code)
    return done.stdout + done.stderr


def test_from_files_to_an_answer_and_to_nothing(scene: Scene, files: Path) -> None:
    told = deploy(scene, files)
    assert "Model 'credit-weights': Stored" in told
    assert "InferenceImage 'credit': Built" in told
    assert "'credit' serves at http://credit." in told
    table = fairlead(scene, "get", "services").stdout
    assert table.split()[:8] == [
        *("NAME", "READY", "REASON", "STATE", "REPLICAS", "URI", "AGE"),
        "credit",
    ]
    described = fairlead(scene, "describe", "credit").stdout
    assert re.search("^Replicas: +1 of 1 ready, 1 up to date$", described, re.MULTILINE), described
    key = fairlead(scene, "keys", "credit", "-o", "json").stdout
    assert set(json.loads(key)) == {"primary", "secondary"}
    assert fairlead(scene, "run", "credit", '{"data": 1}').stdout == '"heavy"\n'
    assert "the words are there" in fairlead(scene, "logs", "credit").stdout
    assert fairlead(scene, "logs", "image/credit").stdout
    exported = fairlead(scene, "export", "credit", "-o", "name").stdout
    assert exported.splitlines()[1:] == [
        "model.fairlead.dev/credit-weights",
        "inferenceimage.fairlead.dev/credit",
        "webservice.fairlead.dev/credit",
    ]
    checks = json.loads(fairlead(scene, "doctor", "-o", "json").stdout)["checks"]
    outcomes = {check["name"]: check["outcome"] for check in checks}
    assert set(outcomes.values()) == {"ok"}, checks

    (files / "score.py").write_text(SCRIPT.replace("weights.txt", "wieghts.txt"))
    told = " ".join(deploy(scene, files, exit_codes.FAILED).split())
    assert "UserScriptInitFailed: InferenceImage 'credit':" in told
    assert "score.py:7" in told
    assert fairlead(scene, "run", "credit", "[]").stdout == '"heavy"\n'  # it serves on
    first = fairlead(scene, "logs", "image/credit", "--version", "1").stdout
    assert first != fairlead(scene, "logs", "image/credit").stdout

    fairlead(scene, "delete", "credit", "--all")
    fairlead(scene, "wait", "credit", "--for", "deleted")
    assert "There is nothing in namespace" in fairlead(scene, "get").stderr
