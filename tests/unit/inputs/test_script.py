"""What is said of an entry script before anything is built."""

import sys

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.finding import Finding
from fairlead.inputs.script import read_script

GUIDE = b"""import json
import numpy as np
from sklearn.externals import joblib
from azureml.core.model import Model

def init():
    global model
    model_path = Model.get_model_path('sklearn_regression_model.pkl')
    model = joblib.load(model_path)

def run(data):
    data = json.loads(data)['data']
    return json.dumps({"result": model.predict(np.array(data)).tolist()})
"""
NEWER = (3, sys.version_info.minor + 1)


def check(script: str | bytes, python: tuple[int, int] | None = None) -> Finding | None:
    content = script.encode() if isinstance(script, str) else script
    found = read_script(content, "score.py", python)
    return found if isinstance(found, Finding) else None


def told(script: str | bytes, python: tuple[int, int] | None = None) -> str:
    finding = check(script, python)
    assert finding
    return finding.message


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(GUIDE, id="the guide's"),
        pytest.param("from serving import *", id="a star import may bring both"),
        pytest.param("from serving import init, answer as run", id="imported"),
        pytest.param("def init(): ...\nrun = lambda data: data", id="assigned"),
        pytest.param("init, run = make()", id="unpacked"),
        pytest.param("if (init := make()):\n    run: object = init", id="walrus, annotated"),
        pytest.param(
            "def init(): ...\ntry:\n    from fast import run\nexcept ImportError:\n"
            "    def run(*anything): ...",
            id="in a try, where only running it can tell which",
        ),
        pytest.param("globals().update(init=int, run=str)", id="made while it runs"),
        pytest.param("def __getattr__(name): return print", id="looked up while it runs"),
        pytest.param("exec(open('serving.py').read())", id="executed"),
        pytest.param("for n in ('init', 'run'): globals()[n] = make(n)", id="in the dictionary"),
        pytest.param("names = globals()\nnames['run'] = names['init'] = f", id="by another name"),
        pytest.param("locals()['run'] = locals()['init'] = f", id="in locals()"),
        pytest.param("exec_here = globals\nserve(exec_here())", id="without a call"),
        pytest.param(
            "import sys\nsetattr(sys.modules[__name__], 'run', f)", id="an attribute of the module"
        ),
        pytest.param("import sys\nsys.modules[__name__].run = f", id="assigned to the module"),
        pytest.param(
            "import importlib\nfill(importlib.import_module(__name__))", id="handed to a function"
        ),
        pytest.param("def make():\n    global init, run\n    init = run = f", id="global"),
        pytest.param("globals()['init'] = globals()['run'] = f", id="written out"),
        pytest.param("def f():\n    from serving import *", id="a star where none may stand"),
        pytest.param("match f:\n    case [init, run]: pass", id="matched"),
        pytest.param("[init := run for run in ()] or (run := 1)", id="from a comprehension"),
        pytest.param("def f(a=(init := 1), *, b=(run := 2)): ...", id="in a default"),
        pytest.param("def init(*, a=1): ...\ndef run(*, data): ...", id="keyword-only"),
        pytest.param("def init(): ...\ndef run(request_headers, data): ...", id="with headers"),
        pytest.param("def init(): ...\n@wrapped\ndef run(*a, **k): ...", id="a strange decorator"),
        pytest.param("\ufeffdef init(): ...\r\ndef run(data): ...\r\n", id="from Windows"),
        pytest.param("# coding: latin-1\ninit = run = 'é'".encode("latin-1"), id="latin-1, said"),
    ],
)
def test_what_the_server_can_serve_is_left_alone(script: str | bytes) -> None:
    assert check(script) is None


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (GUIDE.replace(b"def run", b"def score"), "score.py: no run() is defined at the top level"),
        (GUIDE.replace(b"run(data)", b"run()"), "score.py:11: run() has no parameter for the req"),
        (
            GUIDE.replace(b"def run", b"async def run"),
            "score.py:11: run() is async, and the server",
        ),
        (GUIDE.replace(b"init()", b"init(path)"), "score.py:6: init() is called without arguments"),
    ],
)
def test_global_in_a_function_hides_nothing(script: bytes, message: str) -> None:
    """Nearly every v1 script has ``global model`` in ``init()``."""
    assert told(script).startswith(message)


def test_what_a_function_binds_again_has_no_signature_that_is_known() -> None:
    script = "def init():\n    global run\n    run = load()\n\ndef run(): ...\n"
    assert check(script) is None


@pytest.mark.parametrize(
    "expression",
    [
        " + ".join(["1"] * 600),
        " + ".join(["x"] * 2000),
        "f" + "(1)" * 1000,
        "(" * 150 + ")" * 150,
        "a" + ".b" * 1000,
    ],
)
def test_a_deep_expression_is_read(expression: str) -> None:
    assert check(f"def init(): ...\n@{expression}\ndef run(data): ...") is None
    assert check(f"def init(): ...\nx = {expression}\ndef run(data): ...") is None


def test_a_script_that_does_not_parse_is_told_with_its_line() -> None:
    assert check("import json\n\ndef run(x\n", (3, 11)) == Finding(
        reason=Reason.ENTRY_SCRIPT_INVALID,
        class_=FailureClass.USER,
        message="score.py:3: '(' was never closed: `def run(x`.",
        remedy="Correct it (it was read as Python 3.11).",
        location="score.py:3",
    )


def test_a_script_without_a_known_python_is_told_how_to_name_one() -> None:
    finding = check("print 'x'")
    assert finding
    assert finding.remedy
    assert finding.remedy.endswith("ask for that in the conda file: python=3.x.")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (b"x = 1\ny = '\xe9'", "score.py:2: it is not utf-8."),
        (b"# coding: none-such\n", "score.py:1: unknown encoding: none-such."),
        (b"x\0", "score.py: source code string cannot contain null bytes."),
        ("-" * 50_000 + "1", "score.py: it is nested too deeply to be parsed."),
        ("+".join("1" * 6000), "score.py: it is nested too deeply to be parsed."),
        (b"# coding: zlib\nx", "score.py:1: it is not `zlib`."),
        (b"# coding: punycode\n" + b"a" * 2000 + b"-z", "score.py:1: it is not `punycode`."),
        (b"# coding: undefined\nx", "score.py:1: it is not `undefined`."),
        (b"#" * 300_000, "score.py: it is longer than 256 KiB."),
    ],
)
def test_what_is_no_python_text_at_all(script: str | bytes, message: str) -> None:
    assert told(script) == message


def test_syntax_that_may_be_newer_than_the_operators_is_not_held_against_the_user() -> None:
    assert check("def init(: new syntax", NEWER) is None


def test_what_is_no_text_is_held_against_the_user_whatever_the_python() -> None:
    assert told(b"x = '\xe9'", NEWER) == "score.py:1: it is not UTF-8."


def test_syntax_that_is_too_new_for_the_users_python_is() -> None:
    message = told("try: ...\nexcept* OSError: ...", (3, 10))
    assert message.startswith("score.py:2: Exception groups are only supported in Python 3.11")


def test_everything_that_is_missing_is_said_at_once() -> None:
    assert check("def initialise(): ...") == Finding(
        reason=Reason.ENTRY_SCRIPT_INCOMPLETE,
        class_=FailureClass.USER,
        message="score.py: no init() is defined at the top level; no run() is defined at the top "
        "level.",
        remedy="Define init(): it loads the model once. Define run(): it answers one request, such "
        "as run(data).",
        location="score.py",
    )


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            "class Service:\n    def init(self): ...\n    def run(self, d): ...", id="class"
        ),
        pytest.param("def main():\n    def init(): ...\n    run = 1", id="in a function"),
        pytest.param("init: object\nrun: object", id="a type is no value"),
        pytest.param("[0 for init in [] for run in []]", id="in a comprehension"),
        pytest.param("lambda: (init := 0, run := 0)", id="in a lambda"),
        pytest.param("class A:\n    def __getattr__(self, name): ...", id="of a class"),
        pytest.param("setattr(config, 'debug', True)", id="an attribute of something else"),
        pytest.param("if 'model' not in globals(): model = None", id="looked up"),
        pytest.param("model = globals().get('model') or globals()['model']", id="read"),
        pytest.param("print(len(globals()), sorted(vars()), vars(config))", id="listed"),
        pytest.param("def f():\n    values = locals()\n    vars().update(run=1)", id="its own"),
        pytest.param(
            "import sys\nsys.modules['sklearn.externals.joblib'] = joblib\n"
            "path = sys.modules[__name__].__file__",
            id="another module",
        ),
        pytest.param("cursor.exec('SELECT 1')", id="a method"),
        pytest.param("def f():\n    global model\n    model = load()", id="global of others"),
    ],
)
def test_a_name_that_is_bound_elsewhere_is_not_found(script: str) -> None:
    finding = check(script)
    assert finding
    assert finding.message.count("is defined at the top level") == 2


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("def run(): ...", "run() has no parameter for the request"),
        ("def run(request_headers): ...", "run() has no parameter for the request"),
        ("def run(*data): ...", "run() may not have *data"),
        ("def run(data, **rest): ...", "run() may not have **rest"),
        ("def run(data, /): ...", "run() may not have positional-only parameters (before the /)"),
        (
            "async def run(data): ...",
            "run() is async, and the server answers 500 to every request of such a script",
        ),
        (
            "@rawhttp\n@input_schema('data', sample)\ndef run(data): ...",
            "run() has both @input_schema and @rawhttp",
        ),
    ],
)
def test_a_run_that_the_server_would_refuse(run: str, message: str) -> None:
    line = run[: run.index("def ")].count("\n") + 2
    assert told(f"def init(): ...\n{run}") == f"score.py:{line}: {message}."


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("def init(model): ...", "init() is called without arguments"),
        ("def init(*, model): ...", "init() is called without arguments"),
        ("async def init(): ...", "init() is async, so calling it does nothing"),
    ],
)
def test_an_init_that_cannot_be_called(init: str, message: str) -> None:
    assert told(f"{init}\ndef run(data): ...") == f"score.py:1: {message}."
