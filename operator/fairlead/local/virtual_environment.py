"""An environment as a virtual environment of this machine, by the same recipe as an image's.

Each lies in a folder named by its hash, the runtime beside it, as an image has them: services with
the same packages share it. A folder without the mark of a whole one is made anew.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import certifi

from fairlead.api.reasons import Reason
from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.output import BuildOutput, Phase
from fairlead.engines.output_lines import OutputLines
from fairlead.finding import listed
from fairlead.images.bundled_runtime import Runtime, bundled_runtime
from fairlead.images.debugger import FOLDER as DEBUGGER
from fairlead.images.hashes import environment_hash
from fairlead.images.layout import BUILD_FILES
from fairlead.images.pip_files import MAKE_VENV, PackageIndex, build_files, pip_options
from fairlead.images.pip_install import INSTALLED, PLACE
from fairlead.images.runtime_layer import install, install_debugger
from fairlead.inputs.dockerfile_steps import instructions
from fairlead.inputs.match_spec import read_match_spec
from fairlead.local.build_failure import build_failed
from fairlead.local.errors import refusal
from fairlead.local.host import Log
from fairlead.local.interpreters import interpreter, version_of
from fairlead.local.places import held
from fairlead.local.runtime import runtime_told
from fairlead.redact import redacted
from fairlead.settings import Settings

WHOLE = "whole"  # the file that says so: the version of its Python
ENVIRONMENT, RUNTIME = "env", "runtime"
OLDEST_FRONT = (3, 11)
OWN_FILES = ("build/pip.conf", "build/pip_install.py")
EMPTY_CONFIGURATION = "[global]"
FOREIGN = (
    *("PYTHON", "VIRTUAL_ENV", "CONDA", "FAIRLEAD_", "AZUREML_", "AML_", "WORKER_"),
    *("SERVICE_NAME", "SERVICE_VERSION", "SERVICE_PATH_PREFIX", "SCORING_TIMEOUT_MS"),
)
"""What variables of this shell begin with that a service is not to see."""
NOTHING_IN_IT = {"python", "pip"}


@dataclass(frozen=True)
class VirtualEnvironment:
    """``folder`` has ``env`` and ``runtime`` in it."""

    folder: Path
    hash: str
    python: str

    @property
    def program(self) -> Path:
        """Python of the user's code."""
        return self.folder / ENVIRONMENT / "bin/python"

    @property
    def server(self) -> Path:
        """Python of the scoring server: the same, where it is new enough."""
        return self.program if is_new_enough(self.python) else Path(sys.executable)


@dataclass(frozen=True)
class Installation:
    """What is to be installed; ``local`` are the files of the source that pip installs from.
    ``debugger``: debugpy, too, beside the user's packages."""

    recipe: EnvironmentRecipe
    settings: Settings
    local: Mapping[str, bytes] = field(default_factory=dict)
    debugger: bool = False


def is_new_enough(python: str) -> bool:
    """Whether the scoring server runs on a Python such as ``3.11.2``."""
    major, minor = python.split(".")[:2]
    return (int(major), int(minor)) >= OLDEST_FRONT


def check_recipe(recipe: EnvironmentRecipe) -> None:
    """Raise ``LocalError`` where only a container can have what it asks for."""
    step = next((one for one in instructions(recipe.steps) if one.keyword == "RUN"), None)
    if step:
        raise refusal(
            Reason.NOT_WITHOUT_CONTAINER,
            f"{recipe.steps_file}:{step.line} has RUN, which would change this machine.",
            "Leave --no-container out, or leave the steps out and install by hand what they do.",
        )
    packages = recipe.conda.packages if recipe.conda else ()
    names = [read_match_spec(package.text).name for package in packages]
    asked = [name for name in names if name not in NOTHING_IN_IT]
    if asked:
        line = next(one.line for one in packages if read_match_spec(one.text).name == asked[0])
        raise refusal(
            Reason.NOT_WITHOUT_CONTAINER,
            f"{recipe.file}:{line} asks for {listed(asked)} from conda's channels, and a virtual "
            "environment has packages of pip alone.",
            "Leave --no-container out, or move them to the list of pip.",
        )


def make_environment(
    installation: Installation, environments: Path, log: Log
) -> VirtualEnvironment:
    """Make it, or find it. Raises ``LocalError``; what was begun is removed."""
    recipe = installation.recipe
    check_recipe(recipe)
    python, version = interpreter(recipe)
    runtime = _runtime(version, installation.settings)
    key = environment_hash(recipe, f"{python.resolve()} {version} {runtime.key}")
    made = VirtualEnvironment(environments / key[:16], key, version)
    with held(made.folder):
        if (made.folder / WHOLE).is_file() and version_of(made.program) == version:
            log.write(f"The environment is there already (Python {version}).")
        else:
            _make(made, python, installation, runtime, log)
        if installation.debugger:
            _add_debugger(made, runtime, installation.settings, log)
    return made


def _make(
    made: VirtualEnvironment, python: Path, wanted: Installation, runtime: Runtime, log: Log
) -> None:
    shutil.rmtree(made.folder, ignore_errors=True)
    made.folder.mkdir(parents=True)
    try:
        _fill(made, python, wanted, runtime, log)
    except BaseException:  # ctrl-C, too: nothing half-made is left
        shutil.rmtree(made.folder, ignore_errors=True)
        raise


def _fill(
    made: VirtualEnvironment, python: Path, wanted: Installation, runtime: Runtime, log: Log
) -> None:
    log.phase("environment")
    log.write(f"Making a virtual environment with Python {made.python} ({python}).")
    _make_venv(python, made.folder / ENVIRONMENT, with_pip=bool(wanted.recipe.requirements))
    if wanted.recipe.requirements:
        log.phase("packages")
        _install(made, wanted, log)
    log.phase("runtime")
    _install_runtime(made, runtime, wanted.settings, log)
    (made.folder / WHOLE).write_text(made.python)


def _make_venv(python: Path, folder: Path, *, with_pip: bool) -> None:
    """By venv; where Debian has kept it in a package of its own, by uv."""
    how = ["-I", str(MAKE_VENV)] if with_pip else ["-m", "venv", "--without-pip"]
    done = _said([str(python), *how, str(folder)])
    if done.returncode == 0:
        return
    uv = shutil.which("uv")
    if uv:
        seed = ["--seed"] if with_pip else []
        done = _said([uv, "venv", "--clear", *seed, "--python", str(python), str(folder)])
        if done.returncode == 0:
            return
    words = redacted(done.stdout, 600).strip()
    message = f"{python} makes no virtual environment: {words}"
    remedy = "Install its venv module (Debian: python3-venv), or uv."
    raise refusal(Reason.PYTHON_UNAVAILABLE, message, remedy)


def _said(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=clean_environment(),
        check=False,
    )


def _install(made: VirtualEnvironment, wanted: Installation, log: Log) -> None:
    """The very program that runs in a build of an image, told the same."""
    lines = OutputLines(lambda line: log.write(line) if INSTALLED not in line else None)
    with tempfile.TemporaryDirectory(prefix="fairlead-") as work:
        folder = Path(work, "build")
        lay_out(wanted, Path(work))
        with subprocess.Popen(
            [str(made.program), "pip_install.py", *pip_options()],
            cwd=folder,
            env={**clean_environment(), **_pip_variables(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as pip:
            for line in pip.stdout or ():
                lines.add(line.rstrip("\n"))
            code = pip.wait()
    if code:
        said = f"The command pip install returned a non-zero code: {code}"
        output = BuildOutput(Phase.PACKAGES, lines.finished(), said, "machine")
        raise build_failed(output, wanted.recipe)


def lay_out(wanted: Installation, work: Path) -> None:
    """The build context of an image below ``work``, where paths of an image are paths of ours."""
    settings = wanted.settings
    certificates = ca_certificates(settings)
    index = PackageIndex(settings.package_index, settings.insecure_hosts, certificates)
    for name, content in build_files(wanted.recipe, index, wanted.local).items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_here(content, work) if name in OWN_FILES else content)


def _here(content: bytes, work: Path) -> bytes:
    for place, folder in ((PLACE, work / "place"), (f"/{BUILD_FILES}", work / "build")):
        content = content.replace(place.encode(), str(folder).encode())
    return content


def _pip_variables(folder: Path) -> dict[str, str]:
    """Our configuration takes the place of the user's own, where it says anything."""
    told = (folder / "pip.conf").read_text().strip() != EMPTY_CONFIGURATION
    return {"PIP_CONFIG_FILE": str(folder / "pip.conf")} if told else {}


def ca_certificates(settings: Settings) -> bytes:
    """All that pip should trust: with a bundle of its own it trusts nothing else."""
    if settings.ca_bundle is None:
        return b""
    return b"\n".join((settings.ca_bundle.read_bytes(), Path(certifi.where()).read_bytes()))


def _runtime(python: str, settings: Settings) -> Runtime:
    """What is installed beside the user's Python; another version's is another environment."""
    own = None if is_new_enough(python) else platform.python_version()
    with runtime_told():
        return bundled_runtime(python, settings, own)


def _install_runtime(
    made: VirtualEnvironment, runtime: Runtime, settings: Settings, log: Log
) -> None:
    target = made.folder / RUNTIME
    target.mkdir()
    with runtime_told():
        log.write(f"Putting {runtime.wheel.name} beside it.")
        install(runtime, target, settings, lambda _: None)


def _add_debugger(made: VirtualEnvironment, runtime: Runtime, settings: Settings, log: Log) -> None:
    """It is there whole, or not at all; the environment is the same with it and without."""
    target = made.folder / RUNTIME / DEBUGGER
    if target.is_dir():
        return
    log.phase("debugger")
    with runtime_told() as work:
        install_debugger(runtime, work, settings, log.write)
        draft = target.with_name(f"{DEBUGGER}.new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.move(work / DEBUGGER, draft)
        draft.rename(target)


def clean_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Ours without what would reach into another Python, or into the runtime's settings."""
    return {name: value for name, value in environ.items() if not name.startswith(FOREIGN)}
