"""Conda files, made and changed in Python."""

from pathlib import Path

import pytest
import yaml

from fairlead.azureml.dependencies import CondaDependencies
from fairlead.azureml.exceptions import UserErrorException


def content(made: CondaDependencies) -> object:
    return yaml.safe_load(made.serialize_to_string())


def test_the_guides_file() -> None:
    made = CondaDependencies.create(
        conda_packages=["numpy==1.15.4", "scikit-learn==0.19.1"],
        pip_packages=["azureml-defaults==1.0.17", "ptvsd"],
    )
    assert content(made) == {
        "name": "project_environment",
        "dependencies": [
            "numpy==1.15.4",
            "scikit-learn==0.19.1",
            {"pip": ["azureml-defaults==1.0.17", "ptvsd"]},
        ],
    }


def test_of_itself_it_has_the_server() -> None:
    assert list(CondaDependencies().pip_packages) == ["azureml-defaults"]
    assert list(CondaDependencies.create().pip_packages) == ["azureml-defaults"]
    assert list(CondaDependencies.create(pip_packages=[]).pip_packages) == []


def test_a_package_of_the_same_name_is_replaced() -> None:
    made = CondaDependencies.create(pip_packages=["numpy==1", "scikit_learn"])
    made.add_pip_package("NumPy>=2")
    made.add_pip_package("scikit-learn==1.5")
    made.add_conda_package("pandas")
    made.add_conda_package("conda-forge::pandas=2")
    assert list(made.pip_packages) == ["NumPy>=2", "scikit-learn==1.5"]
    assert list(made.conda_packages) == ["conda-forge::pandas=2"]


def test_packages_are_removed() -> None:
    made = CondaDependencies.create(pip_packages=["numpy==1", "x"], conda_packages=["a=1", "b"])
    made.remove_pip_package("numpy")
    made.remove_conda_package("a")
    assert (list(made.pip_packages), list(made.conda_packages)) == (["x"], ["b"])


def test_python_channels_and_an_index() -> None:
    made = CondaDependencies.create(
        pip_indexurl="https://index.example.com/simple", python_version="3.11", pip_packages=["x"]
    )
    made.add_channel("conda-forge")
    made.add_channel("conda-forge")
    made.add_channel("other")
    made.remove_channel("other")
    assert made.python_version == "3.11"
    assert list(made.conda_channels) == ["conda-forge"]
    assert content(made) == {
        "name": "project_environment",
        "dependencies": [
            "python=3.11",
            {"pip": ["--index-url https://index.example.com/simple", "x"]},
        ],
        "channels": ["conda-forge"],
    }
    made.set_python_version("python=3.12")
    made.remove_pip_option("--index-url")
    assert (made.get_python_version(), list(made.pip_options)) == ("3.12", [])
    made.set_python_version()
    assert made.get_python_version() is None


def test_a_file_is_read_and_written_whole(tmp_path: Path) -> None:
    text = (
        "name: mine\nchannels: [conda-forge]\nvariables: {A: b}\n"
        "dependencies: [python=3.9, numpy, {pip: [--pre, x==1]}]\n"
    )
    (tmp_path / "in.yml").write_text(text)
    made = CondaDependencies(str(tmp_path / "in.yml"))
    assert made.save_to_file(str(tmp_path / "out"), "conda.yml") == "conda.yml"
    written = (tmp_path / "out/conda.yml").read_text()
    assert yaml.safe_load(written) == yaml.safe_load(text)
    assert CondaDependencies(str(tmp_path / "out/conda.yml")) == made


def test_the_usual_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CondaDependencies().save() == "conda_dependencies.yml"
    assert (tmp_path / "conda_dependencies.yml").is_file()


@pytest.mark.parametrize("text", [b"- a\n", b"a: [", b"\xff\xfe", b"a: &x [1]\nb: *x\n- c"])
def test_what_is_no_conda_file(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x.yml").write_bytes(text)
    with pytest.raises(UserErrorException, match=r"x\.yml"):
        CondaDependencies(str(tmp_path / "x.yml"))


def test_a_file_that_is_not_there_and_both_at_once() -> None:
    with pytest.raises(UserErrorException, match="cannot be read"):
        CondaDependencies("/nowhere.yml")
    with pytest.raises(UserErrorException, match="not both"):
        CondaDependencies("x.yml", _underlying_structure={})


@pytest.mark.parametrize("given", ["numpy", [1]])
def test_packages_are_a_list_of_texts(given: list[str]) -> None:
    with pytest.raises(UserErrorException):
        CondaDependencies.create(pip_packages=given)
