"""`fairlead doctor`: can this person work with Fairlead in this cluster?"""

from typing import TYPE_CHECKING

import typer

from fairlead.cli import exit_codes
from fairlead.cli.cluster import Context, Form, Namespace, Session
from fairlead.cli.output import Output, say, write
from fairlead.cli.told import finds

if TYPE_CHECKING:
    from fairlead.remote.doctor import Check

looking_after = typer.Typer(rich_markup_mode=None)
SHOWN = {"ok": "ok", "failed": "FAILED", "unknown": "?"}
LABEL_COLUMNS = 13


@looking_after.command(epilog="Example: fairlead doctor --namespace team-a")
@finds
def doctor(
    namespace: Namespace = None, output: Form = Output.TEXT, context: Context = None
) -> None:
    """Look whether all is there that Fairlead needs, and say what to do where it is not.

    The cluster, the definitions and their version, the operator, its registry, whether nodes pull,
    the metrics API, and your rights. It ends with 3 where something is missing.
    """
    from importlib.metadata import version

    from fairlead.remote.doctor import checks, failures

    session = Session(namespace, context)
    found = list["Check"]()
    for check in checks(session.client, session.namespace, version("fairlead")):
        found.append(check)
        if output is Output.TEXT:
            say(_lines(check))
    if output in (Output.JSON, Output.YAML):
        write({"checks": [one.to_wire() for one in found]}, output)
    elif output is Output.NAME:
        say(one.name for one in found if one.outcome != "ok")
    if failures(found):
        raise typer.Exit(exit_codes.UNAVAILABLE)


def _lines(check: "Check") -> list[str]:
    from fairlead.cli.told import columns
    from fairlead.remote.description import wrapped

    width, indent = columns(), " " * (LABEL_COLUMNS + 8)
    first, *more = wrapped(check.message, width, indent) or [""]
    begin = f"{check.name:<{LABEL_COLUMNS}} {SHOWN[check.outcome]:<7}"
    remedy = wrapped(f"Remedy: {check.remedy}", width, indent) if check.remedy else []
    return [f"{begin}{first[len(begin) :]}", *more, *remedy]
