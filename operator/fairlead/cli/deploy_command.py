"""`fairlead deploy`: from files to a service of the cluster."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairlead.cli.cluster import Context, Form, Namespace, Session, Timeout
from fairlead.cli.local_commands import Verbose
from fairlead.cli.output import Output, print_manifests, say, write
from fairlead.cli.progress import Progress
from fairlead.cli.service_options import (
    BaseImage,
    CondaFile,
    DockerfileSteps,
    EntryScript,
    Kustomization,
    Manifests,
    Memory,
    Requirements,
    SourceDirectory,
    Variables,
    asked_for,
    variables_of,
)
from fairlead.cli.told import finds

if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.api.refs import Manifest
    from fairlead.local.asked import Asked
    from fairlead.remote.deploying import Deployment
    from fairlead.remote.plain_manifests import Knobs
    from fairlead.remote.targets import Target
    from fairlead.remote.waiting import Look, Watcher

deploying = typer.Typer(rich_markup_mode=None)
FAIL_DOUBT_S = 4.0  # what fails may be that of before


@deploying.command(
    epilog="Example: fairlead deploy credit --entry-script score.py --conda-file myenv.yml "
    "--model credit.pkl"
)
@finds
def deploy(  # noqa: PLR0913, PLR0917  (one for each option)
    name: Annotated[str | None, typer.Argument(help="Its name, with plain files.")] = None,
    manifests: Manifests = None,
    kustomization: Kustomization = None,
    entry_script: EntryScript = None,
    source_directory: SourceDirectory = None,
    conda_file: CondaFile = None,
    requirements: Requirements = None,
    dockerfile_steps: DockerfileSteps = None,
    base_image: BaseImage = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="PATH, NAME=PATH or NAME=ADDRESS of a model. Repeatable."),
    ] = None,
    model_repository: Annotated[
        str | None,
        typer.Option(help="REGISTRY/PATH that a model larger than 0.9 MiB is pushed to."),
    ] = None,
    env: Variables = None,
    memory: Memory = None,
    replicas: Annotated[
        int | None, typer.Option(min=1, max=1000, help="A fixed number; else it scales.")
    ] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Ask for no key.")] = False,  # noqa: FBT002
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Apply, and end.")] = False,  # noqa: FBT002
    dry_run: Annotated[  # noqa: FBT002
        bool, typer.Option("--dry-run", help="Print the manifests; apply nothing.")
    ] = False,
    force_conflicts: Annotated[  # noqa: FBT002
        bool, typer.Option("--force-conflicts", help="Take fields over from who else has them.")
    ] = False,
    timeout: Timeout = 3600,
    namespace: Namespace = None,
    output: Form = Output.TEXT,
    verbose: Verbose = False,  # noqa: FBT002
    context: Context = None,
) -> None:
    """Apply manifests (-f, -k), or make them of plain files, and wait until it serves.

    Stages, the log of the build and the roll-out are told meanwhile. What cannot get ready ends it,
    with the operator's own finding.
    """
    from fairlead.remote.applying import check_namespaces
    from fairlead.remote.plain_manifests import Knobs

    plain = {
        "entry_script": entry_script,
        "source_directory": source_directory,
        "conda_file": conda_file,
        "requirements_file": requirements,
        "docker_file": dockerfile_steps,
    }
    asked = asked_for(
        name,
        manifests,
        kustomization,
        plain,
        base_image=base_image,
        models=tuple(model or ()),
        variables=variables_of(env or ()),
        memory=memory,
    )
    store = _store(model_repository, dry=dry_run) if model_repository else None
    objects = _manifests(asked, Knobs(replicas, auth=not no_auth, store=store))
    if dry_run:
        print_manifests(objects, output)
        return
    session = Session(namespace, context)
    if namespace:
        check_namespaces(objects, session.namespace)
    with Progress(verbose=verbose, quiet=output is not Output.TEXT) as progress:
        deployment, watcher = _deployment(session, progress, force=force_conflicts)
        look = _deployed(deployment, watcher, asked, objects, 0.0 if no_wait else timeout)
        seconds = progress.seconds
    _tell_deployed(session, deployment.applied, look, output, seconds)


def _store(repository: str, *, dry: bool) -> "Callable[[str, Path], str]":
    """Pushes a model there; ``dry``: says only where it would be."""

    def store(name: str, path: Path) -> str:
        from fairlead.local.model_push import artifact_of, push
        from fairlead.settings import Settings

        artifact = artifact_of(repository, name, path)
        if not dry:
            with Progress(verbose=False) as progress:
                push(artifact, Settings(), progress)
        return artifact.address

    return store


def _manifests(asked: "Asked", knobs: "Knobs") -> "list[Manifest]":
    """What is applied, of either form. Raises ``LocalError``."""
    from fairlead.api.reasons import Reason
    from fairlead.local.errors import refusal
    from fairlead.local.manifests import read_documents
    from fairlead.remote.applying import checked_document
    from fairlead.remote.plain_manifests import plain_manifests

    if not asked.from_manifests:
        return plain_manifests(asked, knobs)
    found = [checked_document(place, one) for place, one in read_documents(asked)]
    if not found:
        message = "The files hold no object."
        raise refusal(Reason.FILE_NOT_FOUND, message, "Name files with manifests (-f).")
    return found


def _deployment(
    session: Session, progress: Progress, *, force: bool
) -> "tuple[Deployment, Watcher]":
    from fairlead.remote.build_watch import BuildWatch
    from fairlead.remote.deploying import Deployment
    from fairlead.remote.waiting import Watcher

    deployment = Deployment(session.client, session.namespace, force, progress.tell)
    builds = BuildWatch(session.client, progress.write)
    return deployment, Watcher(session.client, progress.tell, builds, doubt_s=FAIL_DOUBT_S)


def _deployed(
    deployment: "Deployment",
    watcher: "Watcher",
    asked: "Asked",
    objects: "list[Manifest]",
    timeout_s: float,
) -> "Look | None":
    """None where nothing is waited for: the timeout is 0."""
    from fairlead.remote.deploying import deploy_files, forget_unused

    try:
        if not timeout_s:
            deployment.apply(objects)
            return None
        if asked.from_manifests:
            deployment.apply(objects)
            return deployment.await_all(watcher, timeout_s)
        look = deploy_files(deployment, objects, watcher, timeout_s)
        name = str(objects[-1]["metadata"]["name"])
        forget_unused(deployment.client, deployment.namespace, name, objects)
    except KeyboardInterrupt:
        _tell_left(deployment.applied)
        raise
    return look


def _tell_left(applied: "list[Target]") -> None:
    names = ", ".join(f"{one.kind.kind} '{one.name}'" for one in applied) or "nothing"
    more = f" `fairlead wait {applied[-1].spoken}` waits on." if applied else ""
    sys.stderr.write(f"\nApplied so far, and going on in the cluster: {names}.{more}")


def _tell_deployed(
    session: Session, applied: "list[Target]", look: "Look | None", output: Output, seconds: float
) -> None:
    from fairlead.api.meta import WEBSERVICE
    from fairlead.remote.listing import full_name
    from fairlead.remote.state import line, mapping

    if output is Output.NAME:
        say(full_name(one.kind.kind, one.name) for one in applied)
        return
    services = [one for one in applied if one.kind is WEBSERVICE]
    found = [session.client.get(one.ref) or {} for one in services] if look else []
    uris = [line(mapping(one.get("status")).get("scoringUri")) for one in found]
    if output is not Output.TEXT:
        told = [
            {"name": one.name, "namespace": one.namespace, "scoringUri": uri}
            for one, uri in zip(services, uris, strict=False)
        ]
        names = [full_name(one.kind.kind, one.name) for one in applied]
        write({"applied": names, "services": told}, output)
        return
    if look is None:
        say([f"Applied. To wait for it: fairlead wait {applied[-1].spoken}"] if applied else [])
        return
    for one, uri in zip(services, uris, strict=True):
        say([f"'{one.name}' serves at {uri} ({seconds:.0f} s)."])
    if services:
        say([f"Try: fairlead run {services[-1].name} '{{\"data\": []}}'"])
    elif applied:
        say([f"{applied[-1].kind.kind} '{applied[-1].name}' is ready ({seconds:.0f} s)."])
