"""The ``docker`` engine: Docker Engine through its SDK, the classic builder, for development.

Everything it makes carries labels: ``fairlead.dev/owner`` on all of it, so that it can be pruned,
and ``fairlead.dev/build`` on what only the build needs, which is removed when the build ends. What
the steps of a ``Dockerfile.steps`` made stays, as ``fairlead-steps:<hash>``: they need not run
again when only the packages change.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import sha256

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.images import Image

from fairlead.canonical import canonical_json
from fairlead.diagnosis.build.base_python import BasePython
from fairlead.diagnosis.build.output import EXEC_FORMAT_ERROR, BuildOutput, Phase
from fairlead.engines.base import (
    NEITHER,
    BaseUnfitError,
    BuildFailedError,
    BuildPlan,
    Log,
    certificates,
)
from fairlead.engines.docker_client import context, engine
from fairlead.engines.docker_stream import Ending, follow
from fairlead.engines.python_probe import PROBE, told_python
from fairlead.images.environment_labels import BUILD_LABEL, OWNER_LABEL, owner_label, python_labels
from fairlead.images.hashes import file_digests
from fairlead.images.pip_files import PackageIndex, build_files
from fairlead.images.recipe import (
    base_stage,
    dockerfile,
    make_environment,
    program_files,
    source_files,
)
from fairlead.inputs.dockerfile_steps import instructions

BUILD_END_TIMEOUT_S = 5.0  # seconds for the engine to end a build whose stream was closed
STEPS = "fairlead-steps"
ALPINE = "/etc/alpine-release"
_NOT_THERE = re.compile(r"not found|no such file", re.IGNORECASE)


class DockerEngine:
    """An ``Engine``. The base image is pulled, and the environment pushed, by Docker itself."""

    def prepare(self, plan: BuildPlan, log: Log) -> BasePython | None:
        with engine(plan.docker_config) as client, _answered(Phase.PULL):
            log.phase("base image")
            image = _base_image(client, plan, log)
            owner = _owner(image)
            if instructions(plan.recipe.steps):
                log.phase("steps")
                stage = _first_stage(plan, image).encode()
                files = {"Dockerfile": stage, **source_files(plan.files)}
                tag = f"{STEPS}:{_content_hash(files, plan)[:16]}"
                _run_build(client, Phase.STEPS, plan, files, tag, log)
                image = client.images.get(tag)
            return _python(client, image, owner, log)

    def build(
        self, plan: BuildPlan, python: BasePython, log: Log, before_push: Callable[[], None]
    ) -> str:
        with (
            engine(plan.docker_config) as client,
            _tidied(client, plan, log),
            _answered(Phase.PACKAGES),
        ):
            _make(client, plan, python, log)
            log.phase("push")
            before_push()
            return _push(client, plan, log)

    def make(self, plan: BuildPlan, python: BasePython, log: Log) -> None:
        """The same for this machine alone: the image stays, as ``<environments>:<hash>``."""
        with (
            engine(plan.docker_config) as client,
            _tidied(client, plan, log, keep=True),
            _answered(Phase.PACKAGES),
        ):
            _make(client, plan, python, log)

    def close(self) -> None:
        """Nothing is open between two calls."""


def image_name(plan: BuildPlan) -> str:
    """What the environment's image is called."""
    return f"{plan.environments}:{plan.hash}"


def _make(client: docker.DockerClient, plan: BuildPlan, python: BasePython, log: Log) -> None:
    log.phase("packages")
    stage = _first_stage(plan, client.images.get(_base_name(plan)))
    make = None if plan.linked else make_environment(plan.recipe)
    about = python_labels(python.version, python.front, musl=python.is_musl)
    text = dockerfile(stage, image_name(plan), plan.hash, about, make)
    index = PackageIndex(plan.package_index, plan.insecure_hosts, certificates(plan))
    files = {"Dockerfile": text.encode(), **build_files(plan.recipe, index, plan.local)}
    files |= source_files(plan.files)
    _run_build(client, Phase.PACKAGES, plan, files, image_name(plan), log)


def _content_hash(files: Mapping[str, bytes], plan: BuildPlan) -> str:
    content: dict[str, object] = {**file_digests(files)}
    programs = program_files(plan.recipe) & files.keys()
    if programs:
        content["programs"] = sorted(programs)
    return sha256(canonical_json(content)).hexdigest()


def _base_name(plan: BuildPlan) -> str:
    return f"{plan.base}@{plan.base_digest}"


def _first_stage(plan: BuildPlan, base: Image) -> str:
    return base_stage(plan.recipe, _base_name(plan), _owner(base))


def _owner(base: Image) -> str:
    return owner_label(base.labels.get(OWNER_LABEL))


def _base_image(client: docker.DockerClient, plan: BuildPlan, log: Log) -> Image:
    with suppress(ImageNotFound):
        return client.images.get(_base_name(plan))
    entries = client.api.pull(str(plan.base), tag=plan.base_digest, stream=True, decode=True)
    _checked(Phase.PULL, follow(entries, log.write))
    return client.images.get(_base_name(plan))


def _run_build(
    client: docker.DockerClient,
    phase: Phase,
    plan: BuildPlan,
    files: Mapping[str, bytes],
    tag: str,
    log: Log,
) -> None:
    linked = plan.linked if phase is Phase.PACKAGES else None
    for name in ("Dockerfile", "build/requirements.txt"):
        if name in files:
            log.write(f"{name}:\n{files[name].decode().rstrip()}")
    with _answered(phase), context(files, linked, program_files(plan.recipe)) as content:
        entries = client.api.build(
            fileobj=content,
            custom_context=True,
            tag=tag,
            rm=True,
            forcerm=True,
            decode=True,
            use_config_proxy=True,
        )
        with closing(entries):
            _checked(phase, follow(entries, log.write))


def _python(client: docker.DockerClient, image: Image, owner: str, log: Log) -> BasePython | None:
    """Ask the image's own ``python3``, in a container without network or rights."""
    container = client.containers.create(
        image,
        ["-c", PROBE],
        entrypoint=["python3"],
        user="0",
        network_disabled=True,
        cap_drop=["ALL"],
        labels={OWNER_LABEL: owner},
    )
    try:
        container.start()
        container.wait()
        said = container.logs(tail=20).decode(errors="replace")
    except APIError as error:
        _, python, what = str(error.explanation).partition("python3")
        if not python or not _NOT_THERE.search(what):
            raise
        if _holds(container, ALPINE):
            raise BaseUnfitError(NEITHER) from error
        return None
    finally:
        container.remove(force=True)
    found = told_python([said])
    if found is None:
        log.write(f"python3 of the base image says: {said}")
    if found is None and EXEC_FORMAT_ERROR in said:
        told = "python3 of the base image does not run"
        raise BuildFailedError(BuildOutput(Phase.PULL, said.splitlines(), told))
    return found


def _holds(container: Container, path: str) -> bool:
    try:
        container.get_archive(path)
    except NotFound:
        return False
    return True


def _push(client: docker.DockerClient, plan: BuildPlan, log: Log) -> str:
    with _answered(Phase.PUSH):
        entries = client.api.push(str(plan.environments), plan.hash, stream=True, decode=True)
        ending = _checked(Phase.PUSH, follow(entries, log.write))
    if ending.digest is None:
        raise BuildFailedError(BuildOutput(Phase.PUSH, ending.lines, "no digest was reported"))
    return ending.digest


def _checked(phase: Phase, ending: Ending) -> Ending:
    if ending.error:
        output = BuildOutput(phase, ending.lines, ending.error)
        raise BuildFailedError(output)
    return ending


@contextmanager
def _answered(phase: Phase) -> Iterator[None]:
    """A refusal before the stream begins, such as a Dockerfile that does not parse."""
    try:
        yield
    except APIError as error:
        raise BuildFailedError(BuildOutput(phase, error=str(error.explanation or error))) from error


@contextmanager
def _tidied(
    client: docker.DockerClient, plan: BuildPlan, log: Log, *, keep: bool = False
) -> Iterator[None]:
    """Remove what only this build needed: its stages, and its image once that was pushed, unless
    it is to ``keep``."""
    label = f"{BUILD_LABEL}={image_name(plan)}"
    try:
        yield
    finally:
        try:
            _await_end(client, label)
            if not keep:
                with suppress(ImageNotFound):
                    client.images.remove(image_name(plan))
            for image in client.images.list(filters={"dangling": True, "label": label}):
                image.remove()
        except APIError as error:  # all of it is labelled: somebody may prune it
            log.write(f"Docker Engine keeps something of this build: {error.explanation}")


def _await_end(client: docker.DockerClient, label: str) -> None:
    deadline = time.monotonic() + BUILD_END_TIMEOUT_S
    while time.monotonic() < deadline:
        if not client.containers.list(all=True, filters={"label": label}):
            return
        time.sleep(0.1)
