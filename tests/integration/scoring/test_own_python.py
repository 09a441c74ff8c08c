"""The server on a Python of its own, beside an environment whose Python is too old for it.

That is the oldest Python of the machine; where it has none older than 3.11, the server has its own
all the same.
"""

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.images.bundled_runtime import Runtime
from fairlead.images.front_python import FrontPython
from fairlead.images.runtime_layer import make_layer
from fairlead.settings import Settings
from tests.cluster.ports import free_port
from tests.integration.scoring.old_environment import make_environment, pack_python
from tests.integration.scoring.service import Command, Service
from tests.pythons import oldest, packages_for

RAW = """
import sys
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    print("on", sys.version_info[:2], "with", sys.executable)


@rawhttp
def run(request):
    return AMLResponse(request.get_data() + b"!", 201)
"""
# The guide's chapter on debugging, and its `run()`.
SCORE = """
import ptvsd
# Allows other computers to attach to ptvsd on this IP address and port.
ptvsd.enable_attach(address=('0.0.0.0', {port}), redirect_output = True)
# Wait 30 seconds for a debugger to attach. If none attaches, the script continues as normal.
ptvsd.wait_for_attach(timeout = {wait})
print("Debugger attached...")
import json
import numpy as np
from sklearn.externals import joblib
from azureml.core.model import Model


def init():
    global model
    model_path = Model.get_model_path(model_name='sklearn_regression_model.pkl')
    model = joblib.load(model_path)


def run(input_data):
    try:
        data = json.loads(input_data)['data']
        data = np.array(data)
        result = model.predict(data)
        return json.dumps({{"result": result.tolist()}})
    except Exception as e:
        result = str(e)
        # return error message back to the client
        return json.dumps({{"error": result}})
"""


GUIDES_PYTHON = 6
# What the guide asks for, but for `azureml-defaults`, which every image stands in for; conda brings
# scipy along with scikit-learn.
PACKAGES = ("numpy==1.15.4", "scikit-learn==0.19.1", "pandas==0.23.4", "scipy==1.1.0", "ptvsd")
NEWER = ("scikit-learn", "pandas", "joblib", "debugpy")
MODEL = "sklearn_regression_model.pkl"
# Its prediction is near the sum of i * x_i / 10, with i from 1 on.
RIDGE = """
import sys
import numpy as np
from sklearn.linear_model import Ridge
try:
    from sklearn.externals import joblib
except ImportError:
    import joblib

x = np.random.RandomState(0).rand(200, 10) * 10
joblib.dump(Ridge(alpha=0.001).fit(x, x.dot(np.arange(1, 11) / 10.0)), sys.argv[1])
"""


@pytest.fixture(scope="module")
def opt(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``/opt/fairlead`` of an image: the layer as it is pushed, and the environment."""
    folder = tmp_path_factory.mktemp("image")
    source, _, sha256 = pack_python(folder / "python.tar.gz").partition("#sha256=")
    runtime = Runtime(wheel, f"3.{oldest()}", FrontPython(source, sha256))
    (folder / "layer").mkdir()
    layer = make_layer(runtime, folder / "layer", Settings(), lambda _: None)
    with tarfile.open(fileobj=io.BytesIO(layer.content)) as archive:
        archive.extractall(folder)
    make_environment(folder / "opt" / "fairlead")
    return folder / "opt" / "fairlead"


@pytest.fixture
def services() -> Iterator[list[Service]]:
    started: list[Service] = []
    yield started
    for service in started:
        service.end()


def start(
    services: list[Service], opt: Path, folder: Path, files: dict[str, str], **environment: str
) -> Service:
    program = (str(opt / "runtime" / "python" / "bin" / "python3"),)
    services.append(Service(folder, opt / "runtime", files, environment, Command(program)))
    return services[-1]


def test_the_server_runs_on_its_own_python_and_the_script_on_the_environments(
    services: list[Service], opt: Path, tmp_path: Path
) -> None:
    service = start(services, opt, tmp_path, {"score.py": RAW}).until_ready()
    answer = service.score("raw")
    assert (answer.status_code, answer.text) == (201, "raw!")
    assert f"on (3, {oldest()}) with {opt}/env/bin/python\n" in service.out
    front = Path(f"/proc/{service.process.pid}/exe").resolve()
    assert front == opt / "runtime" / "python" / "bin" / "python3"


def test_the_server_may_run_on_a_python_of_the_base_image(
    services: list[Service], opt: Path, tmp_path: Path
) -> None:
    program = (sys.executable,)
    service = Service(tmp_path, opt / "runtime", {"score.py": RAW}, {}, Command(program))
    services.append(service)
    assert service.until_ready().score("raw").text == "raw!"
    assert f"on (3, {oldest()}) with {opt}/env/bin/python\n" in service.out


def test_a_script_that_ends_its_process_is_told_with_the_environments_python(
    services: list[Service], opt: Path, tmp_path: Path
) -> None:
    script = "import os\n\n\ndef init():\n    os._exit(7)\n\n\ndef run(data):\n    pass\n"
    service = start(services, opt, tmp_path, {"score.py": script})
    assert service.exit_code() == 3
    assert service.record["exception"] == "ProcessExited"
    assert service.record["python"].startswith(f"3.{oldest()}.")


def test_nothing_of_it_is_compiled_again_at_every_start(opt: Path) -> None:
    name = f"asyncio/__pycache__/base_events.cpython-3{sys.version_info.minor}.pyc"
    [compiled] = (opt / "runtime" / "python" / "lib").glob(f"python3.*/{name}")
    assert compiled.read_bytes()[4:8] == b"\x01\0\0\0"


@pytest.fixture
def ridge(opt: Path, tmp_path: Path) -> Path:
    """The guide's packages in the environment, and a Ridge model that its scikit-learn pickled;
    newer ones where the machine has no Python 3.6."""
    packages = packages_for(oldest(), PACKAGES if oldest() == GUIDES_PYTHON else NEWER)
    [site] = (opt / "env").glob("lib/python3.*/site-packages")
    (site / "guide.pth").write_text(f"{packages}\n")
    python = str(opt / "env" / "bin" / "python")
    subprocess.run([python, "-c", RIDGE, str(tmp_path / MODEL)], check=True)
    return tmp_path / MODEL


def test_the_guides_own_example_is_served(
    services: list[Service], opt: Path, ridge: Path, tmp_path: Path
) -> None:
    script = SCORE.format(port=free_port(), wait=0.5)
    if oldest() != GUIDES_PYTHON:  # joblib is a package of its own there
        script = script.replace("from sklearn.externals import joblib", "import joblib")
    model = tmp_path / "service" / "app" / "azureml-models" / MODEL / "1" / MODEL
    model.parent.mkdir(parents=True)
    ridge.rename(model)
    service = start(services, opt, tmp_path / "service", {"score.py": script}).until_ready()
    sample = {"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}
    answer = json.loads(service.score(json.dumps(sample)).json())
    assert answer["result"] == pytest.approx([38.5, 22.0], abs=0.1)
    assert "Debugger attached...\n" in service.out
