"""What the runtime's layer is made from; that it is made is seen in the registry's tests."""

import zipfile
from pathlib import Path

import pytest

from fairlead.images import bundled_runtime as chosen
from fairlead.images import runtime_layer
from fairlead.images.bundled_runtime import Runtime, RuntimeMissingError, bundled_runtime
from fairlead.images.bundled_wheels import are_plain, bundled_wheels, lay_out
from fairlead.images.debugger import debugger_requirement
from fairlead.images.front_python import FrontPython
from fairlead.images.runtime_layer import front_requirements, script_requirements, wheel_platforms
from fairlead.registry.oci import Platform
from fairlead.settings import Settings

PLATFORM_TAG = "manylinux2014_x86_64"
METADATA = """\
Metadata-Version: 2.4
Name: fairlead-scoring
Version: 0.1.0
Requires-Dist: click==8.5.1
Requires-Dist: typing-extensions==4.16.0; python_version < '3.11'
Requires-Dist: colorama==0.4; sys_platform == 'win32'
Requires-Dist: werkzeug==3.1.9
Requires-Dist: extra==1; extra == 'all'
Requires-Dist: werkzeug==3.1.9; extra == 'script'
Requires-Dist: old==1; (python_version < '3.11') and extra == 'script'
"""


def wheel(folder: Path, version: str = "0.1.0") -> Path:
    path = folder / f"fairlead_scoring-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"fairlead_scoring-{version}.dist-info/METADATA", METADATA)
    return path


@pytest.mark.parametrize(
    ("python", "fronts", "scripts"),
    [
        ("3.10", ["click==8.5.1", "typing-extensions==4.16.0"], ["werkzeug==3.1.9", "old==1"]),
        ("3.11", ["click==8.5.1"], ["werkzeug==3.1.9"]),
        ("3.14", ["click==8.5.1"], ["werkzeug==3.1.9"]),
    ],
)
def test_what_is_needed_depends_on_the_images_python_and_not_on_ours(
    tmp_path: Path, python: str, fronts: list[str], scripts: list[str]
) -> None:
    path = wheel(tmp_path)
    assert front_requirements(path, python) == fronts
    assert script_requirements(path, python) == scripts


@pytest.mark.parametrize(
    ("beside", "python", "bundled"),
    [
        ((), "3.11", False),
        (("click-8.5.1-py3-none-any", "werkzeug-3.1.9-py3-none-any"), "3.11", True),
        (("click-8.5.1-py3-none-any", "werkzeug-3.1.8-py3-none-any"), "3.11", False),
        (("click-8.5.1-py3-none-any", "Werkzeug-3.1.9-cp311-cp311-PLATFORM"), "3.11", True),
        (("click-8.5.1-py3-none-any", "Werkzeug-3.1.9-cp311-cp311-PLATFORM"), "3.12", False),
        (("click-8.5.1-py3-none-any", "Werkzeug-3.1.9-cp39-abi3-PLATFORM"), "3.12", True),
        (("click-8.5.1-py3-none-any", "werkzeug-3.1.9-cp311-cp311-win32"), "3.11", False),
    ],
)
def test_no_index_is_asked_where_all_that_is_needed_lies_beside_the_wheel(
    tmp_path: Path, beside: tuple[str, ...], python: str, *, bundled: bool
) -> None:
    pins = ["click==8.5.1", "werkzeug==3.1.9"]
    for name in beside:
        (tmp_path / f"{name.replace('PLATFORM', PLATFORM_TAG)}.whl").touch()
    found = bundled_wheels(pins, python, tmp_path, wheel_platforms())
    assert (found is not None) is bundled
    assert not bundled or [one.name.lower().partition("-")[0] for one in found or ()] == [
        "click",
        "werkzeug",
    ]


def test_of_several_wheels_the_one_for_that_python_is_taken(tmp_path: Path) -> None:
    names = [
        f"httptools-0.9.0-{tag}.whl" for tag in ("py3-none-any", f"cp311-cp311-{PLATFORM_TAG}")
    ]
    for name in names:
        (tmp_path / name).touch()
    for python, name in (("3.12", names[0]), ("3.11", names[1])):
        found = bundled_wheels(["httptools==0.9.0"], python, tmp_path, wheel_platforms())
        assert found == [tmp_path / name]


def test_a_wheel_with_files_of_places_of_their_own_is_left_to_pip(tmp_path: Path) -> None:
    plain, special = wheel(tmp_path, "0.1.0"), wheel(tmp_path, "0.2.0")
    with zipfile.ZipFile(special, "a") as archive:
        archive.writestr("fairlead_scoring-0.2.0.data/scripts/x", "")
    assert are_plain([plain])
    assert not are_plain([plain, special])


def test_what_is_in_a_wheel_is_laid_out_as_it_is(tmp_path: Path) -> None:
    lay_out([wheel(tmp_path)], tmp_path / "runtime")
    [only] = [path for path in (tmp_path / "runtime").rglob("*") if path.is_file()]
    assert only.relative_to(tmp_path / "runtime").parts[1] == "METADATA"
    assert only.read_text() == METADATA


def test_another_wheel_or_python_is_another_runtime(tmp_path: Path) -> None:
    one = wheel(tmp_path)
    other = wheel(tmp_path, "0.2.0")
    front = FrontPython("/x", 64 * "0")
    runtimes = [Runtime(one, "3.10"), Runtime(one, "3.11"), Runtime(other, "3.11")]
    runtimes += [Runtime(one, "3.10", server="3.11"), Runtime(one, "3.10", server="3.12")]
    runtimes += [Runtime(one, "3.10", debugger=True), Runtime(one, "3.10", front)]
    assert len({runtime.key for runtime in runtimes}) == len(runtimes)
    assert Runtime(one, "3.11").key == Runtime(one.rename(tmp_path / "x.whl"), "3.11").key


def test_the_debugger_is_the_last_that_runs_on_a_python() -> None:
    pins = {python: debugger_requirement(python) for python in ("3.6", "3.7", "3.8", "3.11.2")}
    assert pins == {
        "3.6": "debugpy==1.5.1",
        "3.7": "debugpy==1.7.0",
        "3.8": "debugpy==1.8.21",
        "3.11.2": "debugpy==1.8.22",
    }


def test_the_newest_wheel_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "BUNDLE", tmp_path)
    wheel(tmp_path, "0.9.0")
    newest = wheel(tmp_path, "0.10.0")
    assert bundled_runtime("3.11.2", Settings()) == Runtime(newest, "3.11")
    older = bundled_runtime("3.6.15", Settings(front_python=f"/x.tar.gz#sha256={64 * '0'}"))
    assert older == Runtime(newest, "3.6", FrontPython("/x.tar.gz", 64 * "0"))
    beside = bundled_runtime("3.6.15", Settings(), "3.12.1")
    assert beside == Runtime(newest, "3.6", server="3.12")
    assert bundled_runtime("3.11.2", Settings(), "3.12.1") == Runtime(newest, "3.11")


def test_alpine_gets_wheels_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "BUNDLE", tmp_path)
    here = wheel(tmp_path, "0.9.0")
    found = bundled_runtime("3.11.2", Settings(), musl=True)
    assert found == Runtime(here, "3.11", musl=True)
    assert found.key != bundled_runtime("3.11.2", Settings()).key
    name = "httptools-0.9.0-cp311-cp311-{}_x86_64.whl"
    monkeypatch.setattr(runtime_layer, "PLATFORM", Platform(os="linux", architecture="amd64"))
    for libc, platform in ((False, "manylinux_2_28"), (True, "musllinux_1_2")):
        folder = tmp_path / platform
        folder.mkdir()
        (folder / name.format(platform)).touch()
        pins = ["httptools==0.9.0"]
        assert bundled_wheels(pins, "3.11", folder, wheel_platforms(musl=libc))
        assert bundled_wheels(pins, "3.11", folder, wheel_platforms(musl=not libc)) is None


def test_a_fairlead_without_a_wheel_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen, "BUNDLE", tmp_path)
    with pytest.raises(RuntimeMissingError, match=r"There is no fairlead_scoring-\*.whl in"):
        bundled_runtime("3.11.2", Settings())
