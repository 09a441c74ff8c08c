import ast
from collections.abc import Collection

import pytest

from fairlead.inputs.import_names import BRINGS, DISTRIBUTIONS, with_what_they_bring
from fairlead.inputs.script_uses import MAX_USES, Use, script_uses

SCRIPT = """\
import json, numpy as np
import os.path
from sklearn.linear_model import Ridge
from . import neighbours
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas
else:
    import scipy

try:
    import cupy
except ImportError:
    import numpy
else:
    import numba

def init():
    from azureml.core.model import Model
    import numpy
    Model.get_model_path("ridge", 3)
    Model.get_model_path(model_name="lasso")
    Model.get_model_path(name)
    get_model_path('ridge')
"""


def imports(text: str) -> Collection[str]:
    return [use.name for use in script_uses(ast.parse(text)).imports]


def test_each_name_is_told_once_with_its_first_line() -> None:
    uses = script_uses(ast.parse(SCRIPT))
    assert [(use.name, use.line) for use in uses.imports] == [
        ("json", 1),
        ("numpy", 1),
        ("os", 2),
        ("sklearn", 3),
        ("typing", 5),
        ("numba", 17),
        ("azureml", 20),
    ]
    assert uses.models == (Use("ridge", 22), Use("lasso", 23))


@pytest.mark.parametrize(
    "text",
    [
        "if typing.TYPE_CHECKING:\n    import numpy\n",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n",
        "import sys\nif sys.version_info[0] < 3:\n    import numpy\n",
        "if __name__ == '__main__':\n    import numpy\n",
        "with suppress(ImportError):\n    import numpy\n",
        "from .numpy import array\n",
        f"import {'x' * 101}\n",
        "get_model_path()\nimportlib.import_module('numpy')\n",
    ],
)
def test_what_may_be_absent_is_not_told(text: str) -> None:
    assert [name for name in imports(text) if name != "sys"] == []


def test_a_function_of_the_scripts_own_looks_up_what_it_likes() -> None:
    text = "def get_model_path(name):\n    return name\n\nget_model_path('a')\n"
    assert script_uses(ast.parse(text)).models == ()
    [use] = script_uses(ast.parse(f"{text}Model.get_model_path('b')\n")).models
    assert use.name == "b"


def test_what_one_script_tells_is_bounded() -> None:
    assert len(imports("".join(f"import m{number}\n" for number in range(500)))) == MAX_USES


def test_the_tables_name_distributions_as_an_index_does() -> None:
    named = {name for names in DISTRIBUTIONS.values() for name in names}
    named |= {name for bringer, names in BRINGS.items() for name in (bringer, *names)}
    assert {name for name in named if name != name.lower() or "_" in name} == set()


def test_what_packages_bring_is_there_as_well() -> None:
    assert with_what_they_bring(["scikit-learn"]) >= {"scikit-learn", "numpy", "joblib"}
    assert with_what_they_bring(["unheard-of"]) == {"unheard-of"}
