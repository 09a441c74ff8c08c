"""The ``buildkit`` engine: a rootless BuildKit beside this container runs the user's steps.

It is as foreign as the steps that run in it. So it is shown no credentials and asks no registry:
its client, here, hands it the base image as a folder, and the files of the build; what it makes
comes back as an archive, whose new layers are pushed from here.
"""

import shutil
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from fairlead.diagnosis.build.base_python import BasePython
from fairlead.diagnosis.build.output import EXEC_FORMAT_ERROR, BuildOutput, Phase
from fairlead.engines.base import (
    BaseUnfitError,
    BuildFailedError,
    BuildPlan,
    EngineUnreachableError,
    Log,
    certificates,
)
from fairlead.engines.buildkit_client import BuildkitClient, Ending, Solve
from fairlead.engines.python_probe import probe_stage, told_python
from fairlead.images.assembly import Base, NotAnEnvironmentError, check_base
from fairlead.images.environment_labels import OWNER_LABEL, owner_label, python_labels
from fairlead.images.environment_tree import EnvironmentUnfitError
from fairlead.images.oci_layout import LayoutArchive, LayoutFolder, new_layers
from fairlead.images.pip_files import PackageIndex, build_files
from fairlead.images.recipe import (
    LINKED,
    base_stage,
    dockerfile,
    make_environment,
    program_files,
    source_files,
)
from fairlead.inputs.dockerfile_steps import instructions
from fairlead.registry.client import Registry
from fairlead.registry.errors import RegistryFaultError
from fairlead.registry.oci import OCI_MANIFEST, Descriptor
from fairlead.registry.uploads import Hashed, Repeated

BASE = "fairlead-base"  # the base image's name between the client and BuildKit
BEGIN_TIMEOUT_S = 60.0  # for BuildKit to answer; its container runs by then
LOOK_EVERY_S = 1.0


class BuildkitEngine:
    """An ``Engine`` for one build; ``work`` is a folder for what it needs meanwhile."""

    def __init__(self, registry: Registry, work: Path, client: BuildkitClient) -> None:
        self._registry, self._work, self._client = registry, work, client
        self._layout = LayoutFolder(work / "base")
        self._base: Base | None = None
        self._base_digest = ""

    def close(self) -> None:
        """BuildKit ends with the container that this runs in."""

    def prepare(self, plan: BuildPlan, log: Log) -> BasePython | None:
        log.phase("base image")
        base = self._fetch(plan, log)
        self._await_begin(log)
        stage = _first_stage(plan, base)
        if instructions(plan.recipe.steps):
            log.phase("steps")
            log.write(f"Dockerfile:\n{stage.rstrip()}")
            _checked(Phase.STEPS, self._solve(plan, stage, "base", log))
        ending = self._solve(plan, f"{stage}\n{probe_stage()}", "probe", log)
        if ending.lost:
            raise EngineUnreachableError(_LOST)
        if not ending.ok and any(EXEC_FORMAT_ERROR in line for line in ending.lines):
            _checked(Phase.PULL, ending)
        return told_python(ending.lines) if ending.ok else None

    def build(
        self, plan: BuildPlan, python: BasePython, log: Log, before_push: Callable[[], None]
    ) -> str:
        log.phase("packages")
        base = self._base or self._fetch(plan, log)
        name = f"{plan.environments}:{plan.hash}"
        make = None if plan.linked else make_environment(plan.recipe)
        about = python_labels(python.version, python.front, musl=python.is_musl)
        text = dockerfile(_first_stage(plan, base), name, plan.hash, about, make)
        log.write(f"Dockerfile:\n{text.rstrip()}")
        made = self._work / "image.tar"
        _checked(Phase.PACKAGES, self._solve(plan, text, "", log, made))
        log.phase("push")
        before_push()
        with LayoutArchive.opened(made) as archive:
            return self._push(plan, base, archive, log)

    def _fetch(self, plan: BuildPlan, log: Log) -> Base:
        """Put the base image into the folder that BuildKit is handed."""
        manifest, described = self._registry.manifest(plan.base, plan.base_digest)
        base = Base(manifest, self._registry.config(plan.base, manifest))
        try:
            check_base(base)
        except NotAnEnvironmentError as error:
            raise BaseUnfitError(str(error)) from error
        body = self._registry.manifest_body(plan.base, described.digest)
        self._layout.write(described.digest, (body,))
        for blob in (manifest.config, *manifest.layers):
            self._fetch_blob(plan, blob, log)
        self._base, self._base_digest = base, described.digest
        return base

    def _fetch_blob(self, plan: BuildPlan, blob: Descriptor, log: Log) -> None:
        if self._layout.has(blob.digest):
            return
        with self._registry.open_blob(plan.base, blob.digest) as pieces:
            hashed = Hashed(pieces)
            self._layout.write(blob.digest, hashed)
        if hashed.digest != blob.digest:
            said = f"{plan.base} sends a blob with another content."
            raise RegistryFaultError(plan.base, said)
        log.write(f"{blob.digest} ({blob.size:,} bytes): fetched.")

    def _await_begin(self, log: Log) -> None:
        """Raises ``EngineUnreachableError``."""
        log.write("Waiting for BuildKit.")
        deadline = time.monotonic() + BEGIN_TIMEOUT_S
        while not self._client.answers():
            if time.monotonic() > deadline:
                raise EngineUnreachableError(_NOT_BEGUN)
            time.sleep(LOOK_EVERY_S)

    def _solve(
        self, plan: BuildPlan, text: str, target: str, log: Log, made: Path | None = None
    ) -> Ending:
        index = PackageIndex(plan.package_index, plan.insecure_hosts, certificates(plan))
        files = {"Dockerfile": text.encode(), **source_files(plan.files)}
        if made is not None:
            files |= build_files(plan.recipe, index, plan.local)
        context = self._work / "context"
        _write(context, files.items(), program_files(plan.recipe))
        if made is not None and plan.linked is not None:
            shutil.move(plan.linked, context / LINKED)
        layout = (BASE, self._work / "base", self._base_digest)
        solve = Solve(context, layout, target, made, instructions(plan.recipe.steps))
        return self._client.solve(solve, log.write)

    def _push(self, plan: BuildPlan, base: Base, archive: LayoutArchive, log: Log) -> str:
        for layer in new_layers(archive.manifest, base.manifest):
            self._push_layer(plan, archive, layer, log)
        for layer in base.manifest.layers:
            how = self._registry.copy_blob(plan.base, plan.environments, layer.digest)
            log.write(f"{layer.digest} ({layer.size:,} bytes): {how}.")
        self._registry.upload_bytes(plan.environments, archive.config)
        body = archive.manifest_body
        digest = self._registry.put_manifest(plan.environments, plan.hash, body, OCI_MANIFEST)
        size = sum(layer.size for layer in archive.manifest.layers)
        log.write(f"{plan.environments}:{plan.hash} is {digest}, {size:,} bytes.")
        return digest

    def _push_layer(
        self, plan: BuildPlan, archive: LayoutArchive, layer: Descriptor, log: Log
    ) -> None:
        if self._registry.has_blob(plan.environments, layer.digest):
            return
        digest, size = self._registry.upload(
            plan.environments, Repeated(lambda: archive.layer(layer))
        )
        if (digest, size) != (layer.digest, layer.size):
            raise EnvironmentUnfitError(f"BuildKit left another thing than {layer.digest}.")
        log.write(f"{layer.digest} ({layer.size:,} bytes): pushed.")


def _first_stage(plan: BuildPlan, base: Base) -> str:
    return base_stage(plan.recipe, BASE, owner_label(base.config.config.labels.get(OWNER_LABEL)))


def _checked(phase: Phase, ending: Ending) -> None:
    if ending.lost:
        raise EngineUnreachableError(_LOST)
    if not ending.ok:
        raise BuildFailedError(BuildOutput(phase, ending.lines, ending.error, "buildkit"))


def _write(
    folder: Path, files: Iterable[tuple[str, bytes]], programs: Collection[str] = ()
) -> None:
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if name in programs:
            path.chmod(0o755)


_NOT_BEGUN = (
    "BuildKit did not begin within a minute. The events of the task's pod, and the log of its "
    "container buildkit, tell why."
)
_LOST = (
    "BuildKit ended, or gave up, while it built. The log of the pod's container buildkit tells why."
)
