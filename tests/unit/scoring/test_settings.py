"""The command line, the environment, ``config.json``: what is said where, and what wins."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from fairlead_scoring.front.config.container_memory import memory_limit_bytes
from fairlead_scoring.front.config.read_limits import ReadLimits
from fairlead_scoring.front.config.remarks import layout_remarks
from fairlead_scoring.front.config.settings import QueueLimits, Settings, read_settings
from fairlead_scoring.front.config.summary import summary
from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.slot.layout import Layout

ROOT = Path("/var/azureml-app")
SWAGGER = {"title": "ML service", "version": "1.0", "prefix": ""}


def read(*arguments: str, environ: Mapping[str, str] | None = None) -> Settings:
    return read_settings(arguments, environ or {})


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app root with a script."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "score.py").touch()
    return tmp_path


def test_an_empty_environment_is_the_images_layout() -> None:
    assert read() == Settings(
        layout=Layout(ROOT, ROOT / "main.py", source=None, model_dir=None, module="main"),
        port=5001,
        slots=1,
        queue_limits=QueueLimits(max_wait_s=None, max_entries=None),
        scoring_timeout_ms=3_600_000,
        drain_s=5.0,
        keys_dir=None,
        termination_log=Path("/dev/termination-log"),
        swagger=SWAGGER,
        environ={
            "WORKER_COUNT": "1",
            "SERVER_PORT": "5001",
            "HEALTH_PORT": "5001",
            "AML_APP_INSIGHTS_ENABLED": "false",
        },
    )


def test_everything_can_be_set() -> None:
    environment = {
        "AML_APP_ROOT": "/app",
        "AZUREML_ENTRY_SCRIPT": "src/score.py",
        "AZUREML_SOURCE_DIRECTORY": "src",
        "AZUREML_MODEL_DIR": "/app/azureml-models/m/1",
        "SERVICE_NAME": "wine",
        "SERVICE_VERSION": "2",
        "SERVICE_PATH_PREFIX": "/api",
        "SCORING_TIMEOUT_MS": "1500",
        "SERVER_VERSION_LOG_RESPONSE_ENABLED": "false",
        "SEPERATE_HEALTH_ENDPOINT": "true",
        "FAIRLEAD_PORT": "6000",
        "FAIRLEAD_MAX_CONCURRENT_REQUESTS": "4",
        "FAIRLEAD_SLOT_MODE": "thread",
        "FAIRLEAD_MAX_QUEUE_WAIT_MS": "250",
        "FAIRLEAD_QUEUE_LIMIT": "7",
        "FAIRLEAD_MAX_BODY_MB": "1",
        "FAIRLEAD_BODY_BUDGET_MB": "2",
        "FAIRLEAD_WRITE_SECONDS": "4",
        "FAIRLEAD_METRICS_PORT": "9090",
        "FAIRLEAD_HEAD_SECONDS": "2",
        "FAIRLEAD_BODY_SECONDS": "3.5",
        "FAIRLEAD_INIT_WARNING_SECONDS": "9",
        "FAIRLEAD_DRAIN_SECONDS": "0.5",
        "FAIRLEAD_KEYS_DIR": "/keys",
        "FAIRLEAD_TERMINATION_LOG": "/log",
    }
    app = Path("/app")
    models = app / "azureml-models" / "m" / "1"
    assert read(environ=environment) == Settings(
        layout=Layout(app, app / "src" / "score.py", app / "src", models),
        port=6000,
        health_port=5000,
        metrics_port=9090,
        slots=4,
        in_threads=True,
        queue_limits=QueueLimits(max_wait_s=0.25, max_entries=7),
        scoring_timeout_ms=1500,
        init_warning_s=9.0,
        drain_s=0.5,
        read_limits=ReadLimits(2**20, 2**21, 2.0, 3.5, 0.25, 4.0),
        keys_dir=Path("/keys"),
        send_version=False,
        termination_log=Path("/log"),
        swagger={"title": "wine", "version": "2", "prefix": "/api"},
        environ={
            **environment,
            "WORKER_COUNT": "4",
            "SERVER_PORT": "6000",
            "HEALTH_PORT": "5000",
            "AML_APP_INSIGHTS_ENABLED": "false",
        },
    )


@pytest.mark.parametrize("dash", ["_", "-"])
def test_the_command_line_is_the_reference_servers(
    app: Path, monkeypatch: pytest.MonkeyPatch, dash: str
) -> None:
    monkeypatch.chdir(app)
    names = {
        "entry_script": "src/score.py",
        "model_dir": "models",
        "port": "7000",
        "health_port": "7001",
        "worker_count": "3",
        "access_control_allow_origins": "https://a.example",
        "appinsights_instrumentation_key": "a-key",
    }
    arguments = [
        word for name, value in names.items() for word in (f"--{name.replace('_', dash)}", value)
    ]
    found = read(*arguments, "--rest", environ={"SEPERATE_HEALTH_ENDPOINT": "true"})
    assert found.remarks == (
        "AML_APP_INSIGHTS_KEY does nothing: there are metrics at /metrics instead.",
    )
    assert found.layout == Layout(app, app / "src" / "score.py", None, app / "models")
    assert (found.ports, found.slots) == ([7000, 7001], 3)
    assert found.cors_origins is not None
    seen = dict(found.environ)
    assert seen["AZUREML_ENTRY_SCRIPT"] == os.path.realpath("src/score.py")
    assert (seen["AZUREML_MODEL_DIR"], seen["AML_APP_ROOT"]) == ("models", str(app))
    assert (seen["WORKER_COUNT"], seen["SERVER_PORT"], seen["HEALTH_PORT"]) == ("3", "7000", "7001")


def test_the_command_line_goes_before_the_environment() -> None:
    environ = {"FAIRLEAD_PORT": "6000", "WORKER_COUNT": "5", "AML_APP_ROOT": "/app"}
    found = read("--port", "7000", "--worker_count=2", "--entry_script=/x/s.py", environ=environ)
    assert (found.port, found.slots, found.layout.app_root) == (7000, 2, Path("/app"))


def test_our_own_number_of_slots_goes_before_the_number_of_workers() -> None:
    environ = {"FAIRLEAD_MAX_CONCURRENT_REQUESTS": "3"}
    assert read("--worker_count", "2", environ=environ).slots == 3


@pytest.mark.parametrize(
    ("environ", "limits"),
    [
        ({}, QueueLimits(None, None)),
        ({"FAIRLEAD_MAX_QUEUE_WAIT_MS": "1000"}, QueueLimits(1.0, 30)),
        ({"FAIRLEAD_MAX_QUEUE_WAIT_MS": "0"}, QueueLimits(0.0, 30)),
        ({"FAIRLEAD_QUEUE_LIMIT": "0"}, QueueLimits(None, 0)),
        ({"FAIRLEAD_QUEUE_LIMIT": "4", "FAIRLEAD_MAX_QUEUE_WAIT_MS": "1"}, QueueLimits(0.001, 4)),
    ],
)
def test_the_queue_is_capped_where_a_wait_is_set(
    environ: dict[str, str], limits: QueueLimits
) -> None:
    assert read(environ={**environ, "WORKER_COUNT": "3"}).queue_limits == limits


@pytest.mark.parametrize("argument", ["--entry", "--entry_s", "--entry-s", "--entry-script", "--e"])
def test_an_option_may_be_shortened(argument: str) -> None:
    assert read(argument, "/x/s.py").layout.script == Path("/x/s.py")
    assert read(f"{argument}=/x/s.py").layout.script == Path("/x/s.py")


@pytest.mark.parametrize("argument", ["--a", "--nope", "--entry_script_"])
def test_an_option_that_may_be_several_or_none_is_refused(argument: str) -> None:
    with pytest.raises(SystemExit) as refused:
        read(argument, "x")
    assert refused.value.code == 1


@pytest.mark.parametrize("text", ["1000.", "1e3", "1000.5", "0x10", ".5", "\uff11"])
def test_a_time_out_is_a_whole_number(text: str) -> None:
    with pytest.raises(SettingsError, match="Input should be a valid integer"):
        read(environ={"SCORING_TIMEOUT_MS": text})


@pytest.mark.parametrize(
    ("environ", "milliseconds"),
    [
        ({"WORKER_TIMEOUT": "30"}, 30_000),
        ({"WORKER_TIMEOUT": "30", "SCORING_TIMEOUT_MS": "5000"}, 5000),
        ({"WORKER_TIMEOUT": "3", "SCORING_TIMEOUT_MS": "5000"}, 3000),
        ({"WORKER_TIMEOUT": "3", "SCORING_TIMEOUT_MS": "0"}, 3000),
        ({"WORKER_TIMEOUT": "0", "SCORING_TIMEOUT_MS": "5000"}, 5000),
        ({"WORKER_TIMEOUT": "0", "SCORING_TIMEOUT_MS": "0"}, 0),
    ],
)
def test_the_workers_time_out_is_obeyed(environ: dict[str, str], milliseconds: int) -> None:
    assert read(environ=environ).scoring_timeout_ms == milliseconds


@pytest.mark.parametrize(
    ("environ", "remark"),
    [
        (
            {"FAIRLEAD_MAX_QUEUE_WAIT": "500"},
            "FAIRLEAD_MAX_QUEUE_WAIT is none of the settings, and does nothing. Is "
            "FAIRLEAD_MAX_QUEUE_WAIT_MS meant?",
        ),
        ({"FAIRLEAD_XYZZY": "1"}, "FAIRLEAD_XYZZY is none of the settings, and does nothing."),
        (
            {"SEPERATE_HEALTH_ENDPOINT": "1"},
            "SEPERATE_HEALTH_ENDPOINT is '1', but should be true or false; it is false.",
        ),
        (
            {"AML_APP_INSIGHTS_ENABLED": "True"},
            "AML_APP_INSIGHTS_ENABLED does nothing: there are metrics at /metrics instead.",
        ),
        (
            {"WORKER_PRELOAD": "true"},
            "WORKER_PRELOAD does nothing: each process loads the script for itself.",
        ),
    ],
)
def test_a_setting_that_does_nothing_is_named(environ: dict[str, str], remark: str) -> None:
    found = read(environ=environ)
    assert found.remarks == (remark,)
    assert found.environ["AML_APP_INSIGHTS_ENABLED"] == "false"


def test_what_is_not_there_is_named(app: Path) -> None:
    layout = read(environ={"AML_APP_ROOT": str(app)}).layout
    assert list(layout_remarks(layout)) == [
        "Either provide an entry_script using --entry_script or provide a path to the "
        "configuration file using --config_file: none is named, and there is no main.py in "
        f"{app}.",
    ]
    environ = {"AML_APP_ROOT": str(app), "AZUREML_ENTRY_SCRIPT": "src/score.py"}
    assert list(layout_remarks(read(environ=environ).layout)) == []


def test_a_debugger_attaches_on_loopback_unless_another_address_is_named() -> None:
    read_debug = read(environ={"FAIRLEAD_DEBUG": "true"}).debug
    assert (read_debug.listen_host, read_debug.listen_port) == ("127.0.0.1", 5678)
    named = {"FAIRLEAD_DEBUG": "true", "FAIRLEAD_DEBUG_HOST": "0.0.0.0", "FAIRLEAD_DEBUG_PORT": "1"}
    told = read(environ=named).debug.as_json()
    assert told is not None
    assert (told["listen_host"], told["listen_port"]) == ("0.0.0.0", 1)
    assert read().debug.as_json() is None
    waiting = read(environ={**named, "FAIRLEAD_DEBUG_WAIT_SECONDS": "30"}).debug
    assert (waiting.wait_s, waiting.without_wait.wait_s) == (30, 0)
    assert waiting.without_wait.listen_port == 1
    with pytest.raises(SettingsError, match="FAIRLEAD_DEBUG_HOST is 'all', but must be"):
        read(environ={**named, "FAIRLEAD_DEBUG_HOST": "all"})


def test_an_edited_source_is_read_from_a_folder_of_its_own_once_it_is_there(
    app: Path, tmp_path: Path
) -> None:
    edits = tmp_path / "edits"
    environ = {
        "AML_APP_ROOT": str(app),
        "AZUREML_ENTRY_SCRIPT": "src/score.py",
        "AZUREML_SOURCE_DIRECTORY": "src",
        "FAIRLEAD_DEBUG_EDITS": str(edits),
    }
    assert read(environ=environ).debug.edits is None
    found = read(environ={**environ, "FAIRLEAD_DEBUG": "true"})
    assert (found.debug.edits, found.edits) == (edits, None)
    assert found.start_frame["layout"]["script"] == f"{app}/src/score.py"
    edits.mkdir()
    assert found.edits == edits
    layout = found.start_frame["layout"]
    assert layout["app_root"] == str(edits)
    assert (layout["script"], layout["source"]) == (f"{edits}/src/score.py", f"{edits}/src")
    outside = found.layout._replace(script=Path("/elsewhere/score.py"), source=None).moved(edits)
    assert (outside.script, outside.source) == (Path("/elsewhere/score.py"), None)


def test_the_settings_in_force_are_told() -> None:
    assert list(summary(read())) == [
        "Script main.py; port 5001; 1 process",
        "Limits: run() 3600000 ms; wait for a slot no limit, no limit; body 100 MB, all bodies 512 "
        "MB; head 30 s, body 300 s, answer 30 s; drain 5 s",
        "Keys: none, everybody may call; CORS: off; debug mode: off",
    ]
    environ = {
        "FAIRLEAD_KEYS_DIR": "/keys",
        "FAIRLEAD_DEBUG": "true",
        "AML_CORS_ORIGINS": "https://a.example",
        "FAIRLEAD_MAX_QUEUE_WAIT_MS": "500",
        "FAIRLEAD_METRICS_PORT": "9090",
        "SEPERATE_HEALTH_ENDPOINT": "true",
        "FAIRLEAD_MAX_CONCURRENT_REQUESTS": "2",
        "FAIRLEAD_BODY_BUDGET_MB": "50",
        "SCORING_TIMEOUT_MS": "0",
    }
    assert list(summary(read(environ=environ))) == [
        "Script main.py; port 5001, health also at 5000, metrics at 9090; 2 processes",
        "Limits: run() no limit; wait for a slot 0.5 s, 20 requests; body 50 MB, all bodies 50 MB; "
        "head 30 s, body 300 s, answer 30 s; drain 5 s",
        "Keys: read from /keys; CORS: https://a.example; debug mode: ON: never in production",
    ]


@pytest.mark.parametrize(
    ("memory_mb", "budget_mb"), [(None, 512), (4096, 512), (1024, 256), (100, 25)]
)
def test_bodies_never_take_more_than_a_quarter_of_the_memory(
    memory_mb: int | None, budget_mb: int
) -> None:
    memory = None if memory_mb is None else memory_mb * 2**20
    limits = read_settings([], {}, memory).read_limits
    assert limits.body_budget_bytes == budget_mb * 2**20
    assert limits.largest_body_bytes == min(budget_mb, 100) * 2**20
    by_budget = budget_mb < 100
    assert ("BUDGET" in limits.largest_body_setting) is by_budget


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        pytest.param({"memory.max": "268435456\n"}, 268_435_456, id="cgroup v2"),
        pytest.param({"memory.max": "max\n"}, None, id="cgroup v2, no limit"),
        pytest.param({"memory.limit_in_bytes": "1048576\n"}, 2**20, id="cgroup v1"),
        pytest.param(
            {"memory.limit_in_bytes": "9223372036854771712\n"}, None, id="cgroup v1, no limit"
        ),
        pytest.param({}, None, id="neither"),
    ],
)
def test_the_containers_memory_is_read(
    tmp_path: Path, files: dict[str, str], limit: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    names = ("memory.max", "memory.limit_in_bytes")
    assert memory_limit_bytes([tmp_path / name for name in names]) == limit


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("-5", 0),
        (" 70 ", 70),
        ("1000.0", 1000),
        ("+5", 5),
        ("1000.00", 1000),
        ("1_000", 1000),
    ],
)
def test_a_time_out_of_nothing_is_none(text: str, milliseconds: int) -> None:
    assert read(environ={"SCORING_TIMEOUT_MS": text}).scoring_timeout_ms == milliseconds


@pytest.mark.parametrize(
    ("file", "environ"),
    [
        ("config.json", {}),
        ("src/config.json", {"AZUREML_ENTRY_SCRIPT": "src/score.py"}),
        ("src/other.json", {"AZUREML_CONFIG_FILE": "{app}/src/other.json"}),
    ],
)
def test_the_config_file_is_found(app: Path, file: str, environ: dict[str, str]) -> None:
    (app / file).write_text(json.dumps({"SERVICE_NAME": "from the file"}))
    environ = {name: value.format(app=app) for name, value in environ.items()}
    found = read(environ={"AML_APP_ROOT": str(app), **environ})
    assert found.swagger["title"] == "from the file"


def test_the_config_file_can_be_named_on_the_command_line(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(app)
    (app / "my.json").write_text(json.dumps({"AZUREML_ENTRY_SCRIPT": "src/score.py"}))
    assert read("--config_file", "my.json").layout.script == app / "src" / "score.py"


def test_the_environment_goes_before_the_config_file(app: Path) -> None:
    content = {
        "SERVICE_NAME": "from the file",
        "SERVICE_VERSION": "9",
        "SCORING_TIMEOUT_MS": 70,
        "FAIRLEAD_DRAIN_SECONDS": 1.5,
        "AML_CORS_ORIGINS": "*",
        "AML_APP_ROOT": "/elsewhere",
        "anything": ["else"],
        "WORKSPACE_NAME": None,
    }
    (app / "config.json").write_text(json.dumps(content))
    found = read(environ={"AML_APP_ROOT": str(app), "SERVICE_NAME": "from the environment"})
    assert found.swagger == {"title": "from the environment", "version": "9", "prefix": ""}
    assert (found.scoring_timeout_ms, found.drain_s) == (70, 1.5)
    assert (found.cors_origins, found.layout.app_root) == (None, app)
    assert "SERVICE_VERSION" not in found.environ


def test_an_empty_config_file_is_none(app: Path) -> None:
    (app / "config.json").touch()
    assert read(environ={"AML_APP_ROOT": str(app)}).swagger == SWAGGER


@pytest.mark.parametrize("content", ["{", "[]", "1", "\x00", "[" * 100_000])
def test_a_broken_config_file_is_refused_in_the_reference_servers_words(
    app: Path, content: str
) -> None:
    (app / "config.json").write_text(content)
    with pytest.raises(SettingsError, match=r"^Invalid config file!: ") as refused:
        read(environ={"AML_APP_ROOT": str(app)})
    assert refused.value.code == 3


@pytest.mark.parametrize(
    ("content", "name", "what"),
    [
        ({"SERVICE_NAME": 5}, "SERVICE_NAME", "Input should be a valid string"),
        (
            {"SCORING_TIMEOUT_MS": "soon"},
            "SCORING_TIMEOUT_MS",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
    ],
)
def test_a_wrong_value_gets_the_reference_servers_block(
    app: Path, content: dict[str, object], name: str, what: str
) -> None:
    (app / "config.json").write_text(json.dumps(content))
    with pytest.raises(SettingsError) as refused:
        read(environ={"AML_APP_ROOT": str(app)})
    assert refused.value.code == 3
    assert str(refused.value) == (
        "\n===============Configuration Error=================\n"
        f"{name}: {what} (environment variable: {name})\n"
        "==================================================="
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FAIRLEAD_PORT", "0"),
        ("FAIRLEAD_PORT", "65536"),
        ("FAIRLEAD_MAX_CONCURRENT_REQUESTS", "0"),
        ("FAIRLEAD_MAX_CONCURRENT_REQUESTS", "1.5"),
        ("FAIRLEAD_MAX_QUEUE_WAIT_MS", "-1"),
        ("FAIRLEAD_QUEUE_LIMIT", "many"),
        ("FAIRLEAD_SLOT_MODE", "fibre"),
        ("FAIRLEAD_MAX_BODY_MB", "0"),
        ("FAIRLEAD_HEAD_SECONDS", "0"),
        ("FAIRLEAD_BODY_BUDGET_MB", "0"),
        ("FAIRLEAD_WRITE_SECONDS", "soon"),
        ("FAIRLEAD_METRICS_PORT", "65536"),
        ("FAIRLEAD_DEBUG", "1"),
        ("WORKER_TIMEOUT", "5s"),
        ("FAIRLEAD_DRAIN_SECONDS", "nan"),
        ("FAIRLEAD_DRAIN_SECONDS", "inf"),
        ("FAIRLEAD_DRAIN_SECONDS", "soon"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is '{value}', but must be") as refused:
        read(environ={name: value})
    assert refused.value.code == 2


def test_origins_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(SettingsError, match="AML_CORS_ORIGINS cannot be used: '\\[' is no regular"):
        read(environ={"AML_CORS_ORIGINS": "https://a.example,["})


@pytest.mark.parametrize(
    "arguments", [["--nope"], ["--port", "0"], ["--worker_count", "x"], ["--a", "score.py"]]
)
def test_a_wrong_command_line_gets_the_help_and_code_1(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        read(*arguments)
    assert left.value.code == 1
    said = capsys.readouterr()
    assert "--entry_script" in said.out
    assert said.err.startswith("fairlead-scoring: error: ")
