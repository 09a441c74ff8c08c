"""What is measured: how each server is started, and what it is asked.

A server that can be told not to log every request is told so. The reference and Fairlead do log it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
SUBJECTS = HERE / "subjects"
OURS, REFERENCE = "fairlead", "reference"


@dataclass(frozen=True)
class Peer:
    """``isolates``: user code runs in another process than HTTP.

    In ``arguments`` (program first) and ``environment`` stand ``{port}``, ``{grpc}``, ``{metrics}``
    for free ports, ``{home}`` for the folder of the server's environment and ``{subjects}``.
    ``in_trouble`` is added to the environment where overload and shutdown are looked at.
    """

    name: str
    title: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    in_trouble: Mapping[str, str] = field(default_factory=dict)
    pins: str = ""
    isolates: bool = False
    path: str = "/score"
    health: str = "/"


def _mlserver(name: str, title: str, workers: int) -> Peer:
    return Peer(
        name,
        title,
        ("mlserver", "start", "{subjects}/mlserver"),
        {
            "PYTHONPATH": "{subjects}:{subjects}/mlserver",
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{grpc}",
            "MLSERVER_METRICS_PORT": "{metrics}",
            "MLSERVER_DEBUG": "false",
            "MLSERVER_PARALLEL_WORKERS": str(workers),
            "MLSERVER_ENVIRONMENTS_DIR": "{home}",
            "MLSERVER_METRICS_DIR": "{home}",
        },
        pins="mlserver",
        isolates=workers > 0,
        health="/v2/health/live",
    )


def _fastapi(name: str, title: str, path: str) -> Peer:
    uvicorn = ("uvicorn", "fastapi_app:app", "--port", "{port}", "--no-access-log")
    return Peer(name, title, uvicorn, {"PYTHONPATH": "{subjects}"}, pins="fastapi", path=path)


PEERS = (
    Peer(
        REFERENCE,
        "azureml-inference-server-http 1.5.1",
        ("azmlinfsrv", "--entry_script", "{subjects}/score.py", "--port", "{port}"),
        {"AML_APP_ROOT": "{subjects}", "AZUREML_MODEL_DIR": "{subjects}", "WORKER_COUNT": "1"},
        pins=REFERENCE,
    ),
    Peer(
        OURS,
        "Fairlead, one process slot",
        ("python", "-I", "-S", "{home}/opt/fairlead/runtime/fairlead_scoring/__main__.py"),
        {
            "AML_APP_ROOT": "{subjects}",
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "AZUREML_MODEL_DIR": "{subjects}",
            "FAIRLEAD_PORT": "{port}",
            "FAIRLEAD_TERMINATION_LOG": "{home}/termination-log",
            "PYTHONUNBUFFERED": "1",  # these two: as in the image
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        {"FAIRLEAD_MAX_QUEUE_WAIT_MS": "500"},  # the operator sets it, as v1 does
        isolates=True,
    ),
    _mlserver("mlserver", "MLServer 1.7.1, one worker", 1),
    _mlserver("mlserver-inline", "MLServer 1.7.1, in the server", 0),
    Peer(
        "kserve",
        "KServe 0.21.0",
        ("python", "{subjects}/kserve_server.py", "{port}", "--configure_logging=false"),
        pins="kserve",
        path="/v1/models/score:predict",
    ),
    Peer(
        "bentoml",
        "BentoML 1.4.39",
        ("bentoml", "serve", "bentoml_service:Score", "--port", "{port}", "--host", "127.0.0.1"),
        {"PYTHONPATH": "{subjects}", "BENTOML_DO_NOT_TRACK": "True"},
        pins="bentoml",
        health="/livez",
    ),
    _fastapi("fastapi", "FastAPI, in its threads", "/score"),
    _fastapi("fastapi-loop", "FastAPI, on its loop", "/score-on-the-loop"),
)
