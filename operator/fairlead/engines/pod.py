"""The ``pod`` engine: the packages are installed in a container beside this one, in the base image.

No engine is asked, and no container is started: the pod of the task has both. The other one runs
foreign code and has nothing of ours but a pipe and the files that it is handed, both read-only;
what it leaves in the environment's folder is read as what it is, foreign, and becomes a layer on
the base image's own.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from fairlead.diagnosis.build.base_python import MUSL, BasePython
from fairlead.diagnosis.build.output import BuildOutput, Phase
from fairlead.engines.base import (
    NEITHER,
    BaseUnfitError,
    BuildFailedError,
    BuildPlan,
    EngineUnreachableError,
    Log,
    StepRefusedError,
    certificates,
)
from fairlead.engines.index_addresses import IndexAddresses
from fairlead.engines.index_proxy import LOOPBACK, index_proxy
from fairlead.engines.output_lines import OutputLines
from fairlead.engines.pod_pipe import NothingSaidError, PodPipe, Record, record_of
from fairlead.images import compile_base, unpack_linked
from fairlead.images.assembly import Base, Image, NotAnEnvironmentError, Part, check_base
from fairlead.images.base_bytecode import bytecode_tar
from fairlead.images.environment_assembly import environment_image
from fairlead.images.environment_labels import python_labels
from fairlead.images.environment_layer import Gzipped, environment_tar, folders_tar
from fairlead.images.environment_tree import EnvironmentUnfitError, Limits, survey
from fairlead.images.install_in_base import COMPILE
from fairlead.images.layers import gzipped
from fairlead.images.layout import BUILD_FILES, ENVIRONMENT
from fairlead.images.linked_interpreter import unpack_interpreter
from fairlead.images.pip_files import (
    PackageIndex,
    build_files,
    index_addresses,
    link_pages,
    pip_options,
    requirements_txt,
)
from fairlead.images.recipe import make_environment, program_files
from fairlead.images.steps_applied import Applied, StepError, applied, placed
from fairlead.job_request import HANDED_FOLDER, INSTALLED_FOLDER
from fairlead.registry.client import Registry
from fairlead.registry.oci import (
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    descriptor,
    digest_of,
    written,
)
from fairlead.registry.uploads import Repeated

COMPILED = ".compiled"  # in the environment's folder, before anything else is there
MOST_LAYERS = 100  # of a base image that gets one more than it needs (`assembly.MAX_LAYERS`)
LINKED = "environment.tar"
UNPACK = ("unpack_linked.py", LINKED)
INTERPRETER = "interpreter"  # handed over where the base image has none
KILLED = 137  # the exit code that a shell gives SIGKILL
PYTHON = f"/{ENVIRONMENT}/bin/python"
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")
MAX_LIBC_CHARS = 64
MAX_PATH_CHARS = 300
DATE = "315532800"  # 1980, the first that a wheel can hold
BUILD = "build/"  # of a build context: the folder whose files pip is given


@dataclass(frozen=True)
class Places:
    """Where this container sees what both share."""

    handed: Path = Path(HANDED_FOLDER)
    installed: Path = Path(INSTALLED_FOLDER)
    within: str = f"/{ENVIRONMENT}"
    """The same, as the other container sees it."""


class PodEngine:
    """An ``Engine`` for one build."""

    def __init__(
        self,
        registry: Registry,
        places: Places | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._registry, self._places = registry, places or Places()
        self._limits = limits or Limits()
        self._pipe = PodPipe(self._places.handed)
        self._has_python = True

    def close(self) -> None:
        self._pipe.close()

    def prepare(self, plan: BuildPlan, log: Log) -> BasePython | None:
        log.phase("base image")
        log.write(f"Waiting for the container in {plan.base}@{plan.base_digest}.")
        try:
            said = self._pipe.first_record()
        except NothingSaidError as error:
            raise EngineUnreachableError(_NOT_BEGUN) from error
        if said and said.get("alpine") is True:
            raise BaseUnfitError(NEITHER)
        python = _python(said)
        self._has_python = python is not None
        log.write(f"Its Python is {python.version}." if python else "It has no python3.")
        return python

    def build(
        self, plan: BuildPlan, python: BasePython, log: Log, before_push: Callable[[], None]
    ) -> str:
        base, steps = self._base(plan)
        compiles = plan.linked is None and len(base.manifest.layers) <= MOST_LAYERS
        with _indexes(plan) as indexes:
            self._hand(plan, steps, indexes, compiles=compiles)
            bytecode = self._bytecode(plan, log) if compiles else []
            absent = self._install(plan, steps, indexes, log)
        folders = {path for _, path in steps.copies} - absent
        copied = placed(steps, plan.files.keys(), folders)
        log.phase("layer")
        found = survey(self._places.installed, self._limits, log.write)
        log.write(f"{found.files:,} files, folders and links, {found.size_bytes:,} bytes.")
        made = absent & set(steps.folders)
        parts = [*bytecode, *self._steps(plan, made, copied), self._packages(plan)]
        log.phase("push")
        labels = python_labels(python.version, python.front, musl=python.is_musl)
        image = environment_image(base, steps, parts, plan.hash, labels)
        before_push()
        return self._push(plan, image, log)

    def _base(self, plan: BuildPlan) -> tuple[Base, Applied]:
        manifest, _ = self._registry.manifest(plan.base, plan.base_digest)
        base = Base(manifest, self._registry.config(plan.base, manifest))
        try:
            check_base(base)
        except NotAnEnvironmentError as error:
            raise BaseUnfitError(str(error)) from error
        own = base.config.config
        variables = {name: value for name, _, value in (pair.partition("=") for pair in own.env)}
        try:
            return base, applied(plan.recipe.steps, variables, own.labels, own.working_dir)
        except StepError as error:
            raise StepRefusedError(error.line, error.message) from error

    def _bytecode(self, plan: BuildPlan, log: Log) -> list[Part]:
        """The layer with the bytecode of the base image's own modules, where it has none: taken
        before foreign code runs, for the server stands on these modules, too."""
        output = OutputLines(log.write)
        for line in self._pipe.lines():
            if "compiled" in (record_of(line) or {}):
                break
            output.add(line)
        output.finished()
        try:
            content = b"".join(bytecode_tar(self._places.installed / COMPILED))
        except EnvironmentUnfitError as error:
            log.write(f"The base image's own modules get no bytecode. {error}")
            return []
        finally:
            self._pipe.take()
        return [self._part(plan, content, "bytecode")] if content else []

    def _install(
        self, plan: BuildPlan, steps: Applied, indexes: IndexAddresses, log: Log
    ) -> set[str]:
        """Have the packages installed; return which of the steps' paths the base image has not as
        folders.

        Raises ``BuildFailedError``.
        """
        log.phase("packages")
        log.write(f"requirements.txt:\n{requirements_txt(plan.recipe).rstrip()}")
        if indexes.known:
            log.write(f"Asked with the Secret for packages: {', '.join(indexes.known)}.")
        output, code, absent = OutputLines(log.write), KILLED, set[str]()
        paths = _paths(steps)
        for line in self._pipe.lines():
            match record_of(line):
                case None:
                    output.add(indexes.shown(line))
                case {"absent": int(number)} if 0 <= number < len(paths):
                    absent.add(paths[number])
                case {"ended": int(ended)}:
                    code = ended
        lines = output.finished()
        if code != 0:
            said = f"The installation of the packages returned a non-zero code: {code}"
            raise BuildFailedError(BuildOutput(Phase.PACKAGES, lines, said, "pod"))
        return absent

    def _hand(
        self, plan: BuildPlan, steps: Applied, indexes: IndexAddresses, *, compiles: bool
    ) -> None:
        if plan.linked is not None:
            if not self._has_python:
                unpack_interpreter(plan.linked, self._places.handed / INTERPRETER)
            shutil.move(plan.linked, self._places.handed / LINKED)
        programs = {name.removeprefix(BUILD) for name in program_files(plan.recipe)}
        unpack = ("python3",) if self._has_python else (f"{INTERPRETER}/bin/python", "-I")
        compiled = f"{self._places.within}/{COMPILED}" if compiles else ""
        orders = {**_orders(steps, plan, indexes, (*unpack, *UNPACK)), "compiled": compiled}
        self._pipe.hand(_files(plan, indexes), orders, programs)

    def _steps(self, plan: BuildPlan, made: set[str], copied: Mapping[str, str]) -> list[Part]:
        """The folders that WORKDIR makes, and the files of COPY: where each goes, and which file of
        the source it is. A folder that is there keeps its owner and mode."""
        if not made and not copied:
            return []
        files = {path.strip("/"): name for path, name in copied.items()}
        programs = {path for path, name in files.items() if name in (plan.recipe.programs or ())}
        contents = ((path, plan.files[name]) for path, name in files.items())
        content = folders_tar((path.strip("/") for path in made), contents, programs)
        return [self._part(plan, content, "steps")]

    def _part(self, plan: BuildPlan, content: bytes, about: str) -> Part:
        packed = gzipped(content)
        self._registry.upload_bytes(plan.environments, packed)
        return Part(descriptor(OCI_LAYER_GZIP, packed), digest_of(content), about)

    def _packages(self, plan: BuildPlan) -> Part:
        root, limits = self._places.installed, self._limits
        archive = Gzipped(Repeated(lambda: environment_tar(root, ENVIRONMENT, limits)))
        digest, size = self._registry.upload(plan.environments, archive)
        described = Descriptor(media_type=OCI_LAYER_GZIP, digest=digest, size=size)
        return Part(described, archive.diff_id, f"environment {plan.hash}")

    def _push(self, plan: BuildPlan, image: Image, log: Log) -> str:
        for layer in image.manifest.layers:
            how = self._registry.copy_blob(plan.base, plan.environments, layer.digest)
            log.write(f"{layer.digest} ({layer.size:,} bytes): {how}.")
        self._registry.upload_bytes(plan.environments, image.config)
        body = written(image.manifest)
        digest = self._registry.put_manifest(plan.environments, plan.hash, body, OCI_MANIFEST)
        log.write(f"{plan.environments}:{plan.hash} is {digest}, {image.size:,} bytes.")
        return digest


def _paths(steps: Applied) -> list[str]:
    """Of which it matters whether they are folders in the base image."""
    return [*steps.folders, *(path for _, path in steps.copies)]


def _python(said: Record | None) -> BasePython | None:
    version = said.get("python") if said else None
    if said is None or not isinstance(version, str) or not _VERSION.fullmatch(version):
        return None
    libc = str(said["libc"] or MUSL)[:MAX_LIBC_CHARS] if "libc" in said else ""
    venv, path = said.get("venv") is True, str(said.get("path", ""))[:MAX_PATH_CHARS]
    return BasePython(version, makes_environments=venv, libc=libc, path=path)


def _indexes(plan: BuildPlan) -> AbstractContextManager[IndexAddresses]:
    """The addresses for pip; what stands behind them goes when the packages are installed."""
    if plan.indexes is None:
        return nullcontext(IndexAddresses())
    asked = index_addresses(plan.recipe, plan.package_index)
    return index_proxy(plan.indexes, asked, link_pages(plan.recipe))


def _files(plan: BuildPlan, indexes: IndexAddresses) -> dict[str, bytes]:
    trusted = certificates(plan)
    index = PackageIndex(plan.package_index, plan.insecure_hosts, trusted, indexes.given)
    files = build_files(plan.recipe, index, plan.local)
    if plan.linked is not None:
        files[UNPACK[0]] = Path(unpack_linked.__file__).read_bytes()
    else:
        files[COMPILE] = Path(compile_base.__file__).read_bytes()
    return {name.removeprefix(BUILD): content for name, content in files.items()}


def _orders(
    steps: Applied,
    plan: BuildPlan,
    indexes: IndexAddresses,
    unpack: tuple[str, ...],
) -> dict[str, object]:
    """What the container in the base image is to do: no secret is among it."""
    variables = {
        **steps.known,
        "HOME": "/tmp",
        "PIP_CONFIG_FILE": f"/{BUILD_FILES}/pip.conf",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": DATE,
        **(_past_proxies(steps.known) if indexes.known else {}),
    }
    return {
        "variables": variables,
        "folders": _paths(steps),
        "commands": [
            make_environment(plan.recipe) if plan.linked is None else unpack,
            [PYTHON, "pip_install.py", *pip_options()],
        ],
    }


def _past_proxies(known: Mapping[str, str]) -> dict[str, str]:
    """No proxy that the base image names can reach what is on the pod's own loopback."""
    hosts = known.get("no_proxy") or known.get("NO_PROXY")
    return dict.fromkeys(("no_proxy", "NO_PROXY"), f"{hosts},{LOOPBACK}" if hosts else LOOPBACK)


_NOT_BEGUN = (
    "The container in the base image did not begin. The pod's events tell why: most likely the "
    "node cannot pull the base image, or it has no python3 (for a conda file: no /bin/sh)."
)
