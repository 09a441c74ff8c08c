"""`shell`, `edit` and `commit`: into a service, change it, keep the change."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fairlead.cli import exit_codes
from fairlead.cli.output import say
from fairlead.cli.told import finds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fairlead.local.edits import Edits, Pending

Name = Annotated[str | None, typer.Argument(help="The service; not needed if there is only one.")]
COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def edits() -> "Edits":
    from fairlead.local.edits import Edits
    from fairlead.local.places import places

    return Edits(places(os.environ))


@finds
def shell(
    name: Name = None,
    command: Annotated[
        list[str] | None, typer.Argument(help="A command, in place of a shell, after --.")
    ] = None,
    root: Annotated[  # noqa: FBT002
        bool, typer.Option("--root", help="As root: the source may be changed, and not only read.")
    ] = False,
) -> None:
    """Open a shell where a local service runs: in its container, or with its environment."""
    from fairlead.local.places import places
    from fairlead.local.shell import shell as opened

    service = edits().running(name)[0]
    raise typer.Exit(opened(service, places(os.environ), command or (), root=root))


@finds
def edit(
    name: Name = None,
    file: Annotated[str | None, typer.Argument(help="The file; else the entry script.")] = None,
) -> None:
    """Edit the source that a local service runs with $VISUAL or $EDITOR, and have it loaded.

    What is edited is a copy. Your own files stay as they are: `fairlead commit` writes the change
    to them.
    """
    from fairlead.local.editor import edited, editor_of

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
) -> None:
    """Write what was edited in a local service to your own files. The diff is shown first."""
    work = edits()
    service, running = work.running(name)
    pending = work.pending(service, running)
    if not pending.files:
        say([f"Nothing was edited in '{service.name}' that your files do not have."])
        return
    show_diff(pending.before, pending.files)
    say([f"{file} -> {path}" for file, path in pending.paths.items()])
    _confirm(pending, yes=yes)
    work.commit(service, pending)
    say(["Written."])


def is_typed() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()


def _confirm(pending: "Pending", *, yes: bool) -> None:
    """Ask a person; where nobody can be asked, --yes is needed, which is no answer to whether a
    change of the person's own may be lost."""
    conflicts = ", ".join(pending.conflicts)
    if conflicts:
        sys.stderr.write(f"Your own {conflicts} has changed since, too: that would be lost.\n")
    if yes and not conflicts:
        return
    if not is_typed():
        sys.stderr.write("Nothing was written: answer on a terminal, or say --yes.\n")
        raise typer.Exit(exit_codes.FAILED if conflicts else exit_codes.USAGE)
    if not typer.confirm("Write this to your files?"):
        say(["Nothing was written."])
        raise typer.Exit(exit_codes.FAILED)


def show_diff(before: "Mapping[str, bytes]", after: "Mapping[str, bytes]") -> None:
    from fairlead.cli.told import is_terminal
    from fairlead.local.diffs import diff_lines

    coloured = is_terminal(sys.stdout)
    for line in diff_lines(before, after):
        colour = COLOURS.get(line[:1]) if coloured else None
        say([typer.style(line, fg=colour) if colour else line])
