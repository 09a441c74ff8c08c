"""`fairlead import`: from the files and the command line of Azure ML v1 to manifests."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairlead.cli.output import Output, say, write
from fairlead.cli.told import columns, finds

if TYPE_CHECKING:
    from fairlead.v1files.conversion import Converted
    from fairlead.v1files.notes import Note

RAW = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
AZ_FORMS = ("table", "tsv", "jsonc", "yamlc", "none")  # of `az`, that mean nothing here
EXAMPLE = (
    "Example: fairlead import -n credit -m credit:1 --ic inferenceconfig.json "
    "--dc deploymentconfig.json --output-dir credit"
)
Words = Annotated[
    list[str] | None,
    typer.Argument(help="Files, folders, and the arguments of `az ml model deploy`."),
]


@finds
def import_v1(
    context: typer.Context,
    words: Words = None,
    output_dir: Annotated[
        Path | None, typer.Option(help="Write files into this folder, for kubectl apply -k.")
    ] = None,
    force: Annotated[  # noqa: FBT002
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
    output: Annotated[
        str, typer.Option(help="The form of the answer: text, json, yaml or name.")
    ] = Output.TEXT,
) -> None:
    """Turn Azure ML v1's files, and the arguments of az ml model deploy, into manifests.

    It reads inferenceconfig.json, deploymentconfig.json (aks, aci, local), folders of environments,
    conda files, .runconfig, and what follows az ml model deploy, as it was typed. What has no
    counterpart is told with its place, and what to do. Keys and passwords are left where they are.
    """
    if not words or "-h" in words:
        typer.echo(context.get_help())
        raise typer.Exit(0 if words else 2)
    from fairlead.cli.import_files import Disk, write_files
    from fairlead.v1files.conversion import convert
    from fairlead.v1files.emit import as_files

    form = _form(output)
    converted = convert(words, Disk(output_dir))
    if converted.notes.problems:
        raise _refused(converted, form)
    written: Sequence[Path] = ()
    if output_dir is not None:
        files = as_files(converted, str(output_dir))
        written = write_files(output_dir, files, force=force)
    _tell(converted, form, written)


def _form(output: str) -> Output:
    if output in AZ_FORMS:
        return Output.TEXT
    try:
        return Output(output)
    except ValueError as error:
        raise typer.BadParameter(
            f"{output!r} is not one of {', '.join(Output)}", param_hint="--output"
        ) from error


def _refused(converted: "Converted", form: Output) -> Exception:
    """All that is wrong, in one finding; as text a paragraph for each goes before it."""
    from fairlead.api.reasons import Reason
    from fairlead.finding import listed
    from fairlead.local.errors import refusal

    problems = converted.notes.problems
    if form in (Output.TEXT, Output.NAME):
        _say_notes("Wrong", problems)
        more = len(problems)
        said = f"Nothing was made: {more} {'thing is' if more == 1 else 'things are'} wrong."
        return refusal(Reason.NOT_IMPORTED, said, "Correct them all, and run it again.")
    told = listed([f"{note.place}: {note.message}" for note in problems], 20)
    remedy = " ".join(dict.fromkeys(note.remedy for note in problems[:20]))
    return refusal(Reason.NOT_IMPORTED, told, remedy)


def _say_notes(title: str, notes: Sequence["Note"]) -> None:
    """To standard error, in lines as wide as the terminal."""
    import textwrap

    width = columns()
    for note in notes:
        head = f"{title}: {note.place}: {note.message}."
        lines = textwrap.wrap(head, width, subsequent_indent="  ", break_long_words=False)
        lines += textwrap.wrap(
            note.remedy,
            width,
            initial_indent="  -> ",
            subsequent_indent="     ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        sys.stderr.write("".join(f"{line}\n" for line in lines))


def _tell(converted: "Converted", form: Output, written: Sequence[Path]) -> None:
    from fairlead.v1files.emit import as_text, objects

    made = objects(converted)
    if form is Output.NAME:
        say(f"{one['kind'].lower()}/{one['metadata']['name']}" for one in made)
    elif form is not Output.TEXT:
        told: dict[str, Any] = {"manifests": made}
        told["remarks"] = [note.to_wire() for note in converted.notes.remarks]
        write(told | ({"written": [str(path) for path in written]} if written else {}), form)
        return
    elif written:
        say(f"Wrote {path}" for path in written)
    else:
        sys.stdout.write(as_text(made))
    sys.stdout.flush()
    _say_notes("Mind", converted.notes.remarks)
    if written:
        folder = next(path for path in written if path.name == "kustomization.yaml").parent
        sys.stderr.write(f"Try: fairlead local deploy -k {folder}\n")
        sys.stderr.write(f"Or:  kubectl apply -k {folder}\n")
