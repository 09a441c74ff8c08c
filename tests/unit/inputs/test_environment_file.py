"""What is read from a conda or requirements file, and every way it is refused."""

import random

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.finding import Finding
from fairlead.inputs.conda import read_conda
from fairlead.inputs.environment import Environment, read_environment
from fairlead.inputs.match_spec import read_match_spec
from fairlead.inputs.requirements import read_requirements
from fairlead.requirement import CondaRecipe, Requirement

GUIDE = """# Conda environment specification. The dependencies defined in this file will
# be automatically provisioned for runs with userManagedDependencies=False.

name: project_environment
dependencies:
  # The python interpreter version.
  # Currently Azure ML only supports 3.5.2 and later.
- python=3.6.2

- pip:
    # Required packages for AzureML execution, history, and data preparation.
  - azureml-defaults==1.0.17
  - ptvsd
- numpy==1.15.4
- scikit-learn==0.19.1
- pandas==0.23.4
channels:
- conda-forge
"""
SHAPE = "Its shape is: `dependencies: [python=3.11, {pip: [numpy==2.1.0, pandas]}]`."


def conda(text: str | bytes) -> Environment | Finding:
    content = text.encode() if isinstance(text, str) else text
    return read_environment(content, "myenv.yml", read_conda)


def requirements(text: str) -> Environment | Finding:
    return read_environment(text.encode(), "requirements.txt", read_requirements)


def refused(read: Environment | Finding) -> Finding:
    assert isinstance(read, Finding)
    assert read.class_ is FailureClass.USER
    return read


def found(read: Environment | Finding) -> Environment:
    assert isinstance(read, Environment)
    return read


def asked(*lines: tuple[str, int]) -> tuple[Requirement, ...]:
    return tuple(Requirement(text=text, line=line) for text, line in lines)


def test_a_conda_file_of_python_and_a_pip_list_is_read_with_its_lines() -> None:
    text = (
        "\ufeffname: credit\r\nchannels: [defaults]\r\nprefix: /home/me/envs\r\ndependencies:\r\n"
        "  - python=3.11\r\n  - pip=19.3\r\n  - pip:\r\n    - numpy == 2.1.0  # exact\r\n"
        "    - \"pandas[excel] >=2,<3 ; python_version < '3.13'\"\r\n"
    )
    assert conda(text) == Environment(
        python="3.11",
        python_line=5,
        requirements=asked(
            ("numpy==2.1.0", 8), ('pandas[excel]<3,>=2; python_version < "3.13"', 9)
        ),
        conda=CondaRecipe(
            channels=asked(("defaults", 2)), packages=asked(("python=3.11", 5), ("pip=19.3", 6))
        ),
    )


def test_a_requirements_file_is_read_with_its_lines_and_hashes() -> None:
    first, second = "a" * 64, "b" * 64
    text = (
        "\ufeff# made by pip-compile\r\nnumpy==2.1.0 \\\r\n"
        f"    --hash=sha256:{first} \\\r\n    --hash sha256:{second}\r\n"
        "    # via pandas\r\n\r\npandas # the newest\r\n"
    )
    hashes = f"--hash=sha256:{first} --hash=sha256:{second}"
    assert requirements(text) == Environment(
        requirements=asked((f"numpy==2.1.0 {hashes}", 2), ("pandas", 7))
    )


def test_a_list_of_500_packages_is_read_and_no_longer_one() -> None:
    lines = [f"package-{number}" for number in range(500)]
    assert len(found(requirements("\n".join(lines))).requirements) == 500
    text = "dependencies:\n- pip:\n" + "".join(f"  - {line}\n" for line in lines)
    assert len(found(conda(text)).requirements) == 500
    for finding in (
        refused(requirements("\n".join([*lines, "one-more"]))),
        refused(conda(f"{text}  - one-more\n")),
        refused(conda("dependencies:\n" + "- numpy\n" * 501)),
    ):
        assert "it asks for more than 500 packages" in finding.message
    assert refused(requirements("x\n" * 60_000)).location == "requirements.txt:501"


def test_the_guides_own_file_is_read() -> None:
    read = found(conda(GUIDE))
    assert (read.python, read.python_line) == ("3.6.2", 8)
    assert read.requirements == asked(("azureml-defaults==1.0.17", 12), ("ptvsd", 13))
    assert read.conda is not None
    lines = ("python=3.6.2", 8), ("numpy==1.15.4", 14), ("scikit-learn==0.19.1", 15)
    assert read.conda.packages == asked(*lines, ("pandas==0.23.4", 16))


@pytest.mark.parametrize(
    ("spec", "python"),
    [
        ("python", None),
        ("python=3", "3"),
        ("python=3.11", "3.11"),
        ("python =3.11.4", "3.11.4"),
        ("python==3.11.*", "3.11"),
        ("python 3.11", "3.11"),
        ("python=3.11.4=h955ad1f_0", "3.11.4"),
        ("python=3.6.2", "3.6.2"),
        ("conda-forge::python=3.12", "3.12"),
        ("python>=3.8", ">=3.8"),
        ("python >=3.8, <3.13", "<3.13,>=3.8"),
        ("python~=3.10", "~=3.10"),
        ("PYTHON=3.10", "3.10"),
    ],
)
def test_condas_ways_to_ask_for_a_python(spec: str, python: str | None) -> None:
    read = found(conda(f"dependencies: [{spec!r}]"))
    assert (read.python, read.python_line, read.requirements) == (python, 1, ())


@pytest.mark.parametrize("spec", ["python=2.7", "python=2", "python=3.5.2", "python<3.6"])
def test_a_python_that_no_script_is_run_on_is_refused(spec: str) -> None:
    finding = refused(conda(f"dependencies:\n- {spec}"))
    assert finding.reason is Reason.PYTHON_UNSUPPORTED
    assert finding.location == "myenv.yml:2"
    assert "scripts are run on Python 3.6 or newer" in finding.message


@pytest.mark.parametrize(
    ("package", "why"),
    [
        ("numpy=", "`numpy=` is no package"),
        ("numpy===1.15", "`numpy===1.15` is no package"),
        ("numpy>=1,,", "`numpy>=1,,` is no package"),
        ("-e .", "`-e .` is no package"),
        ("numpy[url=x]", "`numpy[url=x]` says url= in its brackets, which is not supported"),
        ("a b::numpy", "`a b::numpy` names no channel before `::`"),
        ("https://x.example/a-1-0.conda", "is the address of a file"),
        ("a" * 400, "is too long"),
    ],
)
def test_what_is_no_match_spec_is_refused_with_its_line(package: str, why: str) -> None:
    finding = refused(conda(f"dependencies:\n- python=3.11\n- {package!r}"))
    assert finding.reason is Reason.ENVIRONMENT_FILE_INVALID
    assert finding.location == "myenv.yml:3"
    assert why in finding.message


@pytest.mark.parametrize(
    ("channels", "why"),
    [
        ("[file:///srv/channel]", "`file:///srv/channel` is no channel"),
        ("['a b']", "`a b` is no channel"),
        ("[[conda-forge]]", "`a list or mapping` is no channel"),
        ("[https://c.example/t/ab-cd12/x]", "a channel's address holds a token"),
        ("[t/ab-cd12/x]", "a channel's address holds a token"),
        ("{a: b}", "`channels` must be a list"),
        ("[" + ",".join(f"c{number}" for number in range(30)) + "]", "more than 20 channels"),
    ],
)
def test_what_is_no_channel_is_refused(channels: str, why: str) -> None:
    finding = refused(conda(f"dependencies: [numpy]\nchannels: {channels}"))
    assert finding.location == "myenv.yml:2"
    assert why in finding.message
    assert "ab-cd12" not in finding.message


def test_a_package_of_a_channel_with_a_token_is_refused_and_the_token_not_told() -> None:
    for channel in ("t/ab-cd12/x", "https://c.example/t/ab-cd12/x", "t/ab-cd12"):
        finding = refused(conda(f"dependencies:\n- {channel}::numpy"))
        assert finding.location == "myenv.yml:2"
        assert "a channel's address holds a token" in finding.message
        assert "FAIRLEAD_CONDA_MIRRORS" in (finding.remedy or "")
        assert "ab-cd12" not in finding.message


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ("[A]", "`variables` must be a mapping"),
        ("{1A: x}", "`1A` is no name of a variable"),
        ("{A: [x]}", "the variable `A` has no value"),
        ('{A: "x\\ny"}', "the value of `A` is not one line of text"),
        ("{" + ",".join(f"A{number}: 1" for number in range(300)) + "}", "more than 200 variables"),
    ],
)
def test_what_is_no_variable_is_refused(variables: str, why: str) -> None:
    finding = refused(conda(f"dependencies: [numpy]\nvariables: {variables}"))
    assert finding.location == "myenv.yml:2"
    assert why in finding.message


@pytest.mark.parametrize(
    ("spec", "pinned"),
    [
        *(("numpy=1.15.4", True), ("numpy==1.15", True), ("numpy=1.15=py36_0", True)),
        *(("numpy 1.15.4 py36_0", True), ("x264=1!152.2.3", True), ("numpy 1.15", True)),
        *(("numpy", False), ("numpy=1.15", False), ("numpy>=1", False), ("numpy 1.*", False)),
        *(("numpy=1.15|1.16", False), ("numpy!=1.1", False), ("numpy[version='>=1']", False)),
    ],
)
def test_whether_a_spec_leaves_the_version_open(spec: str, pinned: bool) -> None:  # noqa: FBT001
    assert read_match_spec(spec).pinned is pinned


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        pytest.param("", "myenv.yml: it is empty.", SHAPE, id="empty"),
        pytest.param("- numpy", "myenv.yml: it is no mapping.", SHAPE, id="a list"),
        pytest.param("name: x", "myenv.yml: it has no `dependencies`.", SHAPE, id="no list"),
        pytest.param(
            "dependencies: numpy", "myenv.yml:1: `dependencies` must be a list.", SHAPE, id="text"
        ),
        pytest.param(
            "dependencies:\n- python: 3.11",
            "myenv.yml:2: only text, or `pip:` with a list, may stand here.",
            SHAPE,
            id="a mapping",
        ),
        pytest.param(
            "dependencies:\n- pip:\n  - [numpy]",
            "myenv.yml:3: only text may stand in the list under `pip:`.",
            SHAPE,
            id="a list in the list",
        ),
        pytest.param(
            "dependencies:\n\t- python=3.11",
            "myenv.yml:2: it is not YAML: found character that cannot start any token.",
            "Correct the YAML; indent with spaces, not with tabs.",
            id="a tab",
        ),
        pytest.param(
            "dependencies:\n  - python=3.11\n  -pip:\n    - numpy\n",
            "myenv.yml:3: it is not YAML: in `-pip:` no blank follows the dash.",
            "Write `- pip:`: a dash needs a blank.",
            id="a dash without a blank",
        ),
        pytest.param(
            "dependencies: []\n---\na: b",
            "myenv.yml:2: it is not YAML: but found another document.",
            "Correct the YAML; indent with spaces, not with tabs.",
            id="two documents",
        ),
        pytest.param(
            "[" * 20_000,
            "myenv.yml:1: it is nested too deeply.",
            SHAPE,
            id="too deep",
        ),
        pytest.param(
            "dependencies: []\x00",
            "myenv.yml: it is not YAML: it holds control characters.",
            "Remove the characters.",
            id="a control character",
        ),
        pytest.param(
            "dependencies:\n- pip: &list\n  - numpy\n- pip: *list\n",
            "myenv.yml:4: an alias (`*name`) is not read.",
            "Write out what it stands for.",
            id="an alias",
        ),
        pytest.param(
            "dependencies: [" + "a," * 20_000 + "]",
            "myenv.yml:1: it has too many entries.",
            "Name only what the script imports.",
            id="too many entries",
        ),
        pytest.param(
            "? [a, b]\n: c\ndependencies: []",
            "myenv.yml:1: a key must be text.",
            SHAPE,
            id="a list as a key",
        ),
        pytest.param(
            f"dependencies: ['python={'1' * 5000}']",
            f"myenv.yml:1: `python={'1' * 93}…` is too long.",
            "Write a name and a version, such as python=3.11.",
            id="a version without end",
        ),
        pytest.param(
            "dependencies: ['python" + ">=3.10," * 5000 + "']",
            f"myenv.yml:1: `python{'>=3.10,' * 13}>=3…` is too long.",
            "Write a name and a version, such as python=3.11.",
            id="a thousand versions",
        ),
        pytest.param(
            "dependencies: []\ndependencies: [python=3.11]",
            "myenv.yml:2: `dependencies` stands there twice.",
            "Keep one of the two.",
            id="twice",
        ),
        pytest.param(
            "dependancies: []",
            "myenv.yml: it has no `dependencies`; line 1: the key `dependancies` is not known.",
            f"{SHAPE} Did you mean `dependencies`?",
            id="a typing error",
        ),
        pytest.param(
            "dependencies: [python=3.11, python=3.12]",
            "myenv.yml:1: python stands there twice.",
            "Keep one of the two.",
            id="two Pythons",
        ),
        pytest.param(
            "dependencies: [python=3.x]",
            "myenv.yml:1: `python=3.x` is no version.",
            "Write python=3.11.",
            id="no version",
        ),
        pytest.param(
            b"dependencies:\n- \xff",
            "myenv.yml:2: it is not UTF-8.",
            "Save the file as UTF-8.",
            id="not text",
        ),
        pytest.param(
            "#" * 200_000,
            "myenv.yml: it is longer than 128 KiB.",
            "Keep in it only what is needed.",
            id="huge",
        ),
    ],
)
def test_a_conda_file_that_is_wrong(text: str | bytes, message: str, remedy: str) -> None:
    finding = refused(conda(text))
    assert (finding.message, finding.remedy) == (message, remedy)
    assert finding.reason is Reason.ENVIRONMENT_FILE_INVALID


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        (
            "numpy=1.15",
            "`numpy=1.15` is conda's way to write a version",
            "Write `numpy==1.15`: pip takes two equal signs.",
        ),
        (
            "numpy --global-option=x",
            "the option `--global-option` is not supported",
            "Ask for a version that has a wheel, or put a wheel that you have built into the "
            "source.",
        ),
        (
            "git+https://me:secret@git.example.com/repository",
            "`git+https://***@git.example.com/repository` is an address or a path of a kind "
            "that is not supported",
            "Name a package of the package index, one at an https:// or git+https:// address "
            "without a password, or a file or folder of the source by its path "
            "(./a-1.0-py3-none-any.whl).",
        ),
        (
            "two words",
            "`two words` is no requirement: Expected semicolon (after name with no version "
            "specifier) or end",
            "Write a name and versions, such as `numpy==2.1.0` or `pandas>=2,<3`.",
        ),
    ],
)
def test_a_requirement_that_is_refused(line: str, message: str, remedy: str) -> None:
    finding = refused(requirements(f"pandas\n{line}\n"))
    assert finding == Finding(
        reason=Reason.ENVIRONMENT_FILE_INVALID,
        class_=FailureClass.USER,
        message=f"requirements.txt:2: {message}.",
        remedy=remedy,
        location="requirements.txt:2",
    )
    assert refused(conda(f"dependencies: [pip: [{line!r}]]")).remedy == remedy


@pytest.mark.parametrize(
    "line",
    [
        "/wheels/a-1.0-py3-none-any.whl",
        "a @ ./a-1.0-py3-none-any.whl",
        "./a b.whl",
        "./a.whl ; nothing",
        "C:\\a.zip",
        "~/a",
        "file:///a",
        "a @ http://x.example/a.zip",
        "a @ https://me:secret@x.example/a.zip",
        "git+ssh://git@x.example/a.git",
        "git+https://x.example/a b",
        "https://x.example/",
    ],
)
def test_addresses_and_paths_are_refused(line: str) -> None:
    assert "is an address or a path" in refused(requirements(line)).message


@pytest.mark.parametrize(
    "line",
    [
        "https://files.example.com/a-1.0-py3-none-any.whl",
        "a @ https://files.example.com/a-1.0-py3-none-any.whl",
        'a[x]@ https://files.example.com/a.zip ; python_version < "3.13"',
        "git+https://git.example.com/team/a.git@v1.2#egg=a&subdirectory=sub",
        "a @ git+https://git.example.com/team/a.git@main",
    ],
)
def test_files_and_repositories_at_an_address_are_left_to_pip(line: str) -> None:
    [asked] = found(requirements(line)).requirements
    assert "https://" in asked.text
    assert asked.text.replace(" ", "") == line.replace(" ", "")


def test_a_requirement_without_end_is_refused() -> None:
    for line in ("a" * 1001, "numpy==1.0" + " --hash=sha256:ab" * 501, "a;" + "(" * 600 + "b"):
        finding = refused(requirements(line))
        assert finding.reason is Reason.ENVIRONMENT_FILE_INVALID
        assert len(finding.message) < 600
    hashes = "".join(f" --hash=sha256:{number:064x}" for number in range(500))
    assert len(found(requirements(f"numpy==1.0{hashes}")).requirements) == 1


def test_a_conda_package_forges_no_line() -> None:
    finding = refused(conda('dependencies: ["a=1\\n10:00 Ready\\e[2J"]'))
    assert "\n" not in finding.message
    assert "\x1b" not in finding.message + str(finding.remedy)


def test_everything_wrong_is_said_at_once_up_to_a_bound() -> None:
    finding = refused(requirements("\n".join(["-x"] * 50)))
    assert finding.message.count("is not supported") == 12
    assert finding.message.endswith("; and 38 more.")


def test_what_is_read_of_a_file_that_is_nothing_but_wrong_is_bounded() -> None:
    finding = refused(requirements("\n".join(["-x"] * 20_000)))
    assert finding.message.endswith("; and many more.")


def test_what_is_said_of_the_worst_file_fits_into_status() -> None:
    finding = refused(requirements("\n".join(["x" * 300 + " y"] * 50)))
    assert len(finding.message) + len(finding.remedy or "") < 2500


def test_whatever_is_accepted_is_one_line_that_pip_reads_as_one_requirement() -> None:
    """No text gets an option, a path or a second line past the reading."""
    letters = random.Random(20_261_124)
    pieces = ["numpy", "==1.0", "\n", "\r", " ", "-r x", "--hash=sha256:ab", ";", "#", "\\\n", "'"]
    pieces += ["[a]", "@", "/", ">=2", ",", "\u2028", "\x0b", "python_version<'4'", "--index-url=x"]
    for _ in range(3000):
        text = "".join(letters.choices(pieces, k=letters.randint(1, 8)))
        read = requirements(text)
        if isinstance(read, Environment):
            for requirement in read.requirements:
                bare = requirement.text.partition(" --hash=")[0]
                assert requirement.text.isprintable(), text
                path = bare.removeprefix("./") if bare.startswith("./") else bare.replace("/", "@")
                assert not any(sign in path for sign in (" --", "@", "\\")), text
            for option in read.options:
                assert option.text == "--index-url=x", text
