"""The commands, as typer has them. What a command needs it imports when it runs."""

from typing import Annotated

import typer

from fairlead.cli.local_commands import local
from fairlead.cli.replicas import needed_replicas

EPILOG = "Try: fairlead local deploy --entry-script score.py --conda-file myenv.yml --model my.pkl"
MOST = 1e9  # requests each second, and seconds
app = typer.Typer(
    name="fairlead",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
app.add_typer(local, name="local")


def _version(asked: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if asked:
        from importlib.metadata import version

        typer.echo(f"fairlead {version('fairlead')}")
        raise typer.Exit


@app.command(epilog="Example: fairlead replicas --rps 20 --seconds 10 --utilization 70")
def replicas(
    rps: Annotated[
        float,
        typer.Option(min=0.001, max=MOST, help="Requests that come in each second."),
    ],
    seconds: Annotated[
        float,
        typer.Option(min=0.001, max=MOST, help="How long one request takes."),
    ],
    utilization: Annotated[
        float,
        typer.Option(min=1, max=100, help="How busy replicas are to be, in percent."),
    ] = 70,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Requests that a replica works on at a time.")
    ] = 1,
) -> None:
    """Tell how many replicas a load needs.

    Requests each second, times the seconds of each, by the utilization and by what one replica does
    at a time.
    """
    typer.echo(needed_replicas(rps, seconds, utilization, concurrency))


@app.callback()
def fairlead(
    version: Annotated[  # noqa: FBT002  (an eager option: its callback does it all)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """From score.py, a conda file and a model to a running web service."""
