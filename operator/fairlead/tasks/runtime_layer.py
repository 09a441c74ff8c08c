"""The runtime's layer for an image: from the registry, or made, once for each namespace."""

import tempfile
from dataclasses import replace
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.images.assembly import ENVIRONMENTS_PYTHON, OWN_PYTHON, Part
from fairlead.images.bundled_runtime import (
    Runtime,
    RuntimeInstallError,
    RuntimeMissingError,
    bundled_runtime,
)
from fairlead.images.environment_image import Pythons
from fairlead.images.front_python import FrontPythonError
from fairlead.images.layers import Layer
from fairlead.redact import redacted
from fairlead.registry.errors import NotInRegistryError, RegistryFaultError
from fairlead.registry.oci import EMPTY, OCI_EMPTY, OCI_MANIFEST, Manifest, descriptor, written
from fairlead.registry.reference import Repository, is_digest
from fairlead.tasks.failures import FULL_DISK, TaskFailedError
from fairlead.tasks.program import TaskContext

RUNTIME_ARTIFACT_TYPE = "application/vnd.fairlead.runtime.v1"
DIFF_ID_ANNOTATION = "dev.fairlead.layer.diff-id"
LOG_TAIL_CHARS = 2000  # characters
MAX_MESSAGE_CHARS = 300  # characters of what pip says


def runtime_part(
    runtimes: Repository,
    target: Repository,
    pythons: Pythons,
    task: TaskContext,
    *,
    debugger: bool = False,
) -> tuple[Part, str]:
    """Put the runtime's layer for a Python into ``target``; return it, and the path of the
    interpreter that the server runs on. ``debugger``: with one. Raises ``TaskFailedError``."""
    try:
        runtime = bundled_runtime(
            pythons.environment, task.settings, pythons.server, musl=pythons.musl
        )
        runtime = replace(runtime, debugger=debugger)
        part = _kept(runtimes, runtime, task) or _made(runtimes, runtime, task)
    except RuntimeMissingError as error:
        raise TaskFailedError(_missing(error)) from error
    except FrontPythonError as error:
        raise TaskFailedError(_no_front_python(error)) from error
    except RuntimeInstallError as error:
        raise TaskFailedError(_not_installed(error)) from error
    how = task.registry.copy_blob(runtimes, target, part.descriptor.digest)
    task.log.write(f"Runtime for Python {runtime.python} {how}.")
    if runtime.server:
        return part, pythons.path
    return part, OWN_PYTHON if runtime.front else ENVIRONMENTS_PYTHON


def _kept(runtimes: Repository, runtime: Runtime, task: TaskContext) -> Part | None:
    try:
        manifest, _ = task.registry.manifest(runtimes, runtime.key)
    except NotInRegistryError:
        return None
    layer = manifest.layers[0] if manifest.layers else None
    diff_id = (layer.annotations or {}).get(DIFF_ID_ANNOTATION, "") if layer else ""
    if layer is None or not is_digest(diff_id):
        said = f"{runtimes}:{runtime.key} is no runtime that Fairlead made: remove the tag."
        raise RegistryFaultError(runtimes, said)
    return Part(layer, diff_id, _about(runtime))


def _made(runtimes: Repository, runtime: Runtime, task: TaskContext) -> Part:
    from fairlead.images.runtime_layer import make_layer  # takes long, and most images need it not

    task.log.write(f"Making the runtime for Python {runtime.python} from {runtime.wheel.name}.")
    with tempfile.TemporaryDirectory(dir=task.work) as folder:
        layer = make_layer(runtime, Path(folder), task.settings, task.log.write)
    described = layer.descriptor.model_copy(
        update={"annotations": {DIFF_ID_ANNOTATION: layer.diff_id}}
    )
    manifest = Manifest(
        artifact_type=RUNTIME_ARTIFACT_TYPE,
        config=descriptor(OCI_EMPTY, EMPTY),
        layers=(described,),
    )
    _keep(runtimes, runtime, layer, manifest, task)
    return Part(described, layer.diff_id, _about(runtime))


def _keep(
    runtimes: Repository, runtime: Runtime, layer: Layer, manifest: Manifest, task: TaskContext
) -> None:
    task.registry.upload_bytes(runtimes, EMPTY)
    task.registry.upload_bytes(runtimes, layer.content)
    task.registry.put_manifest(runtimes, runtime.key, written(manifest), OCI_MANIFEST)


def _about(runtime: Runtime) -> str:
    debugger = " with debugpy" if runtime.debugger else ""
    return f"runtime {runtime.wheel.name} for Python {runtime.python}{debugger}"


def _missing(error: RuntimeMissingError) -> TaskFailure:
    return TaskFailure(
        reason=Reason.IMAGE_BUILD_FAILURE,
        class_=FailureClass.INFRASTRUCTURE,
        message=f"This Fairlead has no scoring runtime to put into images. {error}",
        remedy="In a checkout, run `uv build --wheel operator/scoring -o "
        "operator/fairlead/images/runtime`; elsewhere install Fairlead again, from a whole wheel.",
        retryable=True,
    )


def _no_front_python(error: FrontPythonError) -> TaskFailure:
    return TaskFailure(
        reason=Reason.IMAGE_BUILD_FAILURE,
        class_=FailureClass.NETWORK if error.transient else FailureClass.INFRASTRUCTURE,
        message="The environment's Python is older than 3.11, and the Python that the scoring "
        f"server would bring along cannot be had: {redacted(str(error), MAX_MESSAGE_CHARS)}",
        remedy="Whoever runs Fairlead names an archive of one that tasks reach "
        "(FAIRLEAD_FRONT_PYTHON); an environment with Python 3.11 or newer needs none.",
        retryable=True,
    )


def _not_installed(error: RuntimeInstallError) -> TaskFailure:
    """pip says the same of an index that is silent and of one that lacks a package."""
    if "No space left on device" in error.output:
        return FULL_DISK
    said = [line for line in redacted(error.output).splitlines() if line.startswith("ERROR: ")]
    last = said[-1].removeprefix("ERROR: ").rstrip(".") if said else "see the log"
    return TaskFailure(
        reason=Reason.PACKAGE_INDEX_UNREACHABLE,
        class_=FailureClass.NETWORK,
        message="The scoring runtime could not be installed: the package index does not answer, or "
        f"lacks what the runtime is made of ({last[:MAX_MESSAGE_CHARS]}).",
        remedy="Nothing to change in your objects: it is tried again. See that the operator's "
        "machine reaches the index (FAIRLEAD_PACKAGE_INDEX, FAIRLEAD_CA_BUNDLE).",
        log_tail=redacted(error.output, LOG_TAIL_CHARS),
        retryable=True,
    )
