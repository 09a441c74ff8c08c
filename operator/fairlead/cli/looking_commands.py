"""`fairlead get`, `describe`, `wait`, `logs` and `run`: they change nothing."""

import os
import sys
from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairlead.cli.cluster import (
    Context,
    Form,
    Namespace,
    Object,
    Session,
    Timeout,
    put,
    warn,
)
from fairlead.cli.output import Output, pairs, say, table, write
from fairlead.cli.told import finds

if TYPE_CHECKING:
    from fairlead.api.meta import Kind
    from fairlead.api.refs import Manifest
    from fairlead.local.errors import LocalError
    from fairlead.remote.logs import Piece
    from fairlead.remote.targets import Target

looking = typer.Typer(rich_markup_mode=None)
DEFAULT_LINES = 5000  # v1's own
KEY_VARIABLE = "FAIRLEAD_KEY"


class TableOutput(StrEnum):
    """Forms of a table."""

    TEXT = "text"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class Until(StrEnum):
    """What is waited for."""

    READY = "ready"
    DELETED = "deleted"


@looking.command(epilog="Example: fairlead get services")
@finds
def get(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="KIND, KIND NAMES, or KIND/NAME; else all kinds.", metavar="OBJECTS"),
    ] = None,
    namespace: Namespace = None,
    everywhere: Annotated[  # noqa: FBT002
        bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")
    ] = False,
    selector: Annotated[
        str | None, typer.Option("--selector", "-l", help="Only those with these labels.")
    ] = None,
    output: Annotated[
        TableOutput, typer.Option("--output", "-o", help="The form of the answer.")
    ] = TableOutput.TEXT,
    context: Context = None,
) -> None:
    """List models, images and services, in the columns that kubectl shows.

    Kinds are models, images (InferenceImage) and services (Webservice), and what kubectl calls
    them.
    """
    kinds, names = _kinds_and_names(words or [])
    session = Session(namespace, context)
    where = "" if everywhere and not names else session.namespace
    if output in (TableOutput.TEXT, TableOutput.WIDE):
        _show_tables(session, kinds, names, where, selector, wide=output is TableOutput.WIDE)
    else:
        _show_objects(session, kinds, names, where, selector, output)


@looking.command(epilog="Example: fairlead describe credit")
@finds
def describe(
    words: Object,
    namespace: Namespace = None,
    output: Form = Output.TEXT,
    context: Context = None,
) -> None:
    """Tell all that is known of an object: what serves, and why it fails if it does."""
    from fairlead.remote.listing import cleaned, name_of

    session = Session(namespace, context)
    target = session.target(words)
    found = session.get(target)
    if output is Output.NAME:
        say([name_of(found)])
    elif output is not Output.TEXT:
        write(cleaned(found), output)
    else:
        _describe(session, target, found)


@looking.command(epilog="Example: fairlead wait credit --timeout 900")
@finds
def wait(
    words: Object,
    namespace: Namespace = None,
    until: Annotated[Until, typer.Option("--for", help="What is waited for.")] = Until.READY,
    timeout: Timeout = 1800,
    context: Context = None,
) -> None:
    """Wait until an object is ready, with all that it is made of, or is gone.

    It ends at once where it cannot get ready, with the reason; at the time-out with exit code 5.
    """
    from fairlead.cli.progress import Progress
    from fairlead.remote.waiting import Watcher, needed

    session = Session(namespace, context)
    target = session.target(words)
    with Progress(verbose=False) as progress:
        watcher = Watcher(session.client, progress.tell)
        if until is Until.DELETED:
            watcher.gone([target], timeout)
        else:
            watcher.ready(needed(session.client, target), timeout, [target])
        seconds = progress.seconds
    done = "is gone" if until is Until.DELETED else "is ready"
    say([f"{target.kind.kind} '{target.name}' {done} ({seconds:.0f} s)."])


@looking.command(epilog="Example: fairlead run credit '{\"data\": [[1, 2]]}'")
@finds
def run(
    name: Annotated[str, typer.Argument(help="The service.")],
    data: Annotated[str | None, typer.Argument(help="The body; - reads standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="The body, in a file.")] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="The key; else FAIRLEAD_KEY, else that of the Secret."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Send one request, and print the answer.

    The body is the argument, a file, or what comes on standard input. Where this machine does not
    reach the service's address, the request goes through the API server, as a port-forward does.
    So does one with a key, but for that of --key, where the address is not the live Service's own.
    """
    from fairlead.cli.local_commands import body_of
    from fairlead.remote.scoring import score

    session = Session(namespace, context)
    target = session.target([name])
    body = body_of(data, file)
    service = session.get(target)
    given = key or os.environ.get(KEY_VARIABLE)
    answer = score(session.client, target, service, body, given, anywhere=bool(key))
    put(answer if answer.endswith(b"\n") else answer + b"\n")


@looking.command(epilog="Example: fairlead logs credit --follow")
@finds
def logs(  # noqa: PLR0913, PLR0917  (one for each option)
    words: Object,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="As it comes.")] = False,  # noqa: FBT002
    previous: Annotated[  # noqa: FBT002
        bool, typer.Option("--previous", "-p", help="Of the container before, that has ended.")
    ] = False,
    init: Annotated[bool, typer.Option("--init", help="Of init containers.")] = False,  # noqa: FBT002
    build: Annotated[  # noqa: FBT002
        bool, typer.Option("--build", help="Of the build of the service's image.")
    ] = False,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="Of a build: which version.")
    ] = None,
    tail: Annotated[
        int | None, typer.Option("--tail", min=0, help="The last lines; of each replica.")
    ] = DEFAULT_LINES,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Print the logs of all replicas of a service, or of an image's build.

    OBJECT is a service, or an image: then it is the log of its build.
    """
    from fairlead.api.meta import INFERENCE_IMAGE
    from fairlead.remote.logs import Wanted, service_logs

    if follow and previous:
        raise typer.BadParameter("a container that has ended says no more: -f or --previous")
    session = Session(namespace, context)
    target = session.target(words)
    if target.kind is INFERENCE_IMAGE or build or version:
        lines = _build_log(session, target, version, follow=follow)
        for line in lines if follow or tail is None else deque(lines, tail):
            put(line)
        return
    _only_services(target)
    session.get(target)
    wanted = Wanted(follow=follow, previous=previous, tail=tail, init=init)
    for line in _prefixed(service_logs(session.client, target, wanted, _warn_unread)):
        put(line)


def _kinds_and_names(words: list[str]) -> "tuple[list[Kind], list[str]]":
    from fairlead.api.meta import KINDS
    from fairlead.remote.targets import NAME, kind, target

    if not words:
        return list(KINDS), []
    if "/" in words[0]:
        found = [target([word], "default") for word in words]
        kinds = list(dict.fromkeys(one.kind for one in found))
        if len(kinds) > 1:
            raise typer.BadParameter("objects of several kinds: ask for one kind at a time")
        return kinds, [one.name for one in found]
    wrong = [word for word in words[1:] if not NAME.fullmatch(word)]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} cannot be a name")
    return [kind(words[0])], words[1:]


def _show_tables(
    session: Session,
    kinds: "list[Kind]",
    names: list[str],
    where: str,
    selector: str | None,
    *,
    wide: bool,
) -> None:
    from fairlead.api.meta import API_VERSION
    from fairlead.api.refs import Ref
    from fairlead.remote.answers import not_found
    from fairlead.remote.listing import cells_of, full_name

    several, shown = len(kinds) > 1, 0
    query = {"labelSelector": selector} if selector else {}
    missing = set(names)
    for kind in kinds:
        answer = session.client.table(Ref(API_VERSION, kind.plural, where), **query)
        head, rows = cells_of(answer, names, wide=wide, namespaces=not where)
        at = 0 if where else 1
        missing -= {row[at] for row in rows}
        if rows and several:
            rows = [[*row[:at], full_name(kind.kind, row[at]), *row[at + 1 :]] for row in rows]
        if rows:
            say(([""] if shown else []) + table(head, rows))
            shown += 1
    if missing:
        raise not_found(f"{kinds[0].kind} '{sorted(missing)[0]}' of namespace '{where}'")
    if not shown:
        place = f"in namespace '{where}'" if where else "in any namespace"
        sys.stderr.write(f"There is nothing {place}: `fairlead deploy` makes something.\n")


def _show_objects(
    session: Session,
    kinds: "list[Kind]",
    names: list[str],
    where: str,
    selector: str | None,
    output: TableOutput,
) -> None:
    from fairlead.remote.listing import as_list, listed, name_of, named

    found = list["Manifest"]()
    for kind in kinds:
        if names:
            found += named(session.client, kind, where, names)
        else:
            found += listed(session.client, kind, where, selector)
    if output is TableOutput.NAME:
        say(name_of(one) for one in found)
    else:
        write(found[0] if len(names) == 1 else as_list(found), output.value)


def _describe(session: Session, target: "Target", found: "Manifest") -> None:
    from datetime import UTC, datetime

    from fairlead.cli.told import columns, finding_lines, is_terminal
    from fairlead.remote.description import condition_lines, event_lines, pairs_of
    from fairlead.remote.events import events_of
    from fairlead.remote.state import failure_fields, state_of

    now, width, state = datetime.now(UTC), columns(), state_of(found)
    say(pairs(pairs_of(found, now)))
    failure = failure_fields(state.failure)
    if failure:
        coloured = is_terminal(sys.stdout)
        say(["", *finding_lines(failure, width, coloured=coloured), *_more(failure)])
    say(["", "Conditions:", *condition_lines(state, width)])
    events = events_of(session.client, target)
    if events is None:
        say(["", "Events: you may not read them here."])
    elif events:
        say(["", "Events:", *event_lines(events, width, now)])


def _more(failure: dict[str, str]) -> Iterator[str]:
    """What else a failure says, in its own order."""
    fields = {
        "class": "Class",
        "container": "Container",
        "pod": "Pod",
        "affected": "Affected",
        "exitCode": "Exit code",
        "restarts": "Restarts",
        "since": "Since",
        "nextRetryAt": "Next try",
    }
    for name, label in fields.items():
        if failure.get(name):
            yield f"  {label + ':':<11}{failure[name]}"


def _only_services(target: "Target") -> None:
    from fairlead.api.meta import WEBSERVICE
    from fairlead.api.reasons import Reason
    from fairlead.local.errors import refusal

    if target.kind is not WEBSERVICE:
        message = f"A {target.kind.kind} has no log of its own here."
        remedy = f"What it says of itself: fairlead describe {target.spoken}."
        raise refusal(Reason.KIND_UNKNOWN, message, remedy)


def _build_log(
    session: Session, target: "Target", version: int | None, *, follow: bool
) -> Iterator[bytes]:
    from fairlead.remote.logs import build_log

    return build_log(session.client, _image_of(session, target), version, follow=follow)


def _image_of(session: Session, target: "Target") -> "dict[str, Any]":
    """The InferenceImage, of itself or of a service."""
    from fairlead.api.meta import INFERENCE_IMAGE
    from fairlead.api.reasons import Reason
    from fairlead.local.errors import refusal
    from fairlead.remote.waiting import references

    found = session.get(target)
    if target.kind is INFERENCE_IMAGE:
        return found
    images = references(target.namespace, found)
    if not images or images[0].kind is not INFERENCE_IMAGE:
        message = f"{target.words} serves no InferenceImage: its image was built elsewhere."
        raise refusal(Reason.IMAGE_NOT_FOUND, message, "Its builder has the log.")
    return session.get(images[0])


def _warn_unread(error: "LocalError") -> None:
    from fairlead.redact import one_line

    warn(one_line(error.finding.message))


def _prefixed(pieces: "Iterator[Piece]") -> Iterator[bytes]:
    """With the pod's name in front where there are several."""
    for piece in pieces:
        yield piece.content if piece.alone else f"[{piece.pod}] ".encode() + piece.content
