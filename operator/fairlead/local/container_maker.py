"""A local service as a container, set up as a pod is: user, rights, limits, layout, variables.

Its image is that of the environment with runtime and models on it; the code lies in the container
alone, where a reload can change it. So the root is not read-only: it is its user who may not write.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import docker
from docker.errors import APIError, ImageNotFound
from docker.models.containers import Container

from fairlead.api.quantity import amount
from fairlead.api.webservice import WebserviceSpec
from fairlead.canonical import canonical_json
from fairlead.images.assembly import ENVIRONMENTS_PYTHON, OWN_PYTHON, PROGRAM
from fairlead.images.bundled_runtime import Runtime, bundled_runtime
from fairlead.images.debugger import PORT as DEBUG_PORT
from fairlead.images.environment_image import pythons_of
from fairlead.images.environment_labels import PYTHON_LABEL
from fairlead.images.layers import Entry, Layer, tar
from fairlead.images.layout import APP_ROOT, MODELS, PORT, USER, USER_ID, model_folder
from fairlead.images.runtime_layer import make_layer
from fairlead.local.container_environment import ContainerEnvironment, make_environment
from fairlead.local.containers import RECORD, SERVICES, code_archive, record_archive
from fairlead.local.engine import SERVICE_LABEL, client
from fairlead.local.host import HOST, Log
from fairlead.local.ports import port_taken
from fairlead.local.preparation import PlacedModel, Prepared
from fairlead.local.runtime import runtime_told
from fairlead.local.service import LocalService
from fairlead.local.variables import debugger_of, local_variables
from fairlead.settings import Settings

ANY_ADDRESS, EVERY_ADDRESS = "", "0.0.0.0"  # in a container: ports are published on HOST alone
NANO = 10**9
PORT_WORDS = ("port is already allocated", "address already in use", "Ports are not available")


class ContainerMaker:
    """A ``Maker``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: ContainerEnvironment | None = None

    def make(self, prepared: Prepared, log: Log) -> str:
        self._made = make_environment(prepared, self._settings, log)
        return self._made.hash

    def start(
        self,
        prepared: Prepared,
        service: LocalService,
        folder: Path,  # noqa: ARG002
        log: Log,
    ) -> LocalService:
        made = self._made
        if made is None:
            raise RuntimeError("make() comes before start()")
        with client() as engine:
            log.phase("assemble")
            image, python = self._image(engine, made, prepared, log)
            log.phase("start")
            container = _created(engine, image, python, prepared, service)
            try:
                container.put_archive("/", record_archive(USER_ID))
                container.put_archive("/", code_archive(prepared.wanted.files))
                _started(container, service)
            except BaseException:  # ctrl-C, too: nothing half-made is left
                container.remove(force=True, v=True)
                raise
        fields = {"container": container.id, "image": image, "python": made.python}
        return service.model_copy(update=fields)

    def _image(
        self, engine: docker.DockerClient, made: ContainerEnvironment, prepared: Prepared, log: Log
    ) -> tuple[str, str]:
        """The environment with runtime and models on it, and the Python that the server runs on."""
        environment = engine.images.get(made.image)
        pythons = pythons_of(environment.labels[PYTHON_LABEL], environment.labels)
        with runtime_told():
            runtime = bundled_runtime(
                pythons.environment, self._settings, pythons.server, musl=pythons.musl
            )
        runtime = replace(runtime, debugger=prepared.debugger)
        own = OWN_PYTHON if runtime.front else ENVIRONMENTS_PYTHON
        python = pythons.path if runtime.server else own
        models = sorted((one.name, one.version, one.content.digest) for one in prepared.models)
        parts = {"environment": environment.id, "runtime": runtime.key, "models": models}
        image = f"{SERVICES}:{hashlib.sha256(canonical_json(parts)).hexdigest()}"
        try:
            engine.images.get(image)
        except ImageNotFound:
            log.write(f"Putting {runtime.wheel.name} and the models on the environment.")
            self._commit(engine, made.image, image, self._layer(runtime, log), prepared.models)
        return image, python

    def _layer(self, runtime: Runtime, log: Log) -> Layer:
        with runtime_told() as work:
            return make_layer(runtime, work, self._settings, lambda _: log.write("."))

    @staticmethod
    def _commit(
        engine: docker.DockerClient,
        base: str,
        image: str,
        runtime: Layer,
        models: tuple[PlacedModel, ...],
    ) -> None:
        container = engine.containers.create(base, ["true"], labels={SERVICE_LABEL: "image"})
        try:
            container.put_archive("/", runtime.content)
            if models:
                container.put_archive("/", tar(_entries(models), MODELS))
            repository, _, tag = image.partition(":")
            container.commit(repository, tag)
        finally:
            container.remove(force=True, v=True)


def _entries(models: tuple[PlacedModel, ...]) -> list[Entry]:
    return [
        Entry(f"{model_folder(model.name, model.version)}/{file.name}", file.source)
        for model in models
        for file in model.content.files
    ]


def _created(
    engine: docker.DockerClient,
    image: str,
    python: str,
    prepared: Prepared,
    service: LocalService,
) -> Container:
    """Not started yet: the source is still to come."""
    debugger = debugger_of(service, EVERY_ADDRESS, DEBUG_PORT)
    variables = local_variables(prepared, PORT, ANY_ADDRESS, f"/{RECORD}", debugger)
    memory, nano_cpus = limits_of(prepared.wanted.service)
    return engine.containers.create(
        image,
        list(PROGRAM),
        entrypoint=[python],
        environment=dict(variables),
        working_dir=f"/{APP_ROOT}",
        user=USER,
        ports=_published(service),
        labels={SERVICE_LABEL: service.name},
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        tmpfs={"/tmp": "rw,exec,mode=1777"},  # as an emptyDir
        mem_limit=memory,
        memswap_limit=memory,
        nano_cpus=nano_cpus,
    )


def limits_of(service: WebserviceSpec) -> tuple[int, int]:
    """``spec.resources.limits``: bytes, and billionths of a core; 0 where there is none."""
    limits = service.resources.limits if service.resources else None
    memory, cpu = (limits.memory or "", limits.cpu or "") if limits else ("", "")
    return int(amount(memory)), int(amount(cpu) * NANO)


def _published(service: LocalService) -> dict[str, tuple[str, int]]:
    """On the loopback interface alone: whoever attaches a debugger can run any code."""
    found = {f"{PORT}/tcp": (HOST, service.port)}
    if service.debug_port is not None:
        found[f"{DEBUG_PORT}/tcp"] = (HOST, service.debug_port)
    return found


def _started(container: Container, service: LocalService) -> None:
    try:
        container.start()
    except APIError as error:
        said = str(error.explanation)
        if any(words in said for words in PORT_WORDS):
            debugger = service.debug_port if f":{service.debug_port}" in said else None
            raise port_taken(debugger or service.port) from error
        raise
