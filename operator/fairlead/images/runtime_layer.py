"""The layer that makes an environment a server: ``/opt/fairlead/runtime``.

Made from the wheel of ``fairlead-scoring`` that is bundled with Fairlead, and the exact versions it
asks for, by pip and without running anything of theirs. What user code may import of it lies in a
folder of its own, ``script-packages``, and so does a debugger where one is asked for; the rest is
out of user code's sight. Where the Python of
the environment is older than 3.11, the layer brings another one for the server (``front_python``).
Nothing in it depends on where or when it was made; it is made once for each Python and namespace
and mounted from then on. Where the server's Python is one like ours, it is compiled here.

Where everything that the wheel asks for lies beside it, for the Python in question, neither a
package index nor pip is asked: so it is in Fairlead's own image, for the Python of this image.
"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from fairlead.images.bundled_runtime import Runtime, RuntimeInstallError
from fairlead.images.bundled_wheels import are_plain, bundled_wheels
from fairlead.images.bundled_wheels import lay_out as lay_out_wheels
from fairlead.images.bytecode import compile_parts
from fairlead.images.debugger import FOLDER as DEBUGGER
from fairlead.images.debugger import debugger_requirement
from fairlead.images.environment_layer import Gzipped, environment_tar
from fairlead.images.environment_tree import Limits
from fairlead.images.front_python import compile_all, lay_out
from fairlead.images.layers import Entry, Layer, compressed_layer
from fairlead.images.layout import FRONT_FOLDER, RUNTIME
from fairlead.registry.oci import OCI_LAYER_GZIP, PLATFORM, descriptor
from fairlead.settings import Settings

SCRIPT_PACKAGES = "script-packages"  # the slot puts it last on user code's path
SCRIPT_EXTRA = "script"  # the wheel's extra that names what belongs there
PIP_TIMEOUT_S = 300.0  # seconds
# What pip notes about its own work, and programs that nobody starts.
INSTALLER_FILES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def script_requirements(wheel: Path, python: str) -> list[str]:
    """Return what user code on that Python may import: ``["werkzeug==3.1.9", …]``."""
    return [_pin(one) for one in _asked(wheel) if _is_scripts(one, python)]


def front_requirements(wheel: Path, python: str) -> list[str]:
    """Return what else the wheel asks for on the server's Python: ``["click==8.5.1", …]``."""
    scripts = script_requirements(wheel, python)
    own = [_pin(one) for one in _asked(wheel) if _applies(one, python)]
    return [pin for pin in own if pin not in scripts]


def make_layer(
    runtime: Runtime, folder: Path, settings: Settings, say: Callable[[str], None]
) -> Layer:
    """Install the runtime below the empty ``folder`` and return it as a layer.

    Raises ``RuntimeInstallError``, ``FrontPythonError``.
    """
    install(runtime, folder, settings, say)
    _remove_left_out(folder)
    if runtime.front is not None:
        return _layer_with_python(folder)
    if runtime.compiled:
        _compile(runtime, folder, say)
    files = [path for path in folder.rglob("*") if path.is_file()]
    entries = (Entry(f"{RUNTIME}/{path.relative_to(folder).as_posix()}", path) for path in files)
    return compressed_layer(entries, RUNTIME)


def install(runtime: Runtime, folder: Path, settings: Settings, say: Callable[[str], None]) -> None:
    """Lay out ``folder`` as the image has it.

    Raises ``RuntimeInstallError``, ``FrontPythonError``.
    """
    wheel, python = runtime.wheel, runtime.server or runtime.python
    if runtime.front is not None:
        folder.mkdir(exist_ok=True)
        python = lay_out(runtime.front, folder, settings)
        say(f"The server brings its own Python {python}: {runtime.front.source}")
    wheels = _Wheels(wheel.parent, settings, say, runtime.musl)
    wheels.install(front_requirements(wheel, python), python, folder, wheel)
    script = script_requirements(wheel, runtime.python)
    if script:
        wheels.install(script, runtime.python, folder / SCRIPT_PACKAGES)
    if runtime.debugger:
        install_debugger(runtime, folder, settings, say)


def install_debugger(
    runtime: Runtime, folder: Path, settings: Settings, say: Callable[[str], None]
) -> None:
    """Put debugpy for user code's Python into the runtime that ``folder`` has.

    Raises ``RuntimeInstallError``.
    """
    wheels = _Wheels(runtime.wheel.parent, settings, say, runtime.musl)
    wheels.install([debugger_requirement(runtime.python)], runtime.python, folder / DEBUGGER)


def _layer_with_python(folder: Path) -> Layer:
    """Return the layer of what runs on its own Python: with links, programs and compiled files."""
    compile_all(folder)
    pieces = Gzipped(environment_tar(folder, RUNTIME, Limits()))
    content = b"".join(pieces)
    return Layer(content, pieces.diff_id, descriptor(OCI_LAYER_GZIP, content))


def _compile(runtime: Runtime, folder: Path, say: Callable[[str], None]) -> None:
    """What the server imports, and user code of a Python that is the server's. Without bytecode it
    runs as well."""
    others = {DEBUGGER} | ({SCRIPT_PACKAGES} if runtime.server else set())
    parts = [path for path in sorted(folder.iterdir()) if path.name not in others]
    try:
        said = compile_parts(sys.executable, folder, parts).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    if said:
        say(f"The runtime is not compiled: {said[-300:]}")


def _remove_left_out(folder: Path) -> None:
    own = (path for path in folder.iterdir() if path.name != FRONT_FOLDER)
    for path in [inner for part in own for inner in (part, *part.rglob("*"))]:
        if path.is_file() and _left_out(path, folder):
            path.unlink()


def _asked(path: Path) -> list[Requirement]:
    with zipfile.ZipFile(path) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(wheel.read(name))
    return [Requirement(str(text)) for text in metadata.get_all("Requires-Dist", [])]


def _applies(one: Requirement, python: str, extra: str = "") -> bool:
    """Whether it is asked for on that Python; pip would judge by the one that it runs on."""
    there = {"python_version": python, "python_full_version": f"{python}.0"}
    there = {**there, "sys_platform": "linux", "extra": extra}
    return one.marker is None or one.marker.evaluate(there)


def _is_scripts(one: Requirement, python: str) -> bool:
    return _applies(one, python, SCRIPT_EXTRA) and not _applies(one, python)


def _pin(one: Requirement) -> str:
    return f"{one.name}{one.specifier}"


@dataclass(frozen=True)
class _Wheels:
    """What installs them: we, where all lie in ``bundle``, else pip."""

    bundle: Path
    settings: Settings
    say: Callable[[str], None]
    musl: bool = False

    def install(self, pins: Sequence[str], python: str, folder: Path, *more: Path) -> None:
        """Install wheels for that Python. Raises ``RuntimeInstallError``."""
        platforms = wheel_platforms(musl=self.musl)
        bundled = bundled_wheels(pins, python, self.bundle, platforms)
        if bundled is not None and are_plain(wheels := [*more, *bundled]):
            lay_out_wheels(wheels, folder)
            self.say(f"From Fairlead's own wheels: {', '.join(one.name for one in wheels)}\n")
            return
        beside = ("--no-index", f"--find-links={self.bundle}") if bundled is not None else ()
        self._run(python, folder, (*beside, *map(str, more), *pins))

    def _run(self, python: str, folder: Path, arguments: Sequence[str]) -> None:
        platforms = [f"--platform={platform}" for platform in wheel_platforms(musl=self.musl)]
        command = [
            *(sys.executable, "-m", "pip", "install", "--target", str(folder), "--no-deps"),
            *("--no-compile", "--only-binary=:all:", f"--python-version={python}", *platforms),
            *("--no-input", "--disable-pip-version-check", "--progress-bar=off"),
            *("--retries=2", "--timeout=20", *arguments),
        ]
        try:
            done = subprocess.run(  # no shell; every word is ours
                command,
                env=_environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=PIP_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            said = f"pip was ended after {PIP_TIMEOUT_S:.0f} s: timed out."
            raise RuntimeInstallError(said) from error
        self.say(done.stdout)
        if done.returncode != 0:
            raise RuntimeInstallError(done.stdout)


def wheel_platforms(*, musl: bool = False) -> list[str]:
    """As names of wheels have them, for the images that are made."""
    machine = _MACHINES.get(PLATFORM.architecture, PLATFORM.architecture)
    if musl:
        return [f"musllinux_1_{minor}_{machine}" for minor in (1, 2)]
    return [f"manylinux{glibc}_{machine}" for glibc in ("2014", "_2_17", "_2_28")]


def _environment(settings: Settings) -> Mapping[str, str]:
    """What pip is told beside the command line, where everybody on the machine could read it."""
    told = {"PIP_ROOT_USER_ACTION": "ignore"}
    if settings.package_index:
        told["PIP_INDEX_URL"] = settings.package_index
        index = urlsplit(settings.package_index)
        if not {index.hostname, index.netloc}.isdisjoint(settings.insecure_hosts):
            told["PIP_TRUSTED_HOST"] = index.netloc.rpartition("@")[2]
    if settings.ca_bundle is not None:
        told["PIP_CERT"] = str(settings.ca_bundle)
    return {**os.environ, **told}


def _left_out(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    top = parts[1] if parts[0] in (SCRIPT_PACKAGES, DEBUGGER) else parts[0]
    in_notes = top.endswith(".dist-info") and parts[-1] in INSTALLER_FILES
    return top == "bin" or "__pycache__" in parts or in_notes
