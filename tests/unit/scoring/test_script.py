from pathlib import Path

import pytest

from fairlead_scoring.slot.inputs import Plain
from fairlead_scoring.slot.script import Script, UserScriptError, load

INIT = "def init():\n    pass\n\n\n"


def loaded(folder: Path, text: str, name: str = "score.py") -> Script:
    path = folder / name
    path.write_text(text)
    return load(path)


@pytest.mark.parametrize(
    ("run", "data_name", "takes_headers"),
    [
        ("def run(data):\n    ...\n", "data", False),
        ("def run(raw, scale=1):\n    ...\n", "raw", False),
        ("def run(request_headers, data):\n    ...\n", "data", True),
        ("def run(*, data, request_headers):\n    ...\n", "data", True),
        ("run = lambda data: data\n", "data", False),
        ("class Run:\n    def __call__(self, x):\n        ...\n\n\nrun = Run()\n", "x", False),
    ],
)
def test_run_is_called_by_the_name_of_its_first_parameter(
    tmp_path: Path, run: str, data_name: str, *, takes_headers: bool
) -> None:
    script = loaded(tmp_path, INIT + run)
    assert (script.input, script.takes_headers) == (Plain(data_name), takes_headers)


@pytest.mark.parametrize(
    ("text", "stage", "words"),
    [
        pytest.param(
            "def run(data):\n    ...\n", "script",
            "User script at {path} does not have a init() function defined.", id="no init()",
        ),
        pytest.param(
            INIT, "script",
            "User script at {path} does not have a run() function defined.", id="no run()",
        ),
        pytest.param(
            f"{INIT}def run():\n    ...\n", "script",
            "run() needs to accept an argument for input data.", id="run() takes nothing",
        ),
        pytest.param(
            f"{INIT}def run(request_headers):\n    ...\n", "script",
            'run() needs to accept an argument other than "request_headers".', id="only headers",
        ),
        pytest.param(
            f"{INIT}def run(data, /):\n    ...\n", "script",
            "run() cannot accept positional-only arguments, *args, or **kwargs.", id="by position",
        ),
        pytest.param(
            f"{INIT}def run(data, **more):\n    ...\n", "script",
            "run() cannot accept positional-only arguments, *args, or **kwargs.", id="anything",
        ),
        pytest.param(
            f"{INIT}run = 3\n", "script",
            "run is not a function: 3 is not a callable object.", id="a number",
        ),
        pytest.param(
            "raise KeyboardInterrupt\n", "import",
            "Failed to import user script because it raised an unhandled exception", id="raises",
        ),
    ],
)  # fmt: skip
def test_what_cannot_serve_is_refused_in_the_reference_servers_words(
    tmp_path: Path, text: str, stage: str, words: str
) -> None:
    with pytest.raises(UserScriptError) as refused:
        loaded(tmp_path, text)
    said = words.replace("{path}", str(tmp_path / "score.py"))
    assert (refused.value.stage, str(refused.value)) == (stage, said)


def test_a_script_must_be_a_python_file(tmp_path: Path) -> None:
    with pytest.raises(UserScriptError, match=r"score\.txt does not end in \.py"):
        loaded(tmp_path, INIT, "score.txt")


def test_init_may_not_even_exit(tmp_path: Path) -> None:
    script = loaded(tmp_path, "def init():\n    raise SystemExit(0)\n\n\ndef run(data):\n    ...\n")
    with pytest.raises(UserScriptError, match="User's init function failed") as refused:
        script.start()
    assert isinstance(refused.value.__cause__, SystemExit)
