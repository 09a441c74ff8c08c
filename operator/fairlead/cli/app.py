"""The commands, as typer has them. What a command needs it imports when it runs."""

from typing import Annotated

import typer

from fairlead.cli.capacity_commands import replicas, simulate
from fairlead.cli.changing_commands import changing
from fairlead.cli.debug_command import debugging
from fairlead.cli.deploy_command import deploying
from fairlead.cli.doctor_command import looking_after
from fairlead.cli.import_command import EXAMPLE, RAW, import_v1
from fairlead.cli.local_commands import local
from fairlead.cli.looking_commands import looking
from fairlead.cli.pull_command import pulling
from fairlead.cli.service_commands import commit, edit, shell

EPILOG = "Try: fairlead local deploy --entry-script score.py --conda-file myenv.yml --model my.pkl"
app = typer.Typer(
    name="fairlead",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
app.add_typer(looking)
app.command(name="import", epilog=EXAMPLE, context_settings=RAW)(import_v1)
app.add_typer(deploying)
app.add_typer(changing)
app.add_typer(looking_after)
app.add_typer(debugging)
app.add_typer(pulling)
app.add_typer(local, name="local")


def _version(asked: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if asked:
        from importlib.metadata import version

        typer.echo(f"fairlead {version('fairlead')}")
        raise typer.Exit


app.command(epilog="Example: fairlead replicas --rps 20 --seconds 10 --utilization 70")(replicas)
app.command(epilog="Example: fairlead simulate --rps 7 --seconds 1 --replicas 10")(simulate)
app.command(epilog="Example: fairlead shell credit")(shell)
app.command(epilog="Example: fairlead edit credit")(edit)
app.command(epilog="Example: fairlead commit credit")(commit)


@app.callback()
def fairlead(
    version: Annotated[  # noqa: FBT002  (an eager option: its callback does it all)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """From score.py, a conda file and a model to a running web service."""
