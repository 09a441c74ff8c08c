"""``pip install`` inside the build, with a stand-in that says what a real pip was seen to say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairlead.images import pip_install

PIP = """
import os, signal, sys
if sys.argv[1] == "download":
    assert sys.argv[-1] == "scikit-lern===none", sys.argv
    print("  Fetching project page")
    print("Could not fetch URL https://index/simple/scikit-lern/: 403 Client Error: Forbidden")
elif sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
elif sys.argv[2] in ("missing", "missing-pip-18"):
    print("Collecting tabulate")
    found, begin = ("", "  ") if sys.argv[2] == "missing-pip-18" else ("none", "ERROR: ")
    print(f"{begin}Could not find a version that satisfies the requirement scikit-lern==1.9 "
          f"(from versions: {found})", file=sys.stderr)
    sys.exit(1)
"""


@pytest.fixture(autouse=True)
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pip.py"
    program.write_text(PIP)
    monkeypatch.setattr(pip_install, "PIP", (sys.executable, str(program)))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))


@pytest.mark.parametrize(
    ("option", "begin", "found"), [("missing", "ERROR: ", "none"), ("missing-pip-18", "  ", "")]
)
def test_what_pip_says_is_passed_on_and_the_index_asked_again(
    option: str, begin: str, found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pip_install.main([option]) == 1
    said = capsys.readouterr().out.splitlines()
    assert {*said[:-1]} == {
        "Collecting tabulate",
        f"{begin}Could not find a version that satisfies the requirement scikit-lern==1.9 "
        f"(from versions: {found})",
    }
    assert said[-1] == (
        "Could not fetch URL https://index/simple/scikit-lern/: 403 Client Error: Forbidden"
    )


def test_pip_keeps_what_it_compiles_of_itself_and_what_it_starts_does_not(tmp_path: Path) -> None:
    (tmp_path / "packages/pip").mkdir(parents=True)
    (tmp_path / "packages/pip/__main__.py").write_text(
        "import subprocess, sys, pip.of_pip\n"
        "child = 'import sys; print(sys.dont_write_bytecode)'\n"
        "print(sys.argv[1:], flush=True)\n"
        "subprocess.run([sys.executable, '-c', child])\n"
    )
    (tmp_path / "packages/pip/__init__.py").write_text("")
    (tmp_path / "packages/pip/of_pip.py").write_text("")
    (tmp_path / "runpy.py").write_text("raise SystemExit('the source is in the way')")
    variables = {"PYTHONPATH": str(tmp_path / "packages"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", pip_install.RUN_PIP, "install"]
    said = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert said.stdout == "['install']\nTrue\n", said.stderr
    assert list(tmp_path.glob("packages/pip/__pycache__/of_pip.*.pyc"))


@pytest.mark.parametrize(("option", "code"), [("fine", 0), ("killed", 137)])
def test_the_exit_code_is_that_of_a_shell(option: str, code: int) -> None:
    assert pip_install.main([option]) == code


def test_packages_of_the_source_are_built_in_a_copy_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = tmp_path / "built"
    program = "import os, sys; print(os.getcwd(), sys.argv[2:], os.listdir())"
    monkeypatch.setattr(pip_install, "PIP", (sys.executable, "-c", program))
    monkeypatch.setattr(pip_install, "PLACE", str(built))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text("./pkg\n")
    assert pip_install.install(["--requirement", "requirements.txt"]) == 0
    given = ["--requirement", str(tmp_path / "requirements.txt")]
    here = capsys.readouterr().out
    assert here.startswith(f"{tmp_path} {given}")
    (tmp_path / "source/pkg").mkdir(parents=True)
    for _ in range(2):  # what an interrupted build left is not in the way
        assert pip_install.install(["--requirement", "requirements.txt"]) == 0
        assert capsys.readouterr().out == f"{built} {given} ['pkg']\n"
    held = tmp_path / "constraints.txt"
    held.write_text("numpy==1\n")
    assert pip_install.install(["--requirement", "requirements.txt"]) == 0
    assert f"{[*given, '--constraint', str(held)]} " in capsys.readouterr().out


HOST = "https://files.example.com/packages/ac"
LINUX = f"manylinux_2_17_{os.uname().machine}"
FOUND = "  Found link {}/numpy-{}-cp311-cp311-{}.whl (from https://x), version: {}"
SKIPPED = (
    "  Skipping link: none of the wheel's tags ({0}) are compatible (run pip debug): "
    "{1}/numpy-{2}-{0}.whl (from https://x)"
)
LINKS = [
    *(FOUND.format(HOST, version, LINUX, version) for version in ("1.9", "2.0", "2.0", "2.1")),
    FOUND.format(HOST, "2.2", "win_amd64", "2.2"),
    *(
        SKIPPED.format(f"{tag}-{LINUX}", HOST, "1.15.4")
        for tag in ("cp310-cp310", "cp39-cp39", "cp38-abi3", "cp39-cp39")
    ),
    SKIPPED.format("cp27-cp27m-win32", HOST, "1.15.4"),
    SKIPPED.format("cp37-cp37m-manylinux1_other", HOST, "1.15.4"),
    SKIPPED.format(f"cp36-cp36m-{LINUX}", HOST, "1.14"),
]


def test_which_wheels_there_are_is_told_in_two_lines() -> None:
    own = "Versions with a wheel for this Python, of numpy: 2.1 2.0 1.9\n"
    others = "Other Pythons with a wheel, of numpy: cp38-abi3 cp39 cp310\n"
    assert pip_install.wheels("NumPy", "1.15.4", LINKS) == own + others
    assert pip_install.wheels("numpy", "1.16", LINKS) == own
    assert pip_install.wheels("numpy", "", LINKS) == own + others.replace(": ", ": cp36 ")
    assert pip_install.wheels("numpy", "", ["x" * 100_000]) == ""


def test_of_a_package_without_a_file_for_this_python_the_others_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = "ERROR: Could not find a version that satisfies the requirement numpy==9 "
    program = (
        f"import sys\nif sys.argv[1] == 'download':\n    print('\\n'.join({LINKS!r}))\n"
        f"else:\n    print({nothing + '(from versions: none)'!r})\n    sys.exit(1)\n"
    )
    monkeypatch.setattr(pip_install, "PIP", (sys.executable, "-c", program))
    assert pip_install.install([]) == 1
    told = "Other Pythons with a wheel, of numpy: cp36 cp38-abi3 cp39 cp310\n"
    assert capsys.readouterr().out.endswith(told)


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        (["Collecting numpy==1.15.4 (from -r r.txt)", "  error: metadata-generation-failed"], True),
        (["Collecting numpy[x]===1.15.4", "error: subprocess-exited-with-error"], True),
        (["Collecting numpy==1.15.4", "Collecting x", "Failed building wheel for numpy"], True),
        (["Collecting numpy==1.15.4", 'Command "x setup.py" failed with error code 1 in /'], True),
        (
            ["Collecting numpy==1.15.4", "Processing ./numpy", "  error: subprocess-exited-with-"],
            False,
        ),
        (["Collecting git+https://x/numpy", "error: subprocess-exited-with-error"], False),
        (["Collecting numpy==1.15.4", "something else"], False),
    ],
)
def test_the_index_is_asked_for_wheels_of_what_does_not_build(
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    asked: bool,
) -> None:
    said = "\n".join(lines)
    program = (
        f"import sys\nif sys.argv[1] == 'download':\n    assert sys.argv[-1] == 'numpy===none'\n"
        f"    print('\\n'.join({LINKS!r}))\nelse:\n    print({said!r})\n    sys.exit(1)\n"
    )
    monkeypatch.setattr(pip_install, "PIP", (sys.executable, "-c", program))
    assert pip_install.install([]) == 1
    told = "Other Pythons with a wheel, of numpy: cp38-abi3 cp39 cp310" in capsys.readouterr().out
    assert told is asked


def test_two_installations_are_compiled_to_the_same_bytes(tmp_path: Path) -> None:
    for number in range(3 * pip_install.FILES_AT_ONCE):
        text = f"def f{number}(): return {{'a', 'b', 'name{number}'}}, 'name{number % 7}'\n"
        (tmp_path / f"m{number}.py").write_text(text)
    found = []
    for _ in range(2):
        pip_install.compile_all(str(tmp_path))
        compiled = sorted((tmp_path / "__pycache__").iterdir())
        found.append([path.read_bytes() for path in compiled])
    assert len(found[0]) == 3 * pip_install.FILES_AT_ONCE + len(["pip.py"])
    assert found[0] == found[1]


@pytest.mark.parametrize(("last", "expected"), [((3, 5), False), (sys.version_info[:2], True)])
def test_names_that_python_keeps_are_forgotten_where_they_would_show(
    last: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, expected: bool
) -> None:
    (tmp_path / "module.py").write_text("")
    monkeypatch.setattr(pip_install, "LAST_THAT_MINDS_KEPT_NAMES", last)
    monkeypatch.setattr("sys._clear_type_cache", (tmp_path / "forgotten").touch)
    pip_install.compile_all(str(tmp_path))
    assert (tmp_path / "forgotten").exists() == expected
    pip_install.forget_names()


def test_what_was_installed_is_compiled_without_dates(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("x = 1\n")
    bad.write_text("print 'Python 2'\n")
    assert pip_install.main(["fine"]) == 0
    [compiled] = (tmp_path / "__pycache__").glob("good*.pyc")
    assert compiled.read_bytes()[4:8] == b"\x01\0\0\0"  # PEP 552: by hash, unchecked


def test_pip_itself_is_not_compiled(tmp_path: Path) -> None:
    for name in ("pip/main.py", "pipes/main.py"):
        file = tmp_path / "lib/site-packages" / name
        file.parent.mkdir(parents=True)
        file.write_text("A = 1\n")
    pip_install.compile_all(str(tmp_path))
    compiled = (tmp_path / "lib").rglob("*.pyc")
    assert [file.parent.parent.name for file in compiled] == ["pipes"]


def test_nothing_to_install_needs_no_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for text, code in (("", 0), ("missing\n", 1)):
        Path("requirements.txt").write_text(text)
        assert pip_install.main(["missing", "requirements.txt"]) == code
    assert "Collecting tabulate" in capsys.readouterr().out


def test_an_environment_with_an_interpreter_of_its_own_is_compiled_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: name)
    assert pip_install.packages_folder() == "purelib"
    monkeypatch.setattr("sys.prefix", sys.base_prefix)
    assert pip_install.packages_folder() == "stdlib"


def test_what_old_pythons_run_is_written_for_them() -> None:
    """An environment may have Python 3.6, and a base image any Python at all."""
    names = ("make_venv", "pip_install", "unpack_linked", "install_in_base")
    paths = [str(Path(pip_install.__file__).with_name(f"{name}.py")) for name in names]
    vermin = str(Path(sys.executable).with_name("vermin"))
    command = [vermin, "--no-tips", "--violations", "-t=3.6-", *paths]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
