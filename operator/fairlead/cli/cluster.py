"""What the commands for the cluster have in common: options, the client, and how they tell."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fairlead.cli.numbers import number
from fairlead.cli.output import Output

if TYPE_CHECKING:
    from fairlead.api.refs import Manifest
    from fairlead.remote.targets import Target

Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="The namespace; else the context's.")
]
Context = Annotated[
    str | None, typer.Option("--context", help="A context of the kubeconfig; else the current one.")
]
Form = Annotated[Output, typer.Option("--output", "-o", help="The form of the answer.")]
Object = Annotated[
    list[str], typer.Argument(help="NAME of a service, KIND/NAME, or KIND NAME.", metavar="OBJECT")
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", min=0, max=604_800, callback=number, help="Seconds to wait at the most."
    ),
]


class Session:
    """One cluster and one namespace. Raises ``LocalError`` where there is no way to say which."""

    def __init__(self, namespace: str | None, context: str | None) -> None:
        from fairlead.remote.client import Client
        from fairlead.remote.kubeconfig import access

        found = access(os.environ, context)
        self.client = Client(found)
        self.namespace = checked(namespace or found.namespace)

    def target(self, words: list[str]) -> "Target":
        from fairlead.remote.targets import target

        return target(words, self.namespace)

    def get(self, target: "Target") -> "Manifest":
        """Raises ``LocalError``: it is not there."""
        from fairlead.remote.answers import not_found

        found = self.client.get(target.ref)
        if found is None:
            raise not_found(target.words)
        return found


def checked(namespace: str) -> str:
    """A name that may stand in a path. Raises ``LocalError``."""
    from fairlead.api.reasons import Reason
    from fairlead.finding import shown
    from fairlead.local.errors import refusal
    from fairlead.remote.targets import NAMESPACE

    if NAMESPACE.fullmatch(namespace):
        return namespace
    message = f"'{shown(namespace)}' cannot be the name of a namespace."
    raise refusal(Reason.NOT_FOUND, message, "Correct --namespace.")


def warn(words: str) -> None:
    """To standard error; nothing where there is nothing to say."""
    if words:
        sys.stderr.write(f"Warning: {words}\n")
        sys.stderr.flush()


def warn_of_git(manifest: "Manifest") -> None:
    """Before an object is changed by hand that a tool applies from Git."""
    from fairlead.remote.gitops import warning

    warn(warning(manifest))


def put(content: bytes) -> None:
    """Bytes of others to standard output; on a terminal without what could steer it."""
    if sys.stdout.isatty():
        from fairlead.redact import printable

        sys.stdout.write(printable(content.decode(errors="replace")))
    else:
        sys.stdout.buffer.write(content)
    sys.stdout.flush()
