"""`fairlead replicas` and `fairlead simulate`: before anything is deployed."""

from typing import Annotated

import typer

from fairlead.capacity.formula import needed_replicas
from fairlead.cli.numbers import number
from fairlead.cli.output import Output

MOST = 1e9  # requests each second, and seconds
MAX_WAIT_MS = 3_600_000
MS_PER_S = 1000
PERCENT = 100
TARGET_PERCENT = 70
Rate = Annotated[
    float,
    typer.Option(min=0.001, max=MOST, callback=number, help="Requests that come in each second."),
]
Seconds = Annotated[
    float, typer.Option(min=0.001, max=MOST, callback=number, help="How long one request takes.")
]
AtOnce = Annotated[int, typer.Option(min=1, help="Requests that a replica works on at a time.")]


def replicas(
    rps: Rate,
    seconds: Seconds,
    utilization: Annotated[
        float,
        typer.Option(
            min=1, max=100, callback=number, help="How busy replicas are to be, in percent."
        ),
    ] = TARGET_PERCENT,
    concurrency: AtOnce = 1,
) -> None:
    """Tell how many replicas a load needs.

    Requests each second, times the seconds of each, by the utilization and by what one replica does
    at a time.
    """
    typer.echo(needed_replicas(rps, seconds, utilization, concurrency))


def simulate(  # noqa: PLR0913, PLR0917  (one for each option)
    rps: Rate,
    seconds: Seconds,
    replicas: Annotated[int, typer.Option(min=1, max=1000, help="Replicas that are ready.")],
    concurrency: AtOnce = 1,
    wait_ms: Annotated[
        int,
        typer.Option(min=0, max=MAX_WAIT_MS, help="Longest wait for a replica, then 503."),
    ] = 500,
    front: Annotated[  # noqa: FBT002
        bool, typer.Option("--front/--no-front", help="One queue, or one for each replica.")
    ] = True,
    steady: Annotated[  # noqa: FBT002
        bool, typer.Option("--steady", help="Each request takes the same time.")
    ] = False,
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = (
        Output.TEXT
    ),
) -> None:
    """Predict what share of requests gets 503.

    The queue is that of the front (or of each replica), with the same limits; requests come at
    random, and run times vary around the mean.
    """
    from fairlead.capacity.simulation import Scenario
    from fairlead.capacity.simulation import simulate as predict
    from fairlead.cli.output import pairs, say, write

    wait_s = wait_ms / MS_PER_S
    try:
        scenario = Scenario(rps, seconds, replicas, concurrency, wait_s, front, steady)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--replicas") from error
    found = predict(scenario)
    needed = needed_replicas(rps, seconds, TARGET_PERCENT, concurrency)
    if output in (Output.JSON, Output.YAML):
        fields = {
            "refusedShare": round(found.refused_share, 6),
            "queueTimeoutShare": round(found.queue_timeouts / found.requests, 6),
            "queueFullShare": round(found.queue_full / found.requests, 6),
            "utilization": round(found.utilization, 4),
            "waitP50Seconds": round(found.wait_p50_s, 4),
            "waitP95Seconds": round(found.wait_p95_s, 4),
            "neededReplicas": needed,
        }
        write(fields, output)
        return
    waits = f"{found.wait_p50_s * MS_PER_S:.0f} ms / {found.wait_p95_s * MS_PER_S:.0f} ms"
    said = (
        ("503", f"{found.refused_share * PERCENT:.2f} % of the requests"),
        ("Utilization", f"{found.utilization * PERCENT:.0f} %"),
        ("Wait p50 / p95", f"{waits}, of those that are served"),
        (f"Replicas for {TARGET_PERCENT} %", str(needed)),
    )
    say(pairs(said))
