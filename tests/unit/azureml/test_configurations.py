"""InferenceConfig, image_configuration, Environment: what is checked, and the source they make."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.azureml.base_dockerfile import base_and_steps
from fairlead.azureml.code import code_of, source_of
from fairlead.azureml.core.conda_dependencies import CondaDependencies
from fairlead.azureml.core.environment import ContainerRegistry, Environment
from fairlead.azureml.core.image import ContainerImage
from fairlead.azureml.core.model import InferenceConfig
from fairlead.azureml.exceptions import (
    UnsupportedError,
    UserErrorException,
    WebserviceException,
)

SCRIPT = b"def init():\n    pass\n\n\ndef run(data):\n    return data\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_bytes(SCRIPT)
    (tmp_path / "myenv.yml").write_text("dependencies: [{pip: [numpy]}]\n")
    (tmp_path / "Dockerfile.steps").write_text("RUN true\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/score.py").write_bytes(SCRIPT)
    (tmp_path / "src/sibling.py").write_text("X = 1\n")
    return tmp_path


def image(**given: Any) -> Any:
    whole = {"execution_script": "score.py", "runtime": "python", **given}
    return ContainerImage.image_configuration(**whole)


def test_the_guides_image() -> None:
    config = image(conda_file="myenv.yml", docker_file="Dockerfile.steps")
    files, fields = source_of(code_of(config))
    assert fields == {
        "entryScript": "score.py",
        "condaFile": "myenv.yml",
        "dockerFile": "Dockerfile.steps",
    }
    assert files["score.py"] == SCRIPT
    assert set(files) == {"score.py", "myenv.yml", "Dockerfile.steps"}


def test_the_guide_calls_the_script_by_two_names() -> None:
    named = ContainerImage.image_configuration(runtime="python", entry_script="score.py")
    assert named.execution_script == "score.py"
    both: dict[str, Any] = {"entry_script": "score.py", "execution_script": "score.py"}
    for wrong in ({}, both):
        with pytest.raises(WebserviceException, match="Give the script"):
            ContainerImage.image_configuration(runtime="python", **wrong)
    with pytest.raises(WebserviceException, match="runtime"):
        ContainerImage.image_configuration("score.py")


def test_dependencies_go_with_the_script() -> None:
    config = image(dependencies=["./src", "Dockerfile.steps"], schema_file="myenv.yml")
    files, _ = source_of(code_of(config))
    assert set(files) == {
        *("score.py", "src/score.py", "src/sibling.py", "Dockerfile.steps", "myenv.yml"),
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"execution_script": "/a/score.py"}, "Unable to use absolute path for execution script."),
        ({"execution_script": "../score.py"}, "not in current directory"),
        ({"execution_script": "none.py"}, "Execution script none.py doesn't exist. "),
        ({"runtime": "ruby"}, "Possible runtimes are: spark-py|python"),
        ({"conda_file": "no.yml"}, "Conda file no.yml doesn't exist. "),
        ({"docker_file": "no"}, "Docker file no doesn't exist. "),
        ({"dependencies": ["no"]}, "Dependency no doesn't exist. "),
        ({"schema_file": "no"}, "Schema file no doesn't exist. "),
        ({"cuda_version": "8"}, "Provided cuda_version not supported."),
        (
            {"base_image": "x", "runtime": "spark-py"},
            "Custom base image is not supported for spark-py run time.",
        ),
    ],
)
def test_the_first_mistake_of_an_image_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(WebserviceException, match=said.replace("|", r"\|")):
        image(**given)


def test_a_schema_lies_with_its_script() -> None:
    with pytest.raises(WebserviceException, match="Schema file must be in the same directory"):
        image(execution_script="src/score.py", schema_file="myenv.yml")


def test_a_registry_has_all_three_or_none() -> None:
    registry = ContainerRegistry()
    registry.address = "registry.example.com"
    with pytest.raises(UserErrorException, match="Address, Username and Password"):
        InferenceConfig("score.py", runtime="python", base_image="x", base_image_registry=registry)


def test_spark_and_gpus_without_an_image() -> None:
    with pytest.raises(UnsupportedError, match="spark-py"):
        code_of(image(runtime="spark-py"))
    with pytest.raises(UnsupportedError, match="enable_gpu"):
        code_of(InferenceConfig("score.py", runtime="python", enable_gpu=True))
    config = InferenceConfig("score.py", runtime="python", enable_gpu=True, base_image="cuda:1")
    assert code_of(config).gpu


def test_without_a_folder_the_script_alone_is_the_source() -> None:
    files, fields = source_of(code_of(InferenceConfig("src/score.py", runtime="python")))
    assert (set(files), fields) == ({"score.py"}, {"entryScript": "score.py"})


def test_with_a_folder_all_of_it_is() -> None:
    config = InferenceConfig("score.py", source_directory="src", runtime="python")
    files, fields = source_of(code_of(config))
    assert (set(files), fields) == ({"score.py", "sibling.py"}, {"entryScript": "score.py"})
    with pytest.raises(UserErrorException, match="Source directory no doesn't exist"):
        InferenceConfig("score.py", source_directory="no")


def test_an_environment_excludes_what_says_the_same() -> None:
    with pytest.raises(UserErrorException, match="along with an environment object"):
        InferenceConfig("score.py", conda_file="myenv.yml", environment=Environment("e"))
    both = Environment("e")
    both.docker.base_image, both.docker.base_dockerfile = "a", "FROM b"
    with pytest.raises(UserErrorException, match="not both"):
        InferenceConfig("score.py", environment=both)


def test_an_environment_becomes_files(folder: Path) -> None:
    environment = Environment.from_conda_specification("e", "myenv.yml")
    environment.docker.base_dockerfile = "FROM python:3.11\nRUN true\n"
    environment.environment_variables["A"] = "b"
    code = code_of(InferenceConfig("score.py", source_directory="src", environment=environment))
    files, fields = source_of(code)
    assert yaml.safe_load(files["conda_dependencies.yml"])["dependencies"] == [{"pip": ["numpy"]}]
    assert files["Dockerfile.steps"] == b"RUN true\n"
    assert fields["dockerFile"] == "Dockerfile.steps"
    assert (code.base_image, code.variables) == ("python:3.11", {"A": "b"})
    (folder / "src/conda_dependencies.yml").write_text("something else\n")
    files, fields = source_of(code)
    assert files["conda_dependencies.yml"] == b"something else\n"
    assert fields["condaFile"] == "fairlead-conda_dependencies.yml"


def test_packages_of_the_base_image_alone() -> None:
    environment = Environment.from_docker_image("e", "registry.example.com/team/all:1")
    code = code_of(InferenceConfig("score.py", environment=environment))
    assert (code.conda, code.base_image) == (None, "registry.example.com/team/all:1")


def test_a_conda_file_that_is_named() -> None:
    environment = Environment("e")
    environment.python.conda_dependencies_file = "myenv.yml"
    assert "numpy" in (code_of(InferenceConfig("score.py", environment=environment)).conda or "")
    environment.python.conda_dependencies_file = environment.python.conda_dependencies = None
    assert code_of(InferenceConfig("score.py", environment=environment)).conda is None


def test_requirements_become_pips_list(folder: Path) -> None:
    (folder / "r.txt").write_text("# words\n--pre\nnumpy==2\n\nnumpy==3\n")
    made = Environment.from_pip_requirements("e", "r.txt", pip_version="24")
    assert made.python.conda_dependencies is not None
    assert made.python.conda_dependencies.as_dict()["dependencies"] == [
        "pip=24",
        {"pip": ["--pre", "numpy==3"]},
    ]
    both = Environment.from_dockerfile("e", "FROM x", pip_requirements="r.txt")
    assert both.python.conda_dependencies is not None
    with pytest.raises(UserErrorException, match="not both"):
        Environment.from_docker_image("e", "x", None, "myenv.yml", "r.txt")
    with pytest.raises(UserErrorException, match="cannot be read"):
        Environment.from_pip_requirements("e", "none.txt")


def test_a_dockerfile_by_its_path_or_its_text(folder: Path) -> None:
    (folder / "D").write_text("FROM y\n")
    by_path = Environment.from_dockerfile("e", "D", conda_specification="myenv.yml")
    assert by_path.docker.base_dockerfile == "FROM y\n"
    assert Environment.from_dockerfile("e", "FROM x").docker.base_dockerfile == "FROM x"


def test_a_folder_of_an_environment(folder: Path) -> None:
    made = Environment.from_conda_specification("e", "myenv.yml")
    made.environment_variables["A"] = "b"
    made.docker.base_image_registry.password = "secret"
    made.save_to_directory("saved")
    assert "secret" not in (folder / "saved/azureml_environment.json").read_text()
    again = Environment.load_from_directory("saved")
    assert again.content() == made.content()
    assert json.loads(repr(again))["name"] == "e"
    with pytest.raises(UserErrorException, match="overwrite=True"):
        made.save_to_directory("saved")
    made.save_to_directory("saved", overwrite=True)
    (folder / "saved/azureml_environment.json").write_text("[]")
    with pytest.raises(UserErrorException, match="holds no environment"):
        Environment.load_from_directory("saved")
    with pytest.raises(UserErrorException, match="cannot be read"):
        Environment.load_from_directory("none")


def test_a_clone_is_another_one() -> None:
    made = Environment("e")
    cloned = made.clone("f")
    assert cloned.python.conda_dependencies is not None
    cloned.python.conda_dependencies.add_pip_package("x")
    assert made.python.conda_dependencies == CondaDependencies()
    assert cloned.name == "f"


def test_what_environments_of_v1_could_too() -> None:
    with pytest.raises(UnsupportedError, match="conda env export"):
        Environment.from_existing_conda_environment("e", "base")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("FROM x", ("x", "")),
        ("# words\n\nfrom  x:1 as base \nRUN a\n\nCOPY b c\n", ("x:1", "RUN a\n\nCOPY b c\n")),
        ("FROM --platform=linux/amd64 x@sha256:1\n", ("x@sha256:1", "")),
    ],
)
def test_dockerfiles(text: str, made: tuple[str, str]) -> None:
    assert base_and_steps(text) == made


@pytest.mark.parametrize("text", ["FROM a\nFROM b\n", "FROM $X\n", "ARG X\nFROM $X\n"])
def test_dockerfiles_that_say_too_much(text: str) -> None:
    with pytest.raises(UnsupportedError):
        base_and_steps(text)


@pytest.mark.parametrize("text", ["", "# words", "RUN x\n"])
def test_what_is_no_dockerfile(text: str) -> None:
    with pytest.raises(UserErrorException, match="does not begin with FROM"):
        base_and_steps(text)


def test_what_is_no_configuration() -> None:
    wrong: Any = type("X", (), {"validate_configuration": lambda _: None})()
    with pytest.raises(WebserviceException, match="is needed"):
        code_of(wrong)


def test_a_folder_is_sent_without_what_its_ignore_file_names() -> None:
    Path("src/.amlignore").write_text("sibling.py\nscore.py\n")
    config = InferenceConfig("score.py", source_directory="src", runtime="python")
    files, _ = source_of(code_of(config))
    assert set(files) == {".amlignore", "score.py"}
