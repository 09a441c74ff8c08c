"""`shell`, `edit` and `commit`: into a service, change it, keep the change."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairlead.cli.changes import confirm, show_diff
from fairlead.cli.cluster import Context, Namespace
from fairlead.cli.output import say
from fairlead.cli.told import finds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fairlead.cli.pod_commands import PodService
    from fairlead.local.edits import Edits

Name = Annotated[
    str | None,
    typer.Argument(
        help="A local service, not needed if there is only one; wsvc/NAME is one of the cluster."
    ),
]


def edits() -> "Edits":
    from fairlead.local.edits import Edits
    from fairlead.local.places import places

    return Edits(places(os.environ))


def in_cluster(name: str | None, namespace: str | None, context: str | None) -> "PodService | None":
    """The service of the cluster that is meant; None for a local one. Raises ``LocalError``."""
    if name is None or "/" not in name:
        if namespace or context:
            raise typer.BadParameter("--namespace and --context go with wsvc/NAME")
        return None
    from fairlead.cli.pod_commands import PodService

    return PodService(name, namespace, context)


@finds
def shell(
    name: Name = None,
    command: Annotated[
        list[str] | None, typer.Argument(help="A command, in place of a shell, after --.")
    ] = None,
    root: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--root", help="As root, in a local container: the source may be changed there."
        ),
    ] = False,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Open a shell where a service runs: in its container or pod, or with its environment."""
    pod = in_cluster(name, namespace, context)
    if pod:
        if root:
            raise typer.BadParameter("a pod's user cannot be changed: --root is for local services")
        raise typer.Exit(pod.shell(command or ()))
    from fairlead.local.places import places
    from fairlead.local.shell import shell as opened

    service = edits().running(name)[0]
    raise typer.Exit(opened(service, places(os.environ), command or (), root=root))


@finds
def edit(
    name: Name = None,
    file: Annotated[str | None, typer.Argument(help="The file; else the entry script.")] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Edit the source that a service runs with $VISUAL or $EDITOR, and have it loaded.

    What is edited is a copy. Your own files stay as they are: `fairlead commit` writes the change
    to them. In the cluster the service is to be in debug mode (fairlead debug).
    """
    from fairlead.local.editor import edited, editor_of

    pod = in_cluster(name, namespace, context)
    if pod:
        pod.edit(file)
        return
    work = edits()
    service, before = work.running(name)

    def take(after: "Mapping[str, bytes]") -> None:
        if after == before:
            say(["Nothing was changed."])
            return
        show_diff(before, after)
        work.put(service, before, after)
        say(
            [
                f"'{service.name}' has loaded it.",
                f"Keep it in your own files: fairlead commit {service.name}",
            ]
        )

    edited(before, file or service.entry_script, editor_of(os.environ), take)


@finds
def commit(
    name: Name = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Without asking.")] = False,  # noqa: FBT002
    source_directory: Annotated[
        Path | None,
        typer.Option(help="Of wsvc/NAME: your folder of the source, in place of the object."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Write what was edited in a service to where its source comes from. The diff is shown first.

    Of a local service these are your own files; of one of the cluster the InferenceImage or
    ConfigMap that has the source, of which a new version is made then, or a folder of yours.
    """
    pod = in_cluster(name, namespace, context)
    if pod:
        pod.commit(source_directory, yes=yes)
        return
    if source_directory:
        raise typer.BadParameter("--source-directory goes with wsvc/NAME")
    work = edits()
    service, running = work.running(name)
    pending = work.pending(service, running)
    if not pending.files:
        say([f"Nothing was edited in '{service.name}' that your files do not have."])
        return
    show_diff(pending.before, pending.files)
    say([f"{file} -> {path}" for file, path in pending.paths.items()])
    confirm(pending.conflicts, yes=yes)
    work.commit(service, pending)
    say(["Written."])
