# ruff: noqa: ARG002  (a stand-in for a registry)
"""The ``pod`` engine with the real program of the other container, as a process beside the test."""

import gzip
import io
import json
import os
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.base_python import BasePython
from fairlead.diagnosis.build.explain import explain
from fairlead.engines import output_lines, pod, pod_pipe
from fairlead.engines.base import (
    BaseUnfitError,
    BuildFailedError,
    BuildPlan,
    EngineUnreachableError,
    StepRefusedError,
)
from fairlead.engines.index_proxy import Headers, IndexAccess
from fairlead.engines.pod import Places, PodEngine
from fairlead.images import install_in_base
from fairlead.registry.addresses import NamedHosts
from fairlead.registry.client import Registry
from fairlead.registry.oci import (
    OCI_CONFIG,
    OCI_LAYER_GZIP,
    Descriptor,
    ImageConfig,
    Manifest,
    digest_of,
)
from fairlead.registry.reference import Repository, parse_repository
from fairlead.requirement import Requirement

PROGRAM = Path(install_in_base.__file__)
ENVIRONMENTS = parse_repository("localhost:5000/demo/fairlead/environments")
BASE_LAYER = Descriptor(media_type=OCI_LAYER_GZIP, digest=digest_of(b"base"), size=4)
HASH = "ab" * 32
CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Env": ["PATH=/usr/bin", "BASE=1"], "Labels": {"of": "base"}, "WorkingDir": "/srv"},
    "rootfs": {"diff_ids": [digest_of(b"raw base")]},
}


@dataclass
class FakeRegistry:
    """What an engine asks of a registry, and what it has pushed."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    copied: list[str] = field(default_factory=list)
    tags: dict[str, bytes] = field(default_factory=dict)

    def manifest(self, repository: Repository, reference: str) -> tuple[Manifest, Descriptor]:
        config = Descriptor(media_type=OCI_CONFIG, digest=digest_of(b"config"), size=1)
        return Manifest(config=config, layers=(BASE_LAYER,)), config

    def config(self, repository: Repository, manifest: Manifest) -> ImageConfig:
        return ImageConfig.model_validate(CONFIG)

    def upload(self, repository: Repository, pieces: Iterable[bytes]) -> tuple[str, int]:
        content = b"".join(pieces)
        self.blobs[digest_of(content)] = content
        return digest_of(content), len(content)

    def upload_bytes(self, repository: Repository, content: bytes) -> None:
        self.blobs[digest_of(content)] = content

    def copy_blob(self, source: Repository, target: Repository, digest: str) -> str:
        if digest in self.blobs:
            return "present"
        self.copied.append(f"{source} {digest}")
        return "mounted"

    def put_manifest(self, repository: Repository, tag: str, body: bytes, kind: str) -> str:
        self.tags[tag] = body
        return digest_of(body)


@dataclass
class Log:
    lines: list[str] = field(default_factory=list)

    def phase(self, name: str) -> None:
        self.lines.append(f"[{name}]")

    def write(self, text: str) -> None:
        self.lines += text.splitlines()


@dataclass
class Pod:
    """Both containers: the engine, and the other one's program once it is started."""

    folder: Path
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    log: Log = field(default_factory=Log)
    other: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        handed, installed = self.folder / "handed", self.folder / "installed"
        self.places = Places(handed, installed, within=str(installed))
        for place in (self.places.handed, self.places.installed):
            place.mkdir()
        os.mkfifo(self.places.handed / "log")

    def engine(self) -> PodEngine:
        return PodEngine(cast(Registry, self.registry), self.places)

    def begin(self) -> subprocess.Popen[bytes]:
        self.other = subprocess.Popen([sys.executable, PROGRAM, self.places.handed])
        return self.other


def no_lock() -> None:
    """Nothing is kept beside the image."""


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    found = Pod(tmp_path)
    monkeypatch.setattr(pod_pipe, "LOOK_EVERY_S", 0.05)
    yield found
    if found.other is not None:
        found.other.kill()
        found.other.wait()


def plan(*requirements: str, steps: str = "") -> BuildPlan:
    wanted = tuple(Requirement(text=text, line=line) for line, text in enumerate(requirements, 5))
    recipe = EnvironmentRecipe(base_image="python:3.11-slim", requirements=wanted, steps=steps)
    return BuildPlan(
        recipe=recipe,
        base=parse_repository("python"),
        base_digest=digest_of(b"manifest"),
        environments=ENVIRONMENTS,
        hash=HASH,
        package_index="https://index.example.com/simple",
        insecure_hosts=(),
        ca_bundle=None,
    )


def install(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """The installation is a script of the test's own."""
    program = "\n".join(lines)
    orders = pod._orders

    def scripted(*arguments: Any) -> dict[str, object]:
        return {**orders(*arguments), "commands": [[sys.executable, "-c", program]]}

    monkeypatch.setattr(pod, "_orders", scripted)


@pytest.fixture(autouse=True)
def compiled_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base image's own modules, as far as a test says nothing else."""
    compile_by(monkeypatch, "import os, sys", "os.makedirs(sys.argv[1])")


def compile_by(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """What compiles the base image's own modules is a script of the test's own."""
    files = pod._files

    def scripted(*arguments: Any) -> dict[str, bytes]:
        return {**files(*arguments), install_in_base.COMPILE: "\n".join(lines).encode()}

    monkeypatch.setattr(pod, "_files", scripted)


def built(both: Pod) -> None:
    engine = both.engine()
    both.begin()
    python = engine.prepare(plan("a"), both.log)
    assert python is not None
    engine.build(plan("a"), python, both.log, no_lock)


def let_go(both: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build until the installation says `begun`, and then end as a task that is killed does."""
    engine = both.engine()
    both.begin()
    python = engine.prepare(plan("a"), both.log)
    assert python is not None

    class LetGoError(Exception):
        pass

    def write(text: str) -> None:
        if text == "begun":
            raise LetGoError

    monkeypatch.setattr(both.log, "write", write)
    with pytest.raises(LetGoError):
        engine.build(plan("a"), python, both.log, no_lock)
    engine.close()


def layer(registry: FakeRegistry, index: int) -> dict[str, tarfile.TarInfo]:
    digest = Manifest.model_validate_json(registry.tags[HASH]).layers[index].digest
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(registry.blobs[digest]))) as archive:
        return {entry.name: entry for entry in archive.getmembers()}


def test_what_was_installed_becomes_a_layer_on_the_base_image(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        monkeypatch,
        "import os, pathlib, sys",
        f"pathlib.Path({str(both.places.installed)!r}, 'x.py').write_text('x = 1')",
        "print(os.environ['PIP_CONFIG_FILE'], os.environ['STEP'], os.environ['HOME'])",
        "print(pathlib.Path('requirements.txt').read_text(), file=sys.stderr)",
    )
    missing = str(both.folder / "made")
    steps = f"ENV STEP=2 BASE=3\nLABEL a=b\nWORKDIR /tmp\nWORKDIR {missing}\nCOPY a.json /tmp"
    asked = replace(plan("flask==3.0.3", steps=steps), files={"a.json": b"{}"})
    engine = both.engine()
    both.begin()
    python = engine.prepare(asked, both.log)
    version = ".".join(map(str, sys.version_info[:3]))
    libc, path = install_in_base.libc(), sys.executable
    assert python == BasePython(version, makes_environments=True, libc=libc, path=path)
    tags: list[dict[str, bytes]] = []
    digest = engine.build(asked, python, both.log, lambda: tags.append(dict(both.registry.tags)))
    assert tags == [{}]  # whoever finds the image finds its lock
    manifest = both.registry.tags[HASH]
    assert digest == digest_of(manifest)
    assert both.registry.copied == [f"docker.io/library/python {BASE_LAYER.digest}"]
    config = json.loads(both.registry.blobs[Manifest.model_validate_json(manifest).config.digest])
    assert config["config"] == {
        "Env": [
            *("PATH=/opt/fairlead/env/bin:/usr/bin", "BASE=3", "STEP=2"),
            *("PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"),
        ],
        "Labels": {
            "of": "base",
            "a": "b",
            "fairlead.dev/owner": "fairlead",
            "dev.fairlead.environment.hash": HASH,
            "dev.fairlead.environment.python": python.version,
        },
        "User": "10001:10001",
        "WorkingDir": "/var/azureml-app",
    }
    assert len(config["rootfs"]["diff_ids"]) == 3
    assert list(layer(both.registry, 1)) == sorted([missing.strip("/"), "tmp/a.json"])
    assert list(layer(both.registry, 2)) == ["opt/fairlead/env", "opt/fairlead/env/x.py"]
    assert "/opt/fairlead/build/pip.conf 2 /tmp" in both.log.lines
    assert both.log.lines.count("flask==3.0.3") == 2
    assert both.other is not None
    assert both.other.wait(timeout=120) == 0


COMPILES = (
    "import pathlib, sys",
    "folder = pathlib.Path(sys.argv[1], 'usr/lib/python3/__pycache__')",
    "folder.mkdir(parents=True)",
    "(folder / 'os.pyc').write_bytes(b'bytecode')",
)


def test_bytecode_of_the_base_images_modules_is_a_layer_that_foreign_code_cannot_write_to(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_by(monkeypatch, *COMPILES)
    installed = str(both.places.installed)
    planted = "usr/lib/python3/__pycache__/planted.pyc"
    install(
        monkeypatch,
        "import os, pathlib",
        f"print('left', os.listdir({installed!r}))",
        f"planted = pathlib.Path({installed!r}, {pod.COMPILED!r}, {planted!r})",
        "planted.parent.mkdir(parents=True)",
        "planted.write_bytes(b'foreign')",
        "print('::fairlead:: {\"compiled\": 0}', flush=True)",
    )
    built(both)
    folder = "usr/lib/python3/__pycache__"
    assert list(layer(both.registry, 1)) == [folder, f"{folder}/os.pyc"]
    within = f"opt/fairlead/env/{pod.COMPILED}"
    assert not [name for name in layer(both.registry, 2) if name.endswith(".pyc")], within
    assert "left []" in both.log.lines


@pytest.mark.parametrize(
    "program",
    [
        ("import os, signal", "os.kill(os.getpid(), signal.SIGKILL)"),
        ("raise SystemExit('no space left')",),
        (*COMPILES, "(folder / 'large.pyc').open('wb').truncate(1 << 40)"),
        (*COMPILES, "(folder / 'os.pyc').chmod(0)", "folder.chmod(0)"),
    ],
)
def test_without_that_bytecode_an_environment_is_built_as_well(
    both: Pod, monkeypatch: pytest.MonkeyPatch, program: tuple[str, ...]
) -> None:
    compile_by(monkeypatch, *program)
    install(monkeypatch, "print('installed')")
    built(both)
    assert "installed" in both.log.lines


def test_neither_variables_of_the_base_image_nor_chance_change_that_bytecode(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PYTHONPATH": "x", "PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "7"}.items():
        monkeypatch.setenv(name, value)
    flags = "sys.flags.optimize, sys.flags.no_user_site, sys.flags.hash_randomization"
    given = "[name for name in os.environ if name.startswith('PYTHON')]"
    compile_by(monkeypatch, "import os, sys", f"print('told', {given}, {flags})")
    install(monkeypatch, "import os", "print('installs', os.environ['PYTHONPATH'])")
    built(both)
    assert "told ['PYTHONHASHSEED'] 0 1 0" in both.log.lines
    assert "installs x" in both.log.lines


def test_of_what_a_base_image_says_meanwhile_not_all_is_logged(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_lines, "MAX_LOGGED_LINES", 10)
    monkeypatch.setattr(output_lines, "LAST_LOGGED_LINES", 5)
    compile_by(monkeypatch, "for number in range(1000): print('says', number)")
    install(monkeypatch, "print('installed')")
    built(both)
    assert len([line for line in both.log.lines if line.startswith("says")]) < 20
    assert "installed" in both.log.lines


def test_a_base_image_of_many_layers_gets_none_that_it_does_not_need(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_by(monkeypatch, *COMPILES)
    install(monkeypatch, "print('installed')")
    monkeypatch.setattr(pod, "MOST_LAYERS", 0)
    built(both)
    assert "opt/fairlead/env" in layer(both.registry, 1)


def test_a_file_that_may_be_run_stays_so(both: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["source/pkg/run.sh", "source/pkg/setup.py"]
    install(monkeypatch, "import os", f"print([os.access(name, os.X_OK) for name in {names}])")
    asked = plan("./pkg", steps="COPY tool a.json /opt/x/")
    recipe = asked.recipe.model_copy(update={"programs": ("tool", "pkg/run.sh")})
    files, local = {"tool": b"1", "a.json": b"2"}, {"pkg/run.sh": b"3", "pkg/setup.py": b"4"}
    asked = replace(asked, recipe=recipe, files=files, local=local)
    engine = both.engine()
    both.begin()
    python = engine.prepare(asked, both.log)
    assert python is not None
    engine.build(asked, python, both.log, no_lock)
    assert "[True, False]" in both.log.lines
    modes = {name: entry.mode for name, entry in layer(both.registry, 1).items()}
    assert modes == {"opt/x/a.json": 0o644, "opt/x/tool": 0o755}


def test_packages_of_the_source_lie_in_a_folder_of_what_is_handed_over(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        monkeypatch, "import pathlib", "print('has', pathlib.Path('source/a/setup.py').read_text())"
    )
    asked = replace(plan("./a"), local={"a/setup.py": b"its text"})
    engine = both.engine()
    both.begin()
    python = engine.prepare(asked, both.log)
    assert python is not None
    engine.build(asked, python, both.log, no_lock)
    assert "has its text" in both.log.lines


def test_pip_is_given_no_credentials_but_a_place_that_sends_them(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        monkeypatch,
        "import os, pathlib",
        "print(pathlib.Path('pip.conf').read_text())",
        "print('proxies', os.environ['no_proxy'], os.environ['NO_PROXY'])",
        "at = [one for one in pathlib.Path('pip.conf').read_text().split() if '/index/' in one]",
        "print('raw', [one.split(':')[1] for one in at])",
        "files = [one for one in pathlib.Path('.').iterdir() if one.is_file()]",
        "told = ' '.join(one.read_text() for one in files) + str(os.environ)",
        "print('seen', 'hunter' + '2' in told)",
    )
    monkeypatch.setitem(CONFIG["config"], "Env", ["NO_PROXY=corp.example"])  # type: ignore[arg-type]
    options = ("--index-url https://own.example.com/simple", "--extra-index-url https://b.example")
    asked = plan("flask")
    wanted = tuple(Requirement(text=text, line=1) for text in options)
    recipe = asked.recipe.model_copy(update={"options": wanted})

    def headers(address: str) -> Headers:
        return {"Authorization": "Basic hunter2"} if "own.example.com" in address else {}

    access = IndexAccess(ssl.create_default_context(), NamedHosts(), headers)
    asked = replace(asked, recipe=recipe, indexes=access)
    engine = both.engine()
    both.begin()
    python = engine.prepare(asked, both.log)
    assert python is not None
    engine.build(asked, python, both.log, no_lock)
    lines = both.log.lines
    assert "Asked with the Secret for packages: https://own.example.com/simple." in lines
    assert "index-url = https://own.example.com/simple" in lines  # as it is shown
    assert "    https://b.example" in lines
    assert "raw ['//127.0.0.1']" in lines
    assert "proxies corp.example,127.0.0.1 corp.example,127.0.0.1" in lines
    assert "seen False" in lines


def test_what_pip_says_is_explained_by_the_users_line(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "ERROR: No matching distribution found for falsk==3.0.3"
    could = "ERROR: Could not find a version that satisfies the requirement falsk==3.0.3"
    install(
        monkeypatch, f"print({could + ' (from versions: none)'!r})", f"print({said!r})", "exit(1)"
    )
    asked = plan("flask==3.0.3", "falsk==3.0.3")
    engine = both.engine()
    both.begin()
    python = engine.prepare(asked, both.log)
    assert python is not None
    with pytest.raises(BuildFailedError) as failed:
        engine.build(asked, python, both.log, no_lock)
    found = explain(failed.value.output, asked.recipe)
    assert (found.reason, found.requirement) == ("PackageNotFound", "falsk==3.0.3")
    assert both.registry.tags == {}


def test_a_container_that_is_killed_has_run_out_of_memory(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, "import os, signal", "os.kill(os.getppid(), signal.SIGKILL)")
    engine = both.engine()
    both.begin()
    python = engine.prepare(plan("a"), both.log)
    assert python is not None
    with pytest.raises(BuildFailedError) as failed:
        engine.build(plan("a"), python, both.log, no_lock)
    found = explain(failed.value.output, plan("a").recipe)
    assert found.reason == "BuildOutOfMemory"
    assert "spec.build.resources.limits.memory" in (found.remedy or "")


def test_the_other_container_ends_when_nobody_listens_any_more(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, "import time", "print('begun', flush=True)", "time.sleep(600)")
    let_go(both, monkeypatch)
    assert both.other is not None
    assert both.other.wait(timeout=120) == 0


def test_the_other_container_ends_when_its_python_is_refused_or_was_never_needed(both: Pod) -> None:
    engine = both.engine()
    engine.close()
    assert both.begin().wait(timeout=120) == 0


def test_a_container_that_does_not_begin_is_told(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_pipe, "BEGIN_TIMEOUT_S", 0.2)
    with pytest.raises(EngineUnreachableError, match="did not begin"):
        both.engine().prepare(plan(), both.log)


def test_a_container_that_ends_without_a_word_has_no_python(both: Pod) -> None:
    engine = both.engine()
    pipe = os.open(both.places.handed / "log", os.O_WRONLY)
    os.write(pipe, b'::fairlead:: {"python": "3.11 with words", "venv": true}\n')
    os.close(pipe)
    assert engine.prepare(plan(), both.log) is None


def test_lines_of_any_kind_are_read_within_bounds(both: Pod) -> None:
    engine = both.engine()
    program = (
        "import sys; out = sys.stdout.buffer\n"
        "out.write(b'x' * 3_000_000 + b'\\n' + b'\\xff\\x00\\n')\n"
        "out.write(b'::fairlead:: ' + b'[' * 100_000 + b'\\n')\n"
        'out.write(b\'::fairlead:: {"python": "3.11.9"}\\n\')\n'
    )
    pipe = os.open(both.places.handed / "log", os.O_WRONLY)
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=pipe)
    os.close(pipe)
    assert engine.prepare(plan(), both.log) == BasePython("3.11.9", makes_environments=False)
    writer.wait(timeout=120)


def test_something_else_in_place_of_the_pipe_is_not_opened(both: Pod) -> None:
    (both.places.handed / "log").unlink()
    (both.places.handed / "log").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic links"):
        both.engine()
    (both.places.handed / "log").unlink()
    (both.places.handed / "log").write_text("")
    with pytest.raises(OSError, match="is no pipe"):
        both.engine()


def test_a_step_that_cannot_be_read_is_refused_before_anything_is_installed(both: Pod) -> None:
    asked = plan("a", steps="ENV A=1\nENV B='")
    python = BasePython("3.11.9", makes_environments=True)
    with pytest.raises(StepRefusedError, match="is not closed") as refused:
        both.engine().build(asked, python, both.log, no_lock)
    assert refused.value.line == 2


def test_many_folders_of_steps_are_told_one_by_one(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Altogether they are longer than any line that is read as a record."""
    install(monkeypatch, "print('installed')")
    folders = [f"/var/lib/customer-segmentation/reference/part-{n:03}" for n in range(120)]
    asked = plan("a", steps="\n".join(f"WORKDIR {folder}" for folder in folders))
    engine = both.engine()
    both.begin()
    python = engine.prepare(asked, both.log)
    assert python is not None
    engine.build(asked, python, both.log, no_lock)
    assert {folder.strip("/") for folder in folders} <= layer(both.registry, 1).keys()


@pytest.mark.parametrize(
    "record",
    [
        '{"ended": "0"}',
        '{"ended": null}',
        '{"ended": 0.0}',
        '{"absent": -1}',
        '{"absent": 7}',
        '{"absent": {"a": []}}',
        "[]",
        "[" * 2000,
    ],
)
def test_what_foreign_code_says_in_our_form_is_no_end(
    both: Pod, monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    install(monkeypatch, f"print({install_in_base.RECORD + record!r})", "raise SystemExit(3)")
    engine = both.engine()
    both.begin()
    python = engine.prepare(plan("a"), both.log)
    assert python is not None
    with pytest.raises(BuildFailedError, match="code: 3"):
        engine.build(plan("a"), python, both.log, no_lock)


def test_foreign_code_that_reads_the_pipe_breaks_nothing_and_keeps_nobody(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = both.places.handed / "log"
    install(
        monkeypatch,
        "import os, time",
        f"pipe = os.open({str(log)!r}, os.O_RDONLY | os.O_NONBLOCK)",
        "for number in range(200):",
        "    print(number, flush=True)",
        "    try: os.read(pipe, 100)",
        "    except BlockingIOError: pass",
        "print('begun', flush=True)",
        "print('begun', flush=True)",
        "time.sleep(600)",
    )
    let_go(both, monkeypatch)
    assert both.other is not None
    assert both.other.wait(timeout=120) == 0


def test_a_base_that_nothing_can_be_put_on_is_told_before_anything_is_installed(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONFIG, "rootfs", {"diff_ids": []})
    python = BasePython("3.11.9", makes_environments=True)
    with pytest.raises(BaseUnfitError, match="lists 0 layers and its manifest 1"):
        both.engine().build(plan("a"), python, both.log, no_lock)
    assert both.registry.blobs == {}


def test_an_environment_that_is_linked_already_is_unpacked_before_pip(
    both: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = both.folder / "environment.tar"
    with tarfile.open(linked, "w") as archive:
        for name, kind in ((str(both.places.installed), tarfile.DIRTYPE), ("bin", tarfile.SYMTYPE)):
            entry = tarfile.TarInfo(name.strip("/"))
            entry.type, entry.linkname = kind, "/usr/bin" if kind == tarfile.SYMTYPE else ""
            if kind == tarfile.SYMTYPE:
                entry.name = f"{both.places.installed}/bin".strip("/")
            archive.addfile(entry)
    asked = replace(plan(), linked=linked)
    orders = pod._orders

    def only_unpacked(*arguments: Any) -> dict[str, object]:
        found = orders(*arguments)
        commands = cast(list[list[str]], found["commands"])
        assert commands[1][1] == "pip_install.py"
        return {**found, "commands": [[sys.executable, *commands[0][1:]]]}

    monkeypatch.setattr(pod, "_orders", only_unpacked)
    engine = both.engine()
    both.begin()
    python = engine.prepare(asked, both.log)
    assert python is not None
    engine.build(asked, BasePython("3.7.6", makes_environments=True), both.log, no_lock)
    entries = layer(both.registry, 1)
    assert entries["opt/fairlead/env/bin"].linkname == "/usr/bin"
    config = both.registry.blobs[
        Manifest.model_validate_json(both.registry.tags[HASH]).config.digest
    ]
    assert b'"dev.fairlead.environment.python":"3.7.6"' in config
    assert not linked.exists()
