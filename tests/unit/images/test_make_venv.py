"""What ``make_venv.py`` makes is what ``python3 -m venv`` makes, with and without its short way."""

import stat
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairlead.images import make_venv
from fairlead.images.pip_files import MAKE_VENV

PYTHON = str(Path(sys.base_prefix, "bin/python3"))
WHEEL_PY, SCRIPTS_PY = "pip/_internal/operations/install/wheel.py", "pip/_vendor/distlib/scripts.py"
OF_DISTLIB = (
    "SCRIPT_TEMPLATE = r'''# -*-\nfrom %(module)s import %(import_name)s\n%(func)s()\n'''\n"
)
OF_PIP = '''    script_template = textwrap.dedent("""\\
        import sys
        from %(module)s import %(import_name)s
        sys.exit(%(func)s())
""")
'''
PROGRAMS = "[console_scripts]\npip = pip._internal:main\npip3 = pip._internal:main\n"
WHOLE_PIP = {make_venv.WHOLE: "", SCRIPTS_PY: OF_DISTLIB}


def tree(root: Path) -> dict[str, object]:
    """All but what is compiled: mode and content of each file, or where a link leads."""
    paths = [path for path in root.rglob("*") if "__pycache__" not in path.parts]
    return {str(path.relative_to(root)): _content(path) for path in paths}


def _content(path: Path) -> object:
    if path.is_symlink():
        return path.readlink()
    mode = stat.S_IMODE(path.stat().st_mode)
    return (mode, path.read_bytes()) if path.is_file() else mode


def wheel(folder: Path, name: str, files: Mapping[str, str], programs: str = "") -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    notes = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as made:
        for file, content in {**files, f"{notes}/entry_points.txt": programs}.items():
            made.writestr(file, content)
        made.writestr(f"{notes}/RECORD", f"{name}/__init__.py,sha256=a,1\n{notes}/RECORD,,\n")
    return path


def test_an_environment_is_the_very_one_that_venv_makes(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    subprocess.run([PYTHON, "-m", "venv", folder], check=True)
    expected = tree(folder)
    folder.rename(tmp_path / "of-venv")
    subprocess.run([PYTHON, MAKE_VENV, folder], check=True)
    assert tree(folder) == expected
    says = [str(folder / "bin/pip"), "freeze", "--all", "--disable-pip-version-check"]
    told = subprocess.run(says, capture_output=True, text=True, check=True).stdout
    assert "pip==" in told


def test_what_fails_is_told_as_venv_tells_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for program in (["-m", "venv"], [str(MAKE_VENV)]):
        command = [PYTHON, *program, str(tmp_path / "file")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr[:6]) == (1, "Error:")


def test_pip_and_a_setuptools_without_programs_are_plain(tmp_path: Path) -> None:
    assert make_venv.is_plain(wheel(tmp_path, "pip", WHOLE_PIP, PROGRAMS))
    assert make_venv.is_plain(wheel(tmp_path, "setuptools", {"setuptools/__init__.py": ""}))


@pytest.mark.parametrize(
    ("name", "files", "programs"),
    [
        ("pip", {SCRIPTS_PY: OF_DISTLIB}, PROGRAMS),  # its packages are the distribution's
        ("pip", {make_venv.WHOLE: ""}, PROGRAMS),  # nobody knows how it writes programs
        ("pip", WHOLE_PIP, ""),
        ("pip", {**WHOLE_PIP, "pip-1.0.data/scripts/pip": ""}, PROGRAMS),
        ("setuptools", {}, "[console_scripts]\neasy_install = setuptools.command:main\n"),
    ],
)
def test_other_wheels_are_not(
    name: str, files: Mapping[str, str], programs: str, tmp_path: Path
) -> None:
    assert not make_venv.is_plain(wheel(tmp_path, name, files, programs))


@pytest.mark.parametrize("wheels", [[], ["not-plain"]])
def test_venv_goes_its_own_way_where_wheels_are_not_plain(
    wheels: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    went = list[object]()
    packages = make_venv.packages_folder(str(tmp_path))
    packages.mkdir(parents=True)
    context = SimpleNamespace(env_dir=str(tmp_path), env_exe=str(tmp_path / "bin/python3"))
    monkeypatch.setattr(make_venv, "own_wheels", lambda: wheels)
    monkeypatch.setattr(make_venv, "is_plain", lambda _: False)
    monkeypatch.setattr(venv.EnvBuilder, "_setup_pip", lambda _, given: went.append(given))
    make_venv.Builder(with_pip=True)._setup_pip(context)
    assert went == [context]
    assert not list(packages.iterdir())


@pytest.mark.parametrize("python", ["/with a blank/python3", f"/{'x' * 120}/python3"])
def test_a_path_that_is_no_first_line_is_seen(python: str) -> None:
    assert not make_venv.can_run(python)
    assert make_venv.can_run("/opt/fairlead/env/bin/python3")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "# -*-\nfrom a.b import main\nmain()\n"),
        ({WHEEL_PY: OF_PIP}, "import sys\nfrom a.b import main\nsys.exit(main())\n"),
    ],
)
def test_a_program_has_the_form_that_this_pip_writes(
    files: Mapping[str, str], expected: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel(tmp_path, "pip", {**WHOLE_PIP, **files}, PROGRAMS)) as made:
        form = make_venv.form_of_programs(made)
    assert make_venv.program_of(form, "a.b:main", "/python3") == f"#!/python3\n{expected}"


def test_the_wheels_of_a_distribution_come_before_those_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensurepip.version", lambda: "1.0")
    monkeypatch.setattr("ensurepip.__file__", str(tmp_path / "ensurepip/__init__.py"))
    monkeypatch.setattr("sysconfig.get_config_var", lambda _: str(tmp_path / "shared"))
    monkeypatch.setattr(make_venv, "LAST_WITH_SETUPTOOLS", sys.version_info[:2])
    assert make_venv.own_wheels() == []
    (tmp_path / "ensurepip/_bundled").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    own = [wheel(tmp_path / "ensurepip/_bundled", name, {}) for name in ("pip", "setuptools")]
    pip = wheel(tmp_path / "shared", "pip", {})
    assert make_venv.own_wheels() == own
    shared = [pip, wheel(tmp_path / "shared", "setuptools", {})]
    assert make_venv.own_wheels() == shared
    monkeypatch.setattr(make_venv, "LAST_WITH_SETUPTOOLS", (3, 5))
    assert make_venv.own_wheels() == [pip]
