"""Environment files that name others: lists, constraints, indexes, packages of the source."""

from collections.abc import Mapping

import pytest

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.reasons import Reason
from fairlead.inputs.environment import Environment
from fairlead.inputs.included import MAX_DEPTH
from fairlead.inputs.local_package import files_below
from fairlead.inputs.reading import MAX_CONSTRAINTS, MAX_INCLUDES, MAX_OPTIONS, MAX_REQUIREMENTS
from fairlead.inputs.source import ParsedSource
from fairlead.requirement import Requirement
from tests.unit.image_evidence import parsed_here

SCRIPT = "def init(): ...\ndef run(data): ...\n"
WHEEL = "tools-1.0-py3-none-any.whl"


def read(files: Mapping[str, str], main: str = "requirements.txt") -> ParsedSource:
    field = "condaFile" if main.endswith(".yml") else "requirementsFile"
    source = {"source": {"configMap": {"name": "code"}}, "entryScript": "score.py", field: main}
    content = {path: text.encode() for path, text in {"score.py": SCRIPT, **files}.items()}
    return parsed_here(content, InferenceImageSpec.model_validate(source), "python:3.11")


def found(files: Mapping[str, str], main: str = "requirements.txt") -> Environment:
    parsed = read(files, main)
    assert not parsed.findings
    assert not parsed.environment.includes
    return parsed.environment


def wrong(files: Mapping[str, str], main: str = "requirements.txt") -> list[str]:
    findings = read(files, main).findings
    assert {finding.reason for finding in findings} == {Reason.ENVIRONMENT_FILE_INVALID}
    for finding in findings:
        assert finding.location
        assert finding.message.startswith(f"{finding.location}: ")
        assert finding.remedy
    return [finding.message for finding in findings]


def one(text: str, line: int, file: str = "") -> Requirement:
    return Requirement(text=text, line=line, file=file)


def test_another_list_stands_where_it_is_named() -> None:
    files = {
        "requirements.txt": "numpy\n-r more/base.txt\npandas\n--constraint=held.txt",
        "more/base.txt": "scipy\n--requirement ../last.txt",
        "last.txt": "joblib",
        "held.txt": "numpy==1.0\n-c other.txt",
        "other.txt": "scipy<2",
    }
    environment = found(files)
    assert environment.requirements == (
        one("numpy", 1),
        one("scipy", 1, "more/base.txt"),
        one("joblib", 1, "last.txt"),
        one("pandas", 3),
    )
    assert environment.constraints == (
        one("numpy==1.0", 1, "held.txt"),
        one("scipy<2", 1, "other.txt"),
    )


def test_the_list_under_pip_names_files_beside_the_conda_file() -> None:
    text = "dependencies:\n- pip:\n  - -r file:base.txt\n  - -c held.txt\n  - numpy\n"
    files = {"env/my.yml": text, "env/base.txt": "scipy", "env/held.txt": "scipy==1"}
    environment = found(files, "env/my.yml")
    assert environment.requirements == (one("scipy", 1, "env/base.txt"), one("numpy", 5))
    assert environment.constraints == (one("scipy==1", 1, "env/held.txt"),)


def test_a_name_that_is_nearly_right_is_offered() -> None:
    [finding] = read({"requirements.txt": "-r bas.txt", "base.txt": ""}).findings
    assert finding.remedy == (
        "Did you mean base.txt? Add the file to the source, or correct the path."
    )


def test_a_list_that_is_named_twice_counts_once() -> None:
    files = {"requirements.txt": "-r a.txt\n-r b.txt", "a.txt": "-r b.txt", "b.txt": "numpy"}
    assert found(files).requirements == (one("numpy", 1, "b.txt"),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-r ../../etc/passwd", "`../../etc/passwd` is outside of the source"),
        ("-r /etc/passwd", "`/etc/passwd` is outside of the source"),
        ("-r file:/etc/passwd", "`/etc/passwd` is outside of the source"),
        (
            "-r file:///etc/passwd",
            "`file:///etc/passwd` is an address, not a file of the source",
        ),
        (
            "-c https://example.com/c.txt",
            "`https://example.com/c.txt` is an address, not a file of the source",
        ),
        (
            "-r bas.txt",
            "the source has no `bas.txt`; it has base.txt, requirements.txt and score.py",
        ),
        ("-r requirements.txt", "`requirements.txt` leads to itself"),
        ("-r", "`--requirement` has no value"),
        ("-r --pre", "`--requirement` has no value"),
        ("./nothing", "the source has no `./nothing`"),
        ("../x", "`../x` is outside of the source"),
        ("-e ../x", "`../x` is outside of the source"),
        ("base.txt/", "`base.txt` is no wheel and no archive of a package"),
        ("./tools.whl", "the source has no `./tools.whl`"),
        (
            "-e .",
            "the folder `./` of the source has no pyproject.toml and no setup.py",
        ),
        ("--find-links ./wheels", "the source has no folder `wheels`"),
        ("--find-links ../../wheels", "`--find-links ./../../wheels` is outside of the source"),
        ("--find-links /wheels", "`/wheels` is no folder of the source"),
        (
            "--index-url http://index.example.com",
            "`http://index.example.com` is no https:// address",
        ),
        (
            "--extra-index-url https://me:secret@index.example.com/simple",
            "the address of --extra-index-url holds credentials, and everybody could read them "
            "here",
        ),
        (
            "-f https://${TOKEN}@x.example/",
            "the address of --find-links holds credentials, and everybody could read them here",
        ),
        ("-i file:///etc", "`file:///etc` is no https:// address"),
        ("--trusted-host x.example", "the option `--trusted-host` is not supported"),
        ("--no-binary a;b", "`a;b` is nothing for --no-binary"),
        ("--pre=x", "the option `--pre` is not supported"),
        ("-e numpy", "the source has no `./numpy`"),
        ("-e numpy>1", "`numpy>1` is an address or a path of a kind that is not supported"),
        (
            "-e git+ssh://a@b/c",
            "`git+ssh://***@b/c` is an address or a path of a kind that is not supported",
        ),
    ],
)
def test_a_line_that_is_refused(line: str, message: str) -> None:
    files = {"requirements.txt": f"numpy\n{line}", "base.txt": ""}
    [said] = wrong(files)
    assert said == f"requirements.txt:2: {message}."
    files = {"my.yml": f"dependencies: [pip: [{line!r}]]", "base.txt": "", "requirements.txt": ""}
    if "leads to itself" not in message and "it has" not in message and line != "-e numpy":
        assert wrong(files, "my.yml") == [said.replace("requirements.txt:2", "my.yml:1")]


def test_what_is_wrong_in_each_file_is_told_with_its_own_line() -> None:
    files = {
        "requirements.txt": "-r a.txt\n-r gone.txt\n-r b.txt",
        "a.txt": "numpy=1\n",
        "b.txt": "pandas\n./gone\n",
    }
    assert [message.partition(": ")[0] for message in wrong(files)] == [
        "a.txt:1",
        "requirements.txt:2",
        "b.txt:2",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "numpy[x]==1",
        "./a.whl",
        "git+https://x.example/a.git",
        "-r x.txt",
        "numpy @ https://169.254.169.254/numpy-1.0-py3-none-any.whl",
        "foo @ git+https://127.0.0.1/x.git",
    ],
)
def test_constraints_are_names_and_versions(line: str) -> None:
    files = {"requirements.txt": "-c held.txt", "held.txt": line, "x.txt": "", "a.whl": ""}
    [message] = wrong(files)
    assert message.startswith("held.txt:1: ")
    assert "constraint" in message


def test_how_deep_lists_are_in_one_another_is_bounded() -> None:
    files = {f"{number}.txt": f"-r {number + 1}.txt" for number in range(10_000)}
    [message] = wrong(files | {"requirements.txt": "-r 0.txt"})
    assert message.startswith(f"{MAX_DEPTH - 2}.txt:1: there are more than")


def test_how_many_lists_there_are_is_bounded() -> None:
    files = {f"{number}.txt": "numpy" for number in range(10_000)}
    lines = "\n".join(f"-r {number}.txt" for number in range(10_000))
    [message] = wrong(files | {"requirements.txt": lines})
    assert f"it names more than {MAX_INCLUDES} other files" in message
    wide = {f"{a}.txt": "\n".join(f"-r {a}-{b}.txt" for b in range(20)) for a in range(20)}
    wide |= {f"{a}-{b}.txt": "" for a in range(20) for b in range(20)}
    lists = "\n".join(f"-r {number}.txt" for number in range(20))
    assert all("there are more than" in said for said in wrong(wide | {"requirements.txt": lists}))


def test_what_all_lists_ask_for_is_bounded() -> None:
    half = "\n".join(f"p{number}" for number in range(MAX_REQUIREMENTS // 2 + 1))
    files = {"requirements.txt": "-r a.txt\n-r b.txt", "a.txt": half, "b.txt": half}
    [message] = wrong(files)
    assert message.startswith("b.txt:250: all files together ask for more than 500 packages")
    options = "\n".join(["--pre"] * (MAX_OPTIONS // 2 + 1))
    files = {"requirements.txt": "-r a.txt\n-r b.txt", "a.txt": options, "b.txt": options}
    assert "b.txt:25: all files together have more than" in wrong(files)[0]
    assert "it has more than 50 options" in wrong({"requirements.txt": options + "\n" + options})[0]
    held = "\n".join(f"p{number}==1" for number in range(MAX_CONSTRAINTS))
    files = {"requirements.txt": "-c a.txt", "a.txt": held}
    assert len(found(files).constraints) == MAX_CONSTRAINTS


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        (
            "--extra-index-url https://x.example/simple/",
            ["--extra-index-url https://x.example/simple/"],
        ),
        ("--extra-index-url=https://x.example", ["--extra-index-url https://x.example"]),
        ("-i https://pypi.python.org/simple", ["--index-url https://pypi.org/simple"]),
        ("-i 'https://x.example/a'", ["--index-url https://x.example/a"]),
        (
            "-fhttps://download.example.org/torch_stable.html",
            ["--find-links https://download.example.org/torch_stable.html"],
        ),
        ("--find-links wheels", ["--find-links ./wheels"]),
        ("--pre --no-index", ["--pre", "--no-index"]),
        ("--only-binary :all: --no-binary=a,b", ["--only-binary :all:", "--no-binary a,b"]),
        ("--prefer-binary # a comment", ["--prefer-binary"]),
        ("--require-hashes", ["--require-hashes"]),
    ],
)
def test_an_option_is_kept_in_one_form(line: str, texts: list[str]) -> None:
    environment = found({"requirements.txt": line, "wheels/a.txt": ""})
    assert [option.text for option in environment.options] == texts
    assert environment.requirements == ()


def test_an_option_may_follow_a_requirement() -> None:
    text = "torch==1.4.0+cpu -f https://download.example.org/torch_stable.html"
    environment = found({"requirements.txt": text})
    assert environment.requirements == (one("torch==1.4.0+cpu", 1),)
    assert [option.line for option in environment.options] == [1]


@pytest.mark.parametrize(
    ("line", "text", "local"),
    [
        (f"wheels/{WHEEL}", f"./wheels/{WHEEL}", [f"wheels/{WHEEL}"]),
        (f"-e ./wheels/{WHEEL}", f"./wheels/{WHEEL}", [f"wheels/{WHEEL}"]),
        (
            f"./wheels/{WHEEL}[x, y] ; python_version>'3'",
            f'./wheels/{WHEEL}[x,y] ; python_version > "3"',
            [f"wheels/{WHEEL}"],
        ),
        (
            f"./wheels/{WHEEL} --hash=sha256:ab",
            f"./wheels/{WHEEL} --hash=sha256:ab",
            [f"wheels/{WHEEL}"],
        ),
        ("-e ./pkg/", "./pkg", ["pkg/a/b.py", "pkg/setup.py"]),
        ("./pkg[dev]", "./pkg[dev]", ["pkg/a/b.py", "pkg/setup.py"]),
        ("--editable=pkg", "./pkg", ["pkg/a/b.py", "pkg/setup.py"]),
    ],
)
def test_a_package_of_the_source(line: str, text: str, local: list[str]) -> None:
    files = {f"wheels/{WHEEL}": "", "pkg/setup.py": "", "pkg/a/b.py": ""}
    parsed = read(files | {"requirements.txt": line})
    assert not parsed.findings
    assert parsed.environment.requirements == (one(text, 1),)
    assert parsed.local == tuple(local)


def test_what_would_delete_files_of_a_layer_is_no_file_of_a_package() -> None:
    names = ["pkg/setup.py", "pkg/.wh.a", "pkg/a/.wh.b/c.py"]
    assert list(files_below("pkg", names)) == ["pkg/setup.py"]


def test_a_path_is_seen_from_the_folder_of_the_environment_file() -> None:
    files = {"env/r.txt": f"-r more/a.txt\n../{WHEEL}\n-f links", WHEEL: "", "env/pkg/setup.py": ""}
    files |= {"env/more/a.txt": "-e pkg", "env/links/b.whl": ""}
    parsed = read(files, "env/r.txt")
    assert [asked.text for asked in parsed.environment.requirements] == ["./env/pkg", f"./{WHEEL}"]
    assert [option.text for option in parsed.environment.options] == ["--find-links ./env/links"]
    assert parsed.local == ("env/links/b.whl", "env/pkg/setup.py", WHEEL)


@pytest.mark.parametrize(
    ("line", "there", "seen"),
    [
        ("-f wheels", ["env/more/wheels/b.whl"], "--find-links ./env/more/wheels"),
        ("-f ./wheels", ["env/wheels/b.whl"], "--find-links ./env/wheels"),
        (
            "-f wheels",
            ["env/wheels/b.whl", "env/more/wheels/b.whl"],
            "--find-links ./env/more/wheels",
        ),
        ("-f ../../wheels", ["wheels/b.whl"], "--find-links ./wheels"),
        ("-e pkg", ["env/more/pkg/setup.py"], "./env/more/pkg"),
        ("-e pkg", ["env/pkg/setup.py", "env/more/pkg/setup.py"], "./env/pkg"),
        ("-e .", ["env/more/setup.py"], "./env/more"),
        (f"./{WHEEL}", [f"env/more/{WHEEL}"], f"./env/more/{WHEEL}"),
        (f"../../{WHEEL}", [WHEEL], f"./{WHEEL}"),
    ],
)
def test_a_path_in_another_list_is_seen_from_that_lists_folder_too(
    line: str, there: list[str], seen: str
) -> None:
    files = {"env/r.txt": "-r more/a.txt", "env/more/a.txt": line, **dict.fromkeys(there, "")}
    environment = found(files, "env/r.txt")
    assert (*environment.options, *environment.requirements) == (one(seen, 1, "env/more/a.txt"),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-f wheels", "the source has no folder `env/more/wheels`"),
        ("-f ../../../wheels", "`--find-links ./../../../wheels` is outside of the source"),
        ("-e nothing", "the source has no `./env/nothing`"),
        ("-e bare", "the folder `./env/more/bare` of the source has no pyproject.toml and no"),
        ("../../../a.whl", "`../../../a.whl` is outside of the source"),
    ],
)
def test_what_lies_in_neither_folder_is_told_with_its_list(line: str, message: str) -> None:
    files = {"env/r.txt": "-r more/a.txt", "env/more/a.txt": line, "env/more/bare/b.py": ""}
    [said] = wrong(files, "env/r.txt")
    assert said.startswith(f"env/more/a.txt:1: {message}")


def test_all_of_the_source_may_be_a_package() -> None:
    parsed = read({"requirements.txt": "-e .", "pyproject.toml": ""})
    assert parsed.environment.requirements == (one("./", 1),)
    assert parsed.local == ("pyproject.toml", "requirements.txt", "score.py")


@pytest.mark.parametrize("name", ["tools.whl", "tools-1.0\n-py3-none-any.whl", "a b.whl"])
def test_a_wheel_has_the_name_that_it_was_built_with(name: str) -> None:
    assert wrong({"requirements.txt": f"./{name}", name: ""})


def test_a_repository_may_be_editable() -> None:
    text = "-e git+https://git.example.com/team/a.git@v1#egg=a&subdirectory=x"
    [asked] = found({"requirements.txt": text}).requirements
    assert asked.text == text.removeprefix("-e ")


def test_a_path_that_is_no_constraint_is_told_as_it_is_written() -> None:
    [said] = wrong({"requirements.txt": "-c held.txt", "held.txt": "./a", "a/setup.py": ""})
    assert "`./a` is no constraint" in said
