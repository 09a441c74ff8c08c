"""Folders of MLflow are recognised, and whatever else calls itself MLmodel is not."""

import time

import pytest

from fairlead.api.model import MlflowModel
from fairlead.inputs.mlflow import MAX_REQUIREMENTS_CHARS, read_mlflow

MLMODEL = b"""
artifact_path: model
flavors:
  python_function:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.sklearn
    python_version: 3.11.4
  sklearn:
    pickled_model: model.pkl
    sklearn_version: 1.3.0
utc_time_created: '2026-11-26 10:00:00.000000'
"""


def test_its_flavors_its_python_and_its_packages_are_told() -> None:
    lines = b"mlflow==2.9\n\n# a comment\n--index-url https://u:p@h/\nnumpy==1.26 # why\n"
    assert read_mlflow(MLMODEL, lines) == MlflowModel(
        flavors=("python_function", "sklearn"),
        python_version="3.11.4",
        requirements=("mlflow==2.9", "numpy==1.26"),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"flavors: []",
        b"flavors: {}",
        b"flavors: {'a b': 1}",
        b"a: &a {x: 1}\nflavors: {f: *a}",
        b"flavors: " + b"[" * 1000,
        b"flavors: " + b"{f: " * 30 + b"1" + b"}" * 30,
        b"flavors: {f: [" + b"1," * 30_000 + b"1]}",
        b"\xff\xfe",
        b"flavors: {f: 2026-99-99}",
        b"? [1]\n: 2\nflavors: {f: 1}",
        b"flavors: {f: !!python/object/apply:os.system ['true']}",
    ],
)
def test_what_is_no_mlmodel_is_none(content: bytes) -> None:
    began = time.monotonic()
    assert read_mlflow(content, b"") is None
    assert time.monotonic() - began < 5


def test_a_python_that_is_none_is_left_out() -> None:
    assert read_mlflow(b"flavors: {python_function: {python_version: [1]}}", b"") == MlflowModel(
        flavors=("python_function",)
    )


def test_a_status_has_room_for_some_packages_and_shows_no_secret() -> None:
    many = "".join(f"package-{number}==1.0\n" for number in range(1000)).encode()
    found = read_mlflow(b"flavors: {f: 1}", b"x @ https://me:secret@h/x.whl\n" + many)
    assert found is not None
    assert found.requirements[0] == "x @ https://***@h/x.whl"
    assert sum(map(len, found.requirements)) <= MAX_REQUIREMENTS_CHARS


def test_a_line_of_which_nothing_can_be_shown_is_none() -> None:
    found = read_mlflow(MLMODEL, b"\x1b[0m\nnumpy\n\x01\n\x7f\n")
    assert found
    assert found.requirements == ("numpy",)
