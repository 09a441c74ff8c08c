"""The ``pod`` engine on a base image without Python: the real programs, by the shells there are."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest

from fairlead.api.reasons import Reason
from fairlead.diagnosis.build.base_python import BasePython
from fairlead.diagnosis.build.explain import explain
from fairlead.engines import pod, pod_pipe
from fairlead.engines.base import BaseUnfitError, BuildFailedError, BuildPlan
from fairlead.images import linked_interpreter
from fairlead.tasks import hand_tools
from tests.conda_channel import OWN_VERSION, Package, real_python
from tests.unit.engines.test_pod_engine import Pod, layer, no_lock, plan

FOUND = ("/bin/sh", *filter(None, map(shutil.which, ("bash", "dash"))))
SHELLS = sorted({str(Path(shell).resolve()) for shell in FOUND})
END_TIMEOUT_S = 300
NONE = b'\n::fairlead:: {"python": null, "alpine": true}\n'


@cache
def own_python() -> Package:
    return real_python()


@dataclass
class ShellPod(Pod):
    """The other container has a shell and ``sleep``, and nothing else unless it is put there."""

    shell: str = "/bin/sh"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.places.handed.joinpath("log").unlink()
        hand_tools.main(self.places.handed)
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        self.add("sleep")

    def add(self, name: str, program: str | None = None) -> None:
        (self.programs / name).symlink_to(program or str(shutil.which(name)))

    def begin(self) -> "subprocess.Popen[bytes]":
        handed = str(self.places.handed)
        command = [self.shell, f"{handed}/begin_in_base.sh", handed]
        self.other = subprocess.Popen(command, env={"PATH": str(self.programs)})
        return self.other

    def end(self) -> int:
        assert self.other is not None
        return self.other.wait(timeout=END_TIMEOUT_S)


@pytest.fixture(params=SHELLS)
def both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[ShellPod]:
    found = ShellPod(tmp_path, shell=request.param)
    monkeypatch.setattr(pod_pipe, "LOOK_EVERY_S", 0.05)
    yield found
    if found.other is not None:
        found.other.kill()
        found.other.wait()


def linked(both: ShellPod, monkeypatch: pytest.MonkeyPatch, changed: Mapping[str, bytes]) -> Path:
    """An environment with an interpreter of this machine; its final path is the test's own."""
    final = str(both.places.installed).strip("/")
    monkeypatch.setattr(linked_interpreter, "ENVIRONMENT", final)
    package = own_python()
    path = both.folder / "environment.tar"
    with tarfile.open(path, "w") as archive:
        root = tarfile.TarInfo(final)
        root.type = tarfile.DIRTYPE
        archive.addfile(root)
        for name, content in {**package.files, **changed}.items():
            entry = tarfile.TarInfo(f"{final}/{name}")
            entry.size, entry.mode = len(content), 0o755 if "bin/" in name else 0o644
            archive.addfile(entry, io.BytesIO(content))
        for name, target in package.links.items():
            entry = tarfile.TarInfo(f"{final}/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return path


def with_pip(both: ShellPod, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """What pip does is a script of the test's own, run by the environment's interpreter."""
    orders = pod._orders

    def scripted(*arguments: Any) -> dict[str, object]:
        found = orders(*arguments)
        unpack, install = cast(list[list[str]], found["commands"])
        assert install[:2] == ["/opt/fairlead/env/bin/python", "pip_install.py"]
        python = str(both.places.installed / "bin/python")
        return {**found, "commands": [unpack, [python, "-c", "\n".join(lines)]]}

    monkeypatch.setattr(pod, "_orders", scripted)


def build(both: ShellPod, asked: BuildPlan) -> None:
    engine = both.engine()
    both.begin()
    try:
        assert engine.prepare(asked, both.log) is None
        assert both.log.lines[-1] == "It has no python3."
        python = BasePython(OWN_VERSION, makes_environments=True)
        engine.build(asked, python, both.log, no_lock)
    finally:
        engine.close()


def test_condas_interpreter_unpacks_the_environment_and_installs_into_it(
    both: ShellPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(plan("flask"), linked=linked(both, monkeypatch, {}))
    with_pip(
        both,
        monkeypatch,
        "import pathlib, sys",
        "print('by', sys.executable)",
        "print('has', pathlib.Path('requirements.txt').read_text())",
        "pathlib.Path(sys.prefix, 'installed.py').write_text('x = 1')",
    )
    build(both, asked)
    assert f"by {both.places.installed}/bin/python" in both.log.lines
    assert "has flask" in both.log.lines
    found = layer(both.registry, 1)
    minor = ".".join(OWN_VERSION.split(".")[:2])
    for name in ("installed.py", f"bin/python{minor}", f"lib/python{minor}/os.py"):
        assert f"opt/fairlead/env/{name}" in found
    assert both.end() == 0


def test_a_failure_of_pip_is_told_as_ever(both: ShellPod, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = replace(plan("flask"), linked=linked(both, monkeypatch, {}))
    with_pip(both, monkeypatch, "print('no such package')", "raise SystemExit(3)")
    with pytest.raises(BuildFailedError, match="code: 3"):
        build(both, asked)
    assert both.end() == 0


def test_an_interpreter_that_does_not_run_there_is_told_with_what_it_says(
    both: ShellPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    minor = ".".join(OWN_VERSION.split(".")[:2])
    broken = b"#!/no/such/loader\n"
    path = linked(both, monkeypatch, {f"bin/python{minor}": broken})
    asked = replace(plan("flask"), linked=path)
    with pytest.raises(BuildFailedError) as failed:
        build(both, asked)
    output = failed.value.output
    assert output.error.endswith(("code: 126", "code: 127"))
    assert any("interpreter/bin/python" in line for line in output.lines)
    assert explain(output, asked.recipe).reason is not Reason.BUILD_OUT_OF_MEMORY
    assert both.end() == 0


def test_a_base_image_that_has_nothing_to_wait_with_is_told_so(
    both: ShellPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    (both.programs / "sleep").unlink()
    asked = replace(plan("flask"), linked=linked(both, monkeypatch, {}))
    with pytest.raises(BuildFailedError, match="code: 127") as failed:
        build(both, asked)
    assert "sleep" in "\n".join(failed.value.output.lines)
    assert both.end() == 0


def test_a_base_image_with_python_goes_on_with_its_own(both: ShellPod) -> None:
    both.add("python3", sys.executable)
    engine = both.engine()
    both.begin()
    python = engine.prepare(plan(), both.log)
    assert python is not None
    assert python.version == OWN_VERSION
    engine.close()
    assert both.end() == 0


def test_neither_python_nor_glibc_is_told_as_the_docker_engine_tells_it(both: ShellPod) -> None:
    engine = both.engine()
    pipe = os.open(both.places.handed / "log", os.O_WRONLY)
    os.write(pipe, NONE)
    os.close(pipe)
    with pytest.raises(BaseUnfitError, match="no python3, and no glibc"):
        engine.prepare(plan(), both.log)


def test_it_ends_where_it_is_not_wanted(both: ShellPod) -> None:
    engine = both.engine()
    both.begin()
    assert engine.prepare(plan(), both.log) is None
    engine.close()
    assert both.end() == 0


def test_it_ends_where_it_was_never_wanted(both: ShellPod) -> None:
    both.engine().close()
    both.begin()
    assert both.end() == 0


def test_it_ends_where_the_container_beside_it_was_killed(both: ShellPod) -> None:
    """Then nothing says so but the pipe, which nobody reads any more."""
    engine = both.engine()
    both.begin()
    assert engine.prepare(plan(), both.log) is None
    os.close(engine._pipe._pipe)
    assert both.end() == 0


def test_it_ends_where_the_container_beside_it_was_killed_before_it_began(both: ShellPod) -> None:
    os.close(both.engine()._pipe._pipe)
    both.begin()
    assert both.end() == 0


def test_it_ends_when_it_is_told_to(both: ShellPod) -> None:
    engine = both.engine()
    process = both.begin()
    assert engine.prepare(plan(), both.log) is None
    process.terminate()
    assert both.end() == 0
    engine.close()
