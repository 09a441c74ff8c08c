"""Starts that fail: both servers end with the same exit code, and the same words in the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.scoring.side_by_side.servers import DEADLINE_S, Program, Server

INIT = "def init():\n    pass\n\n\n"
RUN = "def run(data):\n    return data\n"
DECORATED = (
    "from azureml_inference_server_http.api.aml_request import rawhttp\n"
    "from inference_schema.parameter_types.standard_py_parameter_type import (\n"
    "    StandardPythonParameterType,\n)\n"
    "from inference_schema.schema_decorators import input_schema\n\n\n"
    f"{INIT}@rawhttp\n@input_schema('data', StandardPythonParameterType([1]))\n{RUN}"
)


@dataclass(frozen=True)
class Start:
    """``words`` are in the log of both."""

    script: str
    words: str
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


STARTS = {
    "an import that fails": Start(f"import no_such_module\n{INIT}{RUN}", "no_such_module"),
    "not Python": Start("def init(:\n", "SyntaxError"),
    "exit(0) at import": Start("import sys\n\nsys.exit(0)\n", "SystemExit: 0"),
    "no init()": Start(RUN, "does not have a init() function defined."),
    "no run()": Start(INIT, "does not have a run() function defined."),
    "init() raises": Start(INIT.replace("pass", "{}['a']") + RUN, "User's init function failed"),
    "init() exits": Start(INIT.replace("pass", "raise SystemExit(0)") + RUN, "SystemExit: 0"),
    "any arguments": Start(f"{INIT}def run(*data):\n    ...\n", "*args, or **kwargs."),
    "no arguments": Start(f"{INIT}def run():\n    ...\n", "an argument for input data."),
    "only headers": Start(f"{INIT}def run(request_headers):\n    ...\n", "request_headers"),
    "both decorators": Start(DECORATED, "cannot be decorated with both @rawhttp and @input_schema"),
    "a broken Swagger file": Start(INIT + RUN, "Expecting value", {"swagger.json": "no JSON"}),
    "a broken logging.json": Start(INIT + RUN, "Expecting value", {"logging.json": "no JSON"}),
    "a broken config.json": Start(INIT + RUN, "Invalid config file!", {"config.json": "no JSON"}),
    "a time-out in words": Start(
        INIT + RUN, "SCORING_TIMEOUT_MS", environment={"SCORING_TIMEOUT_MS": "long"}
    ),
    "a debug port in words": Start(
        INIT + RUN, "AZUREML_DEBUG_PORT", environment={"AZUREML_DEBUG_PORT": "one"}
    ),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=list(STARTS))
def test_both_end_alike(reference: Program, ours: Program, tmp_path: Path, start: Start) -> None:
    programs = {"reference": reference, "ours": ours}
    servers = [begun(program, tmp_path / name, start) for name, program in programs.items()]
    try:
        codes = [server.process.wait(DEADLINE_S) for server in servers]
    finally:
        for server in servers:
            server.end()
    assert codes == [3, 3]
    for server in servers:
        assert start.words in server.log.read_text()


def begun(program: Program, folder: Path, start: Start) -> Server:
    (folder / "app").mkdir(parents=True)
    for name, content in {"score.py": start.script, **start.files}.items():
        (folder / "app" / name).write_text(content)
    environment = {"FAIRLEAD_TERMINATION_LOG": str(folder / "termination"), **start.environment}
    return Server(program, folder, environment)
