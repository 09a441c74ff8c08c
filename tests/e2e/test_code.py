"""Code from a repository of git's, fetched by a task in the cluster, built, served and scored."""

import json
from pathlib import Path

import httpx

from tests.e2e.scene import Scene, score
from tests.integration.registry.server import WebServer
from tests.unit.sources.git_server import GitServer

SCRIPT = """\
import os

from greetings.words import greeting


def init():
    global name
    with open(os.path.join(os.path.dirname(__file__), "data", "name.bin"), "rb") as file:
        name = file.read().decode("utf-16")


def run(data):
    left_out = not os.path.exists(os.path.join(os.path.dirname(__file__), "notes.txt"))
    return [greeting(name), left_out]
"""
FILES = {
    "service/src/score.py": SCRIPT.encode(),
    "service/src/greetings/__init__.py": b"",
    "service/src/greetings/words.py": b"def greeting(name):\n    return f'ahoy, {name}'\n",
    "service/src/data/name.bin": "Ada".encode("utf-16"),
    "service/src/notes.txt": b"not for the image\n",
    "service/.amlignore": b"*.txt\n",
    "elsewhere/other.py": b"syntax error here\n",
}


def test_a_folder_of_a_private_repository_is_served_as_its_commit_has_it(
    scene: Scene, tmp_path: Path
) -> None:
    with WebServer(address=scene.cluster.gateway).running() as web:
        server = GitServer(web, tmp_path / "server")
        commit = server.commit(FILES)
        server.wanted = "Basic eC1hY2Nlc3MtdG9rZW46dG9r"  # x-access-token:tok
        git = {"url": server.url, "ref": "main", "path": "service"}
        scene.apply("InferenceImage", {"source": {"git": git}, "entryScript": "src/score.py"})
        scene.reason("inferenceimage", "SourceDenied")
        keys = (f"--from-literal=host={web.host}", "--from-literal=token=tok")
        scene.kubectl("create", "secret", "generic", "git", *keys)
        source = {"git": git, "credentialsSecretRef": {"name": "git"}}
        scene.apply("InferenceImage", {"source": source, "entryScript": "src/score.py"})
        status = scene.reason("inferenceimage", "Built")
    code = status["source"]["code"]
    assert code["origin"] == f"{server.url}@{commit}"
    assert (code["files"], code["ignored"]) == (5, 1)
    assert "tok" not in json.dumps(status["source"])
    scene.service(expose={"type": "NodePort"})
    scene.reason("webservice", "Serving")
    answer = score(scene.address(), {})
    assert answer.status_code == httpx.codes.OK
    assert answer.json() == ["ahoy, Ada", True]
