"""34 recorded answers of azureml-inference-server-http 1.5.1, replayed against ours.

A line of it is ``METHOD path body headers => status headers body``. It holds neither ids nor
what the connection adds, at most 160 bytes of a body, and the last of several headers of one name.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.scoring.service import CLIENT, Command, Service
from tests.integration.scoring.side_by_side.reference import reference_python

CORPUS = Path(__file__).with_name("azmlinfsrv-1.5.1.txt")
SCRIPTS = Path(__file__).parent / "scripts"
LINE = re.compile(r"(\w+) (\S+) (b'.*')? ?({.*}) => (\d+) ({.*}) (b'.*'|b\".*\")")
LEFT_OUT = {
    "connection", "content-length", "date", "server", "x-ms-request-id", "x-ms-server-version",
    "x-request-id",
}  # fmt: skip
SHOWN = 160  # bytes of a body


@dataclass(frozen=True)
class Recorded:
    script: str
    request: str
    method: str
    path: str
    body: bytes
    headers: dict[str, str]
    answer: tuple[int, dict[str, str], bytes]


def read_corpus() -> Iterator[Recorded]:
    script = ""
    for line in CORPUS.read_text().splitlines():
        if line.startswith("## "):
            script = line[3:]
            continue
        found = LINE.fullmatch(line)
        assert found, line
        method, path, body, headers, *answer = found.groups()
        sent = {name: whole(value) for name, value in ast.literal_eval(headers).items()}
        status, *rest = map(ast.literal_eval, answer)
        request, _, _ = line.partition(" => ")
        yield Recorded(
            script, request, method, path, ast.literal_eval(body or "b''"), sent, (status, *rest)
        )


def whole(value: str) -> str:
    """A long value is cut in the corpus; there is one, an id of 101 characters."""
    return "r" * 101 if value.endswith("..") else value


RECORDED = list(read_corpus())


@pytest.fixture(scope="module")
def services(
    runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Service]]:
    interpreter = (str(reference_python()),)  # for inference-schema
    started = {
        path.stem: Service(
            tmp_path_factory.mktemp(path.stem),
            runtime,
            {"score.py": path.read_text()},
            {},
            Command(interpreter),
        )
        for path in SCRIPTS.glob("*.py")
    }
    yield {name: service.until_ready() for name, service in started.items()}
    for service in started.values():
        service.end()


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda r: f"{r.script}: {r.request}")
def test_the_recorded_answer_is_given(services: dict[str, Service], recorded: Recorded) -> None:
    request: dict[str, Any] = {"content": recorded.body, "headers": recorded.headers}
    url = services[recorded.script].url
    found = CLIENT.request(recorded.method, f"{url}{recorded.path}", **request)
    headers = dict(found.headers.multi_items())
    kept = {
        name: value
        for name, value in headers.items()
        if name not in LEFT_OUT and not name.startswith("x-fairlead-")
    }
    if "x-ms-run-fn-exec-ms" in kept:
        kept["x-ms-run-fn-exec-ms"] = "<ms>"
    assert (found.status_code, kept, found.content[:SHOWN]) == recorded.answer


def test_the_corpus_is_whole() -> None:
    assert len(RECORDED) == 34
