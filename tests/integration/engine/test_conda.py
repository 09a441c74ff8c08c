"""An environment of conda's packages on Docker Engine: its own interpreter, and pip's part."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.requirement import CondaRecipe, Requirement
from tests.conda_channel import (
    OWN_VERSION,
    Server,
    installed,
    made,
    real_python,
    serving,
)
from tests.integration.engine.conftest import Line

LOOK = (
    "import json, sys, yaml, tabulate; print(json.dumps([sys.version.split()[0], sys.prefix, "
    "yaml.__with_libyaml__, tabulate.__version__]))"
)


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Server]:
    packages = (real_python(), installed("pip"), installed("PyYAML", native=True))
    made(tmp_path / "channels/main", *packages)
    with serving(tmp_path / "channels") as server:
        yield server


def test_an_environment_brings_its_own_python_and_pip_adds_to_it(
    line: Line, channel: Server
) -> None:
    conda = CondaRecipe(
        channels=(Requirement(text="main", line=2),),
        packages=(
            Requirement(text=f"python=={OWN_VERSION}", line=4),
            Requirement(text="pyyaml", line=5),
        ),
    )
    request = line.request("tabulate==0.9.0", conda=conda)
    ended = line.run(
        request,
        FAIRLEAD_CONDA_MIRRORS=f"*={channel.address}",
        FAIRLEAD_INSECURE_HOSTS=channel.host,
    )
    assert ended.ok["python"] == OWN_VERSION
    image = line.engine.images.pull(str(line.environments), ended.ok["digest"])
    said = line.engine.containers.run(image, ["python", "-c", LOOK], remove=True)
    line.engine.images.remove(f"{line.environments}@{ended.ok['digest']}")
    assert json.loads(said) == [OWN_VERSION, "/opt/fairlead/env", True, "0.9.0"]
    assert line.left_behind() == []
