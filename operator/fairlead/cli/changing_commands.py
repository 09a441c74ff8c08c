"""`fairlead delete`, `scale`, `rollback`, `keys`, and `export`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fairlead.cli.cluster import (
    Context,
    Form,
    Namespace,
    Object,
    Session,
    Timeout,
    warn,
    warn_of_git,
)
from fairlead.cli.output import Output, pairs, print_manifests, say, write
from fairlead.cli.progress import Progress
from fairlead.cli.told import finds
from fairlead.remote.which import Which

if TYPE_CHECKING:
    from fairlead.api.refs import Manifest
    from fairlead.remote.targets import Target

changing = typer.Typer(rich_markup_mode=None)
Service = Annotated[str, typer.Argument(help="The service.")]


@changing.command(epilog="Example: fairlead delete credit")
@finds
def delete(
    objects: Annotated[
        list[str], typer.Argument(help="Services by NAME, others as KIND/NAME.", metavar="OBJECTS")
    ],
    with_all: Annotated[  # noqa: FBT002
        bool, typer.Option("--all", help="With all that `deploy` made of plain files for it.")
    ] = False,
    force: Annotated[  # noqa: FBT002
        bool, typer.Option("--force", help="Also what others are made of.")
    ] = False,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Delete objects. A service's own children go with it; its image and models stay."""
    from fairlead.remote.answers import not_found
    from fairlead.remote.usage import check_unused

    session = Session(namespace, context)
    targets = [session.target([word]) for word in objects]
    if with_all:
        targets += [one for one in _made_for(session, targets) if one not in targets]
    for target in targets:
        if not force:
            check_unused(session.client, target, targets)
    for target in targets:
        warn_of_git(session.client.get(target.ref) or {})
        if not session.client.delete(target.ref):
            raise not_found(target.words)
        say([f"{target.kind.kind} '{target.name}' is gone."])
    if with_all:
        _forget_files(session, targets)


@changing.command(epilog="Example: fairlead scale credit 3")
@finds
def scale(
    name: Service,
    replicas: Annotated[
        int | None, typer.Argument(min=1, max=1000, help="A fixed number of replicas.")
    ] = None,
    least: Annotated[
        int | None, typer.Option("--min", min=1, max=1000, help="Scale, with at least so many.")
    ] = None,
    most: Annotated[
        int | None, typer.Option("--max", min=1, max=1000, help="Scale, with at most so many.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Give a service a fixed number of replicas, or let it scale between two bounds."""
    from fairlead.remote.scaling import bounded, bounds, fixed, scales

    by_bounds = least is not None or most is not None
    if by_bounds == (replicas is not None):
        raise typer.BadParameter("give a number of replicas, or --min and --max")
    session = Session(namespace, context)
    target = session.target([name])
    service = session.get(target)
    warn_of_git(service)
    if replicas is not None and scales(service):
        low, high = bounds(service)
        warn(f"it scaled between {low} and {high}; so again: --min {low} --max {high}.")
    patch = fixed(service, replicas) if replicas is not None else bounded(service, least, most)
    session.client.merge(target.ref, patch)
    say([f"'{target.name}' is to have {_replicas(patch)}."])


@changing.command(epilog="Example: fairlead rollback credit --to 3")
@finds
def rollback(  # noqa: PLR0913, PLR0917  (one for each option)
    name: Service,
    to: Annotated[
        int | None, typer.Option("--to", min=1, help="The version; else the one before.")
    ] = None,
    undo: Annotated[  # noqa: FBT002
        bool, typer.Option("--undo", help="Follow the InferenceImage again.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for it.")] = False,  # noqa: FBT002
    timeout: Timeout = 1800,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Serve an earlier version of the image, until it is undone.

    From then on the service does not follow its InferenceImage: `--undo` has it follow again.
    """
    from fairlead.remote.rollback import back, chosen, followed, to_version
    from fairlead.remote.waiting import Watcher

    session = Session(namespace, context)
    target = session.target([name])
    service = session.get(target)
    warn_of_git(service)
    if undo:
        patch = back(service)
        what = f"follows InferenceImage '{patch['spec']['imageRef']['name']}' again"
    else:
        image = _followed_image(session, target, service)
        version = chosen(service, image, to)
        patch, what = to_version(service, image, version), f"serves version {version.number}"
        warn(
            f"'{target.name}' will not follow InferenceImage '{followed(service)}' any more, until "
            f"`fairlead rollback {target.name} --undo`; before that a manifest with imageRef is "
            "refused."
        )
    session.client.merge(target.ref, patch)
    if not no_wait:
        with Progress(verbose=False) as progress:
            Watcher(session.client, progress.tell).ready([target], timeout)
    say([f"'{target.name}' {what}."])


@changing.command(epilog="Example: fairlead keys credit --rotate primary")
@finds
def keys(  # noqa: PLR0913, PLR0917  (one for each option)
    name: Service,
    rotate: Annotated[
        Which | None, typer.Option("--rotate", help="Replace this one; the other stays.")
    ] = None,
    value: Annotated[
        str | None,
        typer.Option("--value", help="The new key; - reads standard input; else a random one."),
    ] = None,
    timeout: Timeout = 300,
    namespace: Namespace = None,
    output: Form = Output.TEXT,
    context: Context = None,
) -> None:
    """Show the keys of a service, or replace one of them.

    Replicas take a new key without a restart: this waits for all of them. Where you may patch pods
    the kubelets are made to look at once; else it takes up to two minutes.
    Whoever calls the service with the other key is not disturbed meanwhile.
    """
    from fairlead.remote.keys import read_keys

    session = Session(namespace, context)
    target = session.target([name])
    session.get(target)
    if rotate is not None:
        told = {rotate.value: _rotate(session, target, rotate, value, timeout)}
    elif value is not None:
        raise typer.BadParameter("--value goes with --rotate")
    else:
        found = read_keys(session.client, target)
        told = {"primary": found.primary, "secondary": found.secondary}
    if output in (Output.JSON, Output.YAML):
        write(told, output)
    else:
        say(pairs(told.items()))


@changing.command(epilog="Example: fairlead export credit > credit.yaml")
@finds
def export(
    words: Object,
    namespace: Namespace = None,
    output: Form = Output.TEXT,
    context: Context = None,
) -> None:
    """Print the manifests of what runs: the service, its image, its models, and their ConfigMaps.

    Without status, namespace and what the cluster has added. Secrets are named, not printed.
    """
    from fairlead.remote.exporting import exported, secrets_of
    from fairlead.remote.state import line

    session = Session(namespace, context)
    target = session.target(words)
    session.get(target)
    found = list(exported(session.client, target, _warn_missing))
    print_manifests(found, output)
    secrets = sorted({name for one in found for name in secrets_of(one)})
    if secrets:
        warn(f"they name Secrets, which are not printed: {', '.join(map(line, secrets))}.")


def _warn_missing(what: str) -> None:
    warn(f"{what} is not there, and so not printed.")


def _made_for(session: Session, targets: "list[Target]") -> "list[Target]":
    """Images and models that `deploy` made of plain files for these services."""
    from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE
    from fairlead.api.refs import Ref
    from fairlead.remote.plain_manifests import DEPLOYED_FOR
    from fairlead.remote.targets import Target

    found = list["Target"]()
    for target in targets:
        for kind in (INFERENCE_IMAGE, MODEL) if target.kind is WEBSERVICE else ():
            ref = Ref(API_VERSION, kind.plural, target.namespace)
            label = f"{DEPLOYED_FOR}={target.name}"
            items = session.client.items(ref, labelSelector=label)
            found += [Target(kind, target.namespace, one["metadata"]["name"]) for one in items]
    return found


def _forget_files(session: Session, targets: "list[Target]") -> None:
    from fairlead.api.meta import WEBSERVICE
    from fairlead.remote.deploying import forget_unused

    for target in targets:
        if target.kind is WEBSERVICE:
            forget_unused(session.client, target.namespace, target.name, [])


def _replicas(patch: "Manifest") -> str:
    spec = patch["spec"]
    if spec["replicas"]:
        return "1 replica" if spec["replicas"] == 1 else f"{spec['replicas']} replicas"
    scaled = spec["autoscale"]
    return f"{scaled['minReplicas']} to {scaled['maxReplicas']} replicas, as the load asks"


def _followed_image(session: Session, target: "Target", service: "Manifest") -> "Manifest":
    from fairlead.api.meta import INFERENCE_IMAGE
    from fairlead.api.reasons import Reason
    from fairlead.local.errors import refusal
    from fairlead.remote.rollback import followed
    from fairlead.remote.targets import Target

    name = followed(service)
    if not name:
        message = f"{target.words} follows no InferenceImage: Fairlead knows no earlier version."
        raise refusal(Reason.IMAGE_NOT_FOUND, message, "Name another image in spec.image.")
    return session.get(Target(INFERENCE_IMAGE, target.namespace, name))


def _rotate(
    session: Session, target: "Target", which: Which, value: str | None, timeout_s: float
) -> str:
    """Return the new key, once every replica takes it."""
    from fairlead.remote.rotation import await_key, new_key, write_key

    given = sys.stdin.readline() if value == "-" else value
    key = new_key(given)
    write_key(session.client, target, which, key)
    with Progress(verbose=False) as progress:
        said = set[str]()

        def tell(taken: int, replicas: int) -> None:
            words = f"{taken} of {replicas} replicas take the new {which.value} key."
            if not replicas:
                words = "Warning: no replica is ready: those that start take the new key."
            if words not in said:
                said.add(words)
                progress.tell(words)

        try:
            await_key(session.client, target, key, timeout_s, tell)
        except KeyboardInterrupt:
            sys.stderr.write(
                f"\nThe {which.value} key of '{target.name}' is replaced, and replicas take it "
                f"within minutes: `fairlead keys {target.name}` shows it."
            )
            raise
    return key
