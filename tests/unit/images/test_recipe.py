"""What the builds are given beside the Dockerfile."""

import ast
import sys

import pytest

from fairlead.contract import EnvironmentRecipe
from fairlead.images import pip_install
from fairlead.images.pip_files import PackageIndex, build_files, has_credentials
from fairlead.images.recipe import base_stage, source_files
from fairlead.requirement import Requirement


def pip_conf(index: PackageIndex) -> str:
    return build_files(EnvironmentRecipe(base_image="python"), index)["build/pip.conf"].decode()


def test_without_settings_pip_is_left_as_it_is() -> None:
    files = build_files(EnvironmentRecipe(base_image="python"), PackageIndex())
    assert files["build/pip.conf"] == b"[global]\n"
    assert files["build/requirements.txt"] == b""
    assert "build/ca.pem" not in files


def test_certificates_are_trusted_where_there_are_any() -> None:
    files = build_files(EnvironmentRecipe(base_image="python"), PackageIndex(certificates=b"PEM"))
    assert files["build/pip.conf"] == b"[global]\ncert = /opt/fairlead/build/ca.pem\n"
    assert files["build/ca.pem"] == b"PEM"


@pytest.mark.parametrize(
    ("insecure", "trusted"),
    [((), False), (("index:80",), True), (("index",), True), (("other",), False)],
)
def test_an_index_without_tls_is_trusted_only_where_the_settings_say_so(
    insecure: tuple[str, ...], *, trusted: bool
) -> None:
    text = pip_conf(PackageIndex("http://index:80/simple", insecure))
    assert "index-url = http://index:80/simple\n" in text
    assert ("trusted-host = index:80\n" in text) is trusted


def test_a_requirement_stays_on_its_line() -> None:
    asked = (Requirement(text="numpy==2.1.0\n--index-url=x", line=1), Requirement(text="b", line=2))
    recipe = EnvironmentRecipe(base_image="python", requirements=asked)
    text = build_files(recipe, PackageIndex())["build/requirements.txt"].decode()
    assert text == "numpy==2.1.0 --index-url=x\nb\n"


def conf(*options: str, index: PackageIndex | None = None) -> str:
    asked = tuple(Requirement(text=text, line=1) for text in options)
    recipe = EnvironmentRecipe(base_image="python", options=asked)
    return build_files(recipe, index or PackageIndex())["build/pip.conf"].decode()


OWN = PackageIndex("http://index:80/simple", ("index",))
PYPI = "https://pypi.org/simple"


@pytest.mark.parametrize(
    ("options", "index", "text"),
    [
        (("--index-url https://a/s", "--index-url https://b/s"), OWN, "index-url = https://b/s\n"),
        ((f"--index-url {PYPI}",), PackageIndex(), ""),
        (
            (f"--index-url {PYPI}",),
            OWN,
            "index-url = http://index:80/simple\ntrusted-host = index:80\n",
        ),
        ((f"--extra-index-url {PYPI}",), OWN, conf(index=OWN).partition("\n")[2]),
        (
            ("--index-url https://a/s", f"--extra-index-url {PYPI}", "--extra-index-url https://b"),
            OWN,
            "index-url = https://a/s\nextra-index-url =\n    http://index:80/simple\n"
            "    https://b\ntrusted-host = index:80\n",
        ),
        (
            ("--find-links https://a/x.html", "--find-links ./wheels", "--find-links ./wheels"),
            PackageIndex(),
            "find-links =\n    https://a/x.html\n    /tmp/fairlead-source/wheels\n",
        ),
        (
            ("--pre", "--no-binary a", "--no-binary b,c", "--only-binary :all:", "--no-index"),
            PackageIndex(),
            "pre = true\nno-index = true\nno-binary = a,b,c\nonly-binary = :all:\n",
        ),
    ],
)
def test_the_options_of_a_file_are_what_pip_is_configured_with(
    options: tuple[str, ...], index: PackageIndex, text: str
) -> None:
    assert conf(*options, index=index) == f"[global]\n{text}"


def test_constraints_and_packages_of_the_source_lie_beside_the_list() -> None:
    asked = Requirement(text="./pkg", line=4)
    recipe = EnvironmentRecipe(
        base_image="python",
        requirements=(asked,),
        constraints=(Requirement(text="numpy==1.0", line=1, file="held.txt"),),
    )
    files = build_files(recipe, PackageIndex(), {"pkg/setup.py": b"x"})
    assert files["build/requirements.txt"] == b"./pkg\n"
    assert files["build/constraints.txt"] == b"numpy==1.0\n"
    assert files["build/source/pkg/setup.py"] == b"x"


@pytest.mark.parametrize(
    ("index", "holds"),
    [
        ("https://me:secret@index.example.com/simple", True),
        ("https://token@index.example.com/simple", True),
        ("https://index.example.com/simple@1", False),
        ("", False),
    ],
)
def test_credentials_in_the_address_of_an_index_are_seen(index: str, *, holds: bool) -> None:
    assert has_credentials(index) is holds


def test_what_runs_inside_the_build_needs_nothing_but_the_standard_library() -> None:
    source = build_files(EnvironmentRecipe(base_image="p"), PackageIndex())["build/pip_install.py"]
    imported = list(ast.walk(ast.parse(source, feature_version=(3, 10))))
    modules = {n.module for n in imported if isinstance(n, ast.ImportFrom) and n.module}
    modules |= {a.name for n in imported if isinstance(n, ast.Import) for a in n.names}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names
    assert pip_install.__doc__


def test_what_the_steps_copy_lies_in_a_folder_of_its_own() -> None:
    """A file of the user's is none of ours, whatever its name."""
    recipe = EnvironmentRecipe(base_image="python", steps="ENV A=1\nCOPY . Dockerfile /opt/$A/")
    assert 'COPY ["source/", "source/Dockerfile", "/opt/$A/"]' in base_stage(recipe, "base", "me")
    assert source_files({"Dockerfile": b"1", "build/pip.conf": b"2"}) == {
        "source/Dockerfile": b"1",
        "source/build/pip.conf": b"2",
    }
