"""How findings reach the person: reason, what, where, remedy; never a traceback."""

import functools
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ParamSpec, TextIO, TypeVar

import typer

from fairlead.cli import exit_codes

if TYPE_CHECKING:
    from fairlead.local.errors import LocalError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
LABEL_COLUMNS = 9
MAX_COLUMNS = 100
MAX_LOG_LINES = 30
NOT_THERE = ("ServiceNotFound", "NotFound")
UNAVAILABLE_CLASSES = ("Infrastructure", "Network", "Auth", "Resource")


def finds(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Tell what the command finds wrong, and end with the code for it."""

    @functools.wraps(command)
    def told(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        from fairlead.local.errors import LocalError

        try:
            return command(*arguments, **options)
        except LocalError as error:
            show(error, str(options.get("output") or "text"))
            raise typer.Exit(code_of(error)) from error
        except KeyboardInterrupt as error:
            sys.stderr.write("\nInterrupted.\n")
            raise typer.Exit(exit_codes.INTERRUPTED) from error
        except BrokenPipeError as error:  # whoever read has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(exit_codes.DONE) from error
        except OSError as error:
            if error.errno is None:  # not the system's
                raise
            refused = refused_by_machine(error)
            show(refused, str(options.get("output") or "text"))
            raise typer.Exit(code_of(refused)) from error

    return told


def refused_by_machine(error: OSError) -> "LocalError":
    """What the system says of a file or a folder: no room, no right, not what it should be."""
    from fairlead.api.failure_class import FailureClass
    from fairlead.api.reasons import Reason
    from fairlead.local.errors import refusal

    where = f"{error.filename}: " if error.filename else ""
    return refusal(
        Reason.FILE_UNREADABLE,
        f"This machine refuses it: {where}{error.strerror or error}.",
        "See to the room and the rights there; other folders for what is kept: XDG_STATE_HOME and "
        "XDG_CACHE_HOME.",
        FailureClass.INFRASTRUCTURE,
    )


def code_of(error: "LocalError") -> int:
    finding = error.finding
    if finding.reason in NOT_THERE:
        return exit_codes.NOT_FOUND
    if finding.reason == "TimedOut":
        return exit_codes.TIMED_OUT
    unavailable = finding.class_ in UNAVAILABLE_CLASSES
    return exit_codes.UNAVAILABLE if unavailable else exit_codes.FAILED


def show(error: "LocalError", output: str) -> None:
    """To stderr as text; to stdout where a machine reads."""
    from fairlead.cli.output import write

    fields = fields_of(error)
    if output in ("json", "yaml"):
        write({"failure": fields}, output)
        return
    lines = list(finding_lines(fields, columns(), coloured=is_terminal(sys.stderr)))
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def fields_of(error: "LocalError") -> dict[str, str]:
    """As ``status.failure`` has them, without what a terminal should not be shown."""
    from fairlead.redact import one_line, redacted

    found = error.finding
    said = {
        "reason": str(found.reason),
        "class": str(found.class_),
        "message": found.message,
        "remedy": found.remedy,
        "location": found.location,
    }
    fields = {name: one_line(text) for name, text in said.items() if text}
    tail = {"logTail": redacted(error.log_tail)} if error.log_tail else {}
    return {**error.fields, "message": "", **fields, **tail}


def finding_lines(failure: dict[str, str], width: int, *, coloured: bool) -> Iterator[str]:
    """A failure as status has it, in lines of at most ``width`` columns."""
    reason = failure["reason"]
    first, *more = textwrap.wrap(f"{reason}: {failure['message']}", width, subsequent_indent="  ")
    yield (typer.style(reason, fg="red", bold=True) if coloured else reason) + first[len(reason) :]
    yield from more
    for label, field in (("Where:", "location"), ("Remedy:", "remedy")):
        if failure.get(field):
            begin = f"  {label:<{LABEL_COLUMNS}}"
            yield from textwrap.wrap(
                failure[field],
                width,
                initial_indent=begin,
                subsequent_indent=" " * len(begin),
                break_long_words=False,
                break_on_hyphens=False,
            )
    tail = failure.get("logTail", "").splitlines()
    if tail:
        yield "  Log:"
        yield from (f"    {line}" for line in tail[-MAX_LOG_LINES:])


def columns() -> int:
    return max(40, min(MAX_COLUMNS, shutil.get_terminal_size((MAX_COLUMNS, 24)).columns))


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at it who wants colours: https://no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
