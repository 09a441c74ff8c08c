"""`fairlead local`: the same files as in the cluster, on this machine."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairlead.cli.numbers import number
from fairlead.cli.output import Output, pairs, say, table, write
from fairlead.cli.progress import Progress
from fairlead.cli.service_options import (
    BaseImage,
    CondaFile,
    DockerfileSteps,
    EntryScript,
    Kustomization,
    Manifests,
    Memory,
    Requirements,
    SourceDirectory,
    Variables,
    asked_for,
    variables_of,
)
from fairlead.cli.told import finds

if TYPE_CHECKING:
    from fairlead.local.asked import Asked
    from fairlead.local.errors import LocalError
    from fairlead.local.host import Keeper
    from fairlead.local.lifecycle import Lifecycle
    from fairlead.local.service import LocalService

local = typer.Typer(
    no_args_is_help=True,
    help="Run web services on this machine, from the same files as in the cluster.",
    rich_markup_mode=None,
)
Name = Annotated[str | None, typer.Argument(help="The service; not needed if there is only one.")]
Form = Annotated[Output, typer.Option("--output", "-o", help="The form of the answer.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="All that is printed meanwhile.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="PATH or NAME=PATH of a model: a file or a folder. Repeatable."),
]
Discard = Annotated[
    bool, typer.Option("--discard", help="Edits that were not committed may be lost.")
]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="The port; else 8890, or the next one that is free."),
]


def lifecycle(log: Progress, *, discard: bool = False) -> "Lifecycle":
    """What does the work."""
    from fairlead.local.lifecycle import Lifecycle
    from fairlead.local.places import places
    from fairlead.settings import Settings

    return Lifecycle(places(os.environ), Settings(), log, discard=discard)


class Known:
    """The services that there are, with what looks after each."""

    def __init__(self) -> None:
        from fairlead.local.places import places
        from fairlead.local.service import Services

        self._places = places(os.environ)
        self.services = Services(self._places)

    def keeper(self, service: "LocalService") -> "Keeper":
        from fairlead.local.hosts import keeper_of

        return keeper_of(service.mode, self._places)

    def folder(self, service: "LocalService") -> Path:
        return self._places.service(service.name)


@local.command(
    epilog="Example: fairlead local deploy credit --entry-script score.py --conda-file myenv.yml "
    "--model credit.pkl"
)
@finds
def deploy(  # noqa: PLR0913, PLR0917  (one for each option)
    name: Annotated[str | None, typer.Argument(help="Its name.")] = None,
    manifests: Manifests = None,
    kustomization: Kustomization = None,
    entry_script: EntryScript = None,
    source_directory: SourceDirectory = None,
    conda_file: CondaFile = None,
    requirements: Requirements = None,
    dockerfile_steps: DockerfileSteps = None,
    base_image: BaseImage = None,
    model: Models = None,
    env: Variables = None,
    memory: Memory = None,
    port: Port = None,
    debug: Annotated[bool, typer.Option("--debug", help="Let a debugger attach.")] = False,  # noqa: FBT002
    debug_wait: Annotated[
        float,
        typer.Option(
            min=0, max=3600, callback=number, help="How long it is waited for, in seconds."
        ),
    ] = 30,
    no_container: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--no-container", help="In a virtual environment, where there is no Docker."),
    ] = False,
    discard: Discard = False,  # noqa: FBT002
    output: Form = Output.TEXT,
    verbose: Verbose = False,  # noqa: FBT002
) -> None:
    """Make a web service and start it.

    From manifests (-f, -k), or from plain files. A service of the same name is replaced.
    """
    from fairlead.local.service import Mode

    plain = {
        "entry_script": entry_script,
        "source_directory": source_directory,
        "conda_file": conda_file,
        "requirements_file": requirements,
        "docker_file": dockerfile_steps,
    }
    asked = asked_for(
        name,
        manifests,
        kustomization,
        plain,
        base_image=base_image,
        models=tuple(absolute_model(text) for text in model or ()),
        variables=variables_of(env or ()),
        memory=memory,
        debug=debug,
        debug_wait_s=debug_wait,
    )
    mode = Mode.MACHINE if no_container else Mode.CONTAINER
    with Progress(verbose=verbose, quiet=output is not Output.TEXT) as progress:
        service = lifecycle(progress, discard=discard).deploy(asked, mode, port)
    _tell_deployed(service, output, progress.seconds)


@local.command(epilog="Example: fairlead local run credit '{\"data\": [[1, 2]]}'")
@finds
def run(
    name: Name = None,
    data: Annotated[str | None, typer.Argument(help="The body; - reads standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="The body, in a file.")] = None,
) -> None:
    """Send one request, and print the answer.

    The body is the argument, a file, or what comes on standard input.
    """
    from fairlead.local.scoring import score

    if name and data is None and file is None and not could_be_a_name(name):
        name, data = None, name  # the only service there is
    work = Known()
    service = work.services.only(name)
    answer = score(service, body_of(data, file), work.keeper(service), work.folder(service))
    sys.stdout.buffer.write(answer.body)
    if not answer.body.endswith(b"\n"):
        sys.stdout.write("\n")


@local.command(epilog="Example: fairlead local logs credit -f")
@finds
def logs(
    name: Name = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until it ends.")] = False,  # noqa: FBT002
    previous: Annotated[bool, typer.Option("--previous", help="Of the one before.")] = False,  # noqa: FBT002
    tail: Annotated[int | None, typer.Option(min=0, help="Only the last lines.")] = None,
) -> None:
    """Print what the service printed: the server's lines and the script's."""
    from fairlead.local.logs import read_log

    work = Known()
    service = work.services.only(name)
    pieces = read_log(
        service, work.keeper(service), work.folder(service), follow=follow, previous=previous
    )
    for piece in _last(pieces, tail):
        sys.stdout.buffer.write(piece)
        sys.stdout.flush()


@local.command(epilog="Example: fairlead local reload credit")
@finds
def reload(
    name: Name = None,
    discard: Discard = False,  # noqa: FBT002
    verbose: Verbose = False,  # noqa: FBT002
) -> None:
    """Load a changed script, without a dropped request; the packages stay as they are."""
    from fairlead.local.lifecycle import Change, left_words

    with Progress(verbose=verbose) as progress:
        work = lifecycle(progress, discard=discard)
        done = work.reload(name)
    service = work.services.only(name)
    words = {
        Change.RELOADED: f"The changed source serves now ({progress.seconds:.1f} s).",
        Change.UNCHANGED: "Nothing of the source has changed.",
        Change.STARTED: "It did not run: it was started, with the source as it is now.",
    }
    say([words[done.change], *([left_words(done.left, service.name)] if done.left else [])])


@local.command(epilog="Example: fairlead local update credit --model credit=new.pkl")
@finds
def update(  # noqa: PLR0913, PLR0917  (one for each option)
    name: Name = None,
    model: Models = None,
    env: Variables = None,
    memory: Memory = None,
    port: Port = None,
    discard: Discard = False,  # noqa: FBT002
    output: Form = Output.TEXT,
    verbose: Verbose = False,  # noqa: FBT002
) -> None:
    """Take changed models, packages and settings: all of its files are read again."""
    from fairlead.local.update import changed

    models = tuple(absolute_model(text) for text in model or ())
    variables = variables_of(env or ())

    def change(asked: "Asked") -> "Asked":
        return changed(asked, models, variables, memory)

    with Progress(verbose=verbose, quiet=output is not Output.TEXT) as progress:
        service = lifecycle(progress, discard=discard).update(name, change, port)
    _tell_deployed(service, output, progress.seconds)


@local.command(name="ls", epilog="Example: fairlead local ls -o json")
@finds
def list_services(output: Form = Output.TEXT) -> None:
    """List the services of this machine."""
    work = Known()
    found = [described(work, service) for service in work.services.all()]
    found += [_broken(name, error) for name, error in work.services.broken()]
    if output is Output.NAME:
        say(str(one["name"]) for one in found)
    elif output is not Output.TEXT:
        write({"services": found}, output)
    elif not found:
        say(["There is no local web service: `fairlead local deploy` makes one."])
    else:
        head = ("NAME", "STATE", "REASON", "RUNS IN", "URI")
        cells = ("name", "state", "reason", "mode", "scoringUri")
        say(table(head, ([str(one.get(cell, "")) for cell in cells] for one in found)))


@local.command(epilog="Example: fairlead local describe credit -o yaml")
@finds
def describe(name: Name = None, output: Form = Output.TEXT) -> None:
    """Tell all that is known of a service, and why it fails if it does."""
    from fairlead.cli.told import columns, finding_lines, is_terminal

    work = Known()
    service = work.services.only(name)
    found = described(work, service)
    if output is Output.NAME:
        say([service.name])
    elif output is not Output.TEXT:
        write(found, output)
    else:
        say(pairs(_fields(found)))
        if "failure" in found:
            coloured = is_terminal(sys.stdout)
            say(["", *finding_lines(found["failure"], columns(), coloured=coloured)])


@local.command(epilog="Example: fairlead local delete credit")
@finds
def delete(
    names: Annotated[list[str] | None, typer.Argument(help="The services.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every one there is.")] = False,  # noqa: FBT002
) -> None:
    """End a service; nothing of it is left."""
    work = lifecycle(Progress(verbose=False))
    found = [service.name for service in work.services.all()] if all_ else names or []
    broken = [error for _, error in work.services.broken()] if all_ else []
    if not found and not all_:
        found = [work.services.only(None).name]
    for name in found:
        work.delete(name)
        say([f"'{name}' is gone."])
    if broken:  # `ls` names them all
        raise broken[0]


def could_be_a_name(text: str) -> bool:
    """Whether it may name a service; a body of a request hardly does."""
    return all(sign in "abcdefghijklmnopqrstuvwxyz0123456789-" for sign in text)


def body_of(data: str | None, file: Path | None) -> bytes:
    """The body of a request: argument, file or standard input. Raises ``LocalError``."""
    from fairlead.local.files import read_bytes

    if file is not None and str(file) != "-":
        return read_bytes(file)
    if data is not None and data != "-":
        return data.encode()
    if file is None and data is None and sys.stdin.isatty():
        raise typer.BadParameter("give the body: as an argument, with --file, or on standard input")
    return sys.stdin.buffer.read()


def absolute_model(text: str) -> str:
    """The same, whatever folder a later command runs in."""
    before, equals, after = text.partition("=")
    path = Path(after if equals else text).absolute()
    return f"{before}={path}" if equals else f"{path.name}={path}"


def described(known: Known, service: "LocalService") -> dict[str, Any]:
    """What is known, as a machine reads it."""
    from fairlead.local.standing import HEALTHY, standing

    now = standing(service, known.keeper(service), known.folder(service))
    kept = service.to_wire()
    wanted = ("name", "mode", "port", "createdAt", "entryScript", "python", "models", "image")
    found = {
        "name": service.name,
        "state": now.state,
        "reason": now.reason,
        "scoringUri": service.scoring_uri,
        **{field: kept[field] for field in wanted if kept.get(field)},
        "differences": list(service.differences),
        **_debug_fields(service),
    }
    failed = service.failure is not None and now.state != HEALTHY
    return {**found, "failure": kept["failure"]} if failed else found


def _broken(name: str, error: "LocalError") -> dict[str, Any]:
    """A service whose record cannot be read."""
    from fairlead.local.service import failure_of
    from fairlead.local.standing import FAILED

    failure = failure_of(error).to_wire()
    return {"name": name, "state": FAILED, "reason": failure["reason"], "failure": failure}


def _fields(found: dict[str, Any]) -> Iterable[tuple[str, str]]:
    yield "Name", found["name"]
    yield "State", f"{found['state']} ({found['reason']})"
    yield "Scoring URI", found["scoringUri"]
    yield "Runs in", "a virtual environment" if found["mode"] == "machine" else "a container"
    yield "Image", found.get("image", "")
    yield "Entry script", found["entryScript"]
    yield "Python", found.get("python", "")
    yield "Models", ", ".join(found.get("models", ()))
    yield "Created", found["createdAt"]
    if "debugPort" in found:
        attached = "attached" if found["debuggerAttached"] else "none is attached"
        yield "Debugger", f"localhost:{found['debugPort']} ({attached})"
    for difference in found["differences"]:
        yield "Not as in a pod", difference


def _tell_deployed(service: "LocalService", output: Output, seconds: float) -> None:
    if output is Output.NAME:
        say([service.name])
        return
    if output is not Output.TEXT:
        told = {"name": service.name, "scoringUri": service.scoring_uri, "port": service.port}
        told |= _debug_fields(service)
        write(told, output)
        return
    lines = [f"'{service.name}' serves at {service.scoring_uri} ({seconds:.1f} s)."]
    lines += _debug_lines(service)
    lines += [f"Not as in a pod: {one}." for one in service.differences]
    lines += [f"Try: fairlead local run {service.name} '{{\"data\": []}}'"]
    say(lines)


def _debug_fields(service: "LocalService") -> dict[str, Any]:
    """Where a debugger attaches; nothing, where none may."""
    if service.debug_port is None:
        return {}
    from fairlead.local.answers import is_debugger_attached

    found = {"debugPort": service.debug_port, "launchJson": service.launch_json}
    return {**found, "debuggerAttached": is_debugger_attached(service.port)}


def _debug_lines(service: "LocalService") -> list[str]:
    if service.debug_port is None:
        return []
    from fairlead.local.answers import is_debugger_attached
    from fairlead.local.debugging import configuration_name

    at = f"localhost:{service.debug_port}"
    if is_debugger_attached(service.port):
        return [f"A debugger is attached at {at}."]
    name, where = configuration_name(service.name), service.launch_json
    how = f": in VS Code F5, '{name}' of {where}" if where else ""
    return [f"No debugger is attached; one may at any time, at {at}{how}."]


def _last(pieces: Iterable[bytes], lines: int | None) -> Iterable[bytes]:
    """The last lines of the first piece, which is all that was printed so far; then the rest."""
    if lines is None:
        return pieces
    return _cut(pieces, lines)


def _cut(pieces: Iterable[bytes], lines: int) -> Iterable[bytes]:
    first = True
    for piece in pieces:
        whole = piece.splitlines(keepends=True)
        yield b"".join(whole[-lines:] if lines else []) if first else piece
        first = False
