"""`fairlead pull`: an image of the cluster's, or of a registry, on this machine."""

from typing import Annotated

import typer

from fairlead.cli.cluster import Context, Namespace, Session
from fairlead.cli.output import say
from fairlead.cli.progress import Progress
from fairlead.cli.told import finds

pulling = typer.Typer(rich_markup_mode=None)


@pulling.command(epilog="Example: fairlead pull image/credit")
@finds
def pull(
    image: Annotated[str, typer.Argument(help="image/NAME, or REGISTRY/REPOSITORY:TAG.")],
    tag: Annotated[
        str | None, typer.Option(help="What to call it here; else NAME:VERSION.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    verbose: Annotated[  # noqa: FBT002
        bool, typer.Option("--verbose", "-v", help="All that is printed meanwhile.")
    ] = False,
) -> None:
    """Fetch an image into Docker Engine, and print the `docker run` that serves it.

    With the credentials of `docker login` and Docker's credential helpers.
    """
    from fairlead.local.pulling import default_tag, image_reference, run_command
    from fairlead.local.pulling import pull as fetched

    name, debugger = _named(image, namespace, context)
    reference = image_reference(name)
    own = tag or default_tag(reference)
    image_reference(own)  # it is one, too
    with Progress(verbose=verbose) as progress:
        fetched(reference, own, progress)
    say([f"{reference} is here as {own}. Serve it at http://localhost:8000/score:"])
    say([f"  {run_command(own, debugger=False)}"])
    if debugger:
        say(["With a debugger, which is waited for:", f"  {run_command(own, debugger=True)}"])


def _named(image: str, namespace: str | None, context: str | None) -> tuple[str, bool]:
    """The image's name, and whether it is known to have a debugger."""
    from fairlead.api.meta import INFERENCE_IMAGE
    from fairlead.remote.debugging import is_on
    from fairlead.remote.state import mapping
    from fairlead.remote.targets import kind_of

    word, slash, _ = image.partition("/")
    if not slash or kind_of(word) is not INFERENCE_IMAGE:
        return image, False
    session = Session(namespace, context)
    target = session.target([image])
    found = session.get(target)
    location = mapping(found.get("status")).get("imageLocation")
    if not location:
        from fairlead.api.reasons import Reason
        from fairlead.local.errors import refusal

        message = f"{target.words} has no image yet."
        remedy = f"Wait for it: fairlead wait {target.spoken}."
        raise refusal(Reason.IMAGE_NOT_FOUND, message, remedy)
    return str(location), is_on(found)
