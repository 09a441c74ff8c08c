"""Numbers of the command line, which are to be numbers."""

import math

import typer


def number(value: float | None) -> float | None:
    """`nan` lies within every bound: refuse it."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter(f"{value} is not a number")
    return value
