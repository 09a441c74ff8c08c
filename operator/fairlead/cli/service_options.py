"""What a service is made of, as options: manifests, or a script and what goes with it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fairlead.local.asked import Asked

Manifests = Annotated[
    list[Path] | None,
    typer.Option("--filename", "-f", help="A manifest, or a folder of them. Repeatable."),
]
Kustomization = Annotated[
    Path | None, typer.Option("--kustomize", "-k", help="A folder with a kustomization.")
]
EntryScript = Annotated[Path | None, typer.Option(help="The script: init() and run().")]
SourceDirectory = Annotated[
    Path | None,
    typer.Option(
        help="All files of this folder go with the script, but for those that its .amlignore, else "
        ".gitignore, names."
    ),
]
CondaFile = Annotated[Path | None, typer.Option(help="The conda file.")]
Requirements = Annotated[
    Path | None, typer.Option(help="A requirements file of pip, in its place.")
]
DockerfileSteps = Annotated[Path | None, typer.Option(help="Extra instructions of a Dockerfile.")]
BaseImage = Annotated[str | None, typer.Option(help="The image to build on.")]
Variables = Annotated[
    list[str] | None, typer.Option("--env", help="NAME=VALUE, a variable. Repeatable.")
]
Memory = Annotated[str | None, typer.Option(help="The most memory it may use, such as 1Gi.")]


def asked_for(
    service: str | None,
    manifests: list[Path] | None,
    kustomization: Path | None,
    plain: dict[str, Path | None],
    **others: Any,
) -> "Asked":
    """What the options ask for. ``plain``: the files of a service without manifests, ``others``:
    what else there is, each by its field of ``Asked``. Raises ``typer.BadParameter``."""
    from fairlead.local.asked import Asked

    check_forms(bool(manifests or kustomization), plain)
    return Asked(
        manifests=tuple(str(path.absolute()) for path in manifests or ()),
        kustomization=str(kustomization.absolute()) if kustomization else None,
        service=service,
        **{field: str(path.absolute()) for field, path in plain.items() if path},
        **others,
    )


def check_forms(manifests: bool, plain: dict[str, Path | None]) -> None:  # noqa: FBT001
    given = [f"--{name.replace('_', '-')}" for name, path in plain.items() if path]
    if manifests and given:
        raise typer.BadParameter(f"-f and -k exclude {', '.join(given)}: the manifests say it all")
    if not manifests and plain["entry_script"] is None:
        raise typer.BadParameter("give manifests (-f, -k), or a script (--entry-script)")


def variables_of(texts: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE of each."""
    found = dict[str, str]()
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--env")
        found[name] = value
    return found
