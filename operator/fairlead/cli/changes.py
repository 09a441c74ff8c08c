"""What is about to be written over somebody's files: the diff, and the question."""

import sys
from collections.abc import Mapping

import typer

from fairlead.cli import exit_codes
from fairlead.cli.output import say

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def is_typed() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()


def confirm(changed: tuple[str, ...], *, yes: bool, whose: str = "your files") -> None:
    """Ask a person; where nobody can be asked, --yes is needed, which is no answer to whether
    somebody else's change, of ``changed``, may be lost."""
    from fairlead.finding import shown

    conflicts = ", ".join(map(shown, changed))
    if conflicts:
        sys.stderr.write(f"In {whose} {conflicts} has changed since, too: that would be lost.\n")
    if yes and not conflicts:
        return
    if not is_typed():
        sys.stderr.write("Nothing was written: answer on a terminal, or say --yes.\n")
        raise typer.Exit(exit_codes.FAILED if conflicts else exit_codes.USAGE)
    if not typer.confirm(f"Write this to {whose}?"):
        say(["Nothing was written."])
        raise typer.Exit(exit_codes.FAILED)


def show_diff(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    from fairlead.cli.told import is_terminal
    from fairlead.local.diffs import diff_lines

    coloured = is_terminal(sys.stdout)
    for line in diff_lines(before, after):
        colour = COLOURS.get(line[:1]) if coloured else None
        say([typer.style(line, fg=colour) if colour else line])
