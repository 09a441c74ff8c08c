from pathlib import Path

import pytest

from fairlead_scoring.front.settings import Settings, SettingsError, read_settings
from fairlead_scoring.slot.layout import Layout

ROOT = Path("/var/azureml-app")


def test_an_empty_environment_is_the_images_layout() -> None:
    assert read_settings([], {}) == Settings(
        layout=Layout(ROOT, ROOT / "main.py", source=None, model_dir=None),
        port=5001,
        slots=1,
        drain_seconds=5.0,
        keys=None,
        termination_log=Path("/dev/termination-log"),
    )


def test_everything_can_be_set() -> None:
    environment = {
        "AML_APP_ROOT": "/app",
        "AZUREML_ENTRY_SCRIPT": "src/score.py",
        "AZUREML_SOURCE_DIRECTORY": "src",
        "AZUREML_MODEL_DIR": "/app/azureml-models/m/1",
        "FAIRLEAD_PORT": "6000",
        "FAIRLEAD_MAX_CONCURRENT_REQUESTS": "4",
        "FAIRLEAD_DRAIN_SECONDS": "0.5",
        "FAIRLEAD_KEYS_DIR": "/keys",
        "FAIRLEAD_TERMINATION_LOG": "/log",
    }
    app = Path("/app")
    models = app / "azureml-models" / "m" / "1"
    assert read_settings([], environment) == Settings(
        layout=Layout(app, app / "src" / "score.py", app / "src", models),
        port=6000,
        slots=4,
        drain_seconds=0.5,
        keys=Path("/keys"),
        termination_log=Path("/log"),
    )


def test_the_command_line_goes_before_the_environment() -> None:
    assert read_settings(["--port", "7000"], {"FAIRLEAD_PORT": "6000"}).port == 7000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FAIRLEAD_PORT", "0"),
        ("FAIRLEAD_PORT", "65536"),
        ("FAIRLEAD_MAX_CONCURRENT_REQUESTS", "0"),
        ("FAIRLEAD_MAX_CONCURRENT_REQUESTS", "1.5"),
        ("FAIRLEAD_DRAIN_SECONDS", "nan"),
        ("FAIRLEAD_DRAIN_SECONDS", "inf"),
        ("FAIRLEAD_DRAIN_SECONDS", "soon"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is '{value}', but must be"):
        read_settings([], {name: value})
