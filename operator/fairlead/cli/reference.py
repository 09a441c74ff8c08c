"""`docs/cli.md`, written from the commands themselves: `make cli-docs`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from fairlead.cli import exit_codes
from fairlead.cli.app import app

HEAD = """\
# The command line

`fairlead` (also `kubectl fairlead`) lies in `.venv/bin` after `make setup` in a checkout; no
package index has it yet (then: `pip install 'fairlead[cli]'`). `fairlead --install-completion`
makes the shell complete its words. Made by `make cli-docs`.

What a command answers goes to standard output; what it does meanwhile, and what is wrong, to
standard error. `--output json` and `yaml` are for programs: then a failure comes as
`{"failure": …}`, with the fields that `status.failure` has in the cluster, and a reason of
[reasons.md](reasons.md). Colours and a moving line are for terminals alone; `NO_COLOR` turns them
off. Settings mean what they mean for the operator, such as `FAIRLEAD_PACKAGE_INDEX`,
`FAIRLEAD_CA_BUNDLE` and `FAIRLEAD_DEFAULT_BASE_IMAGE`: [settings.md](settings.md).

| Exit code | Meaning |
|---|---|
"""
CODES = {
    exit_codes.DONE: "done",
    exit_codes.FAILED: "your files, your model or your script: change something, and try again",
    exit_codes.USAGE: "the command line is wrong",
    exit_codes.UNAVAILABLE: "this machine, the network or a server does not do what is needed",
    exit_codes.NOT_FOUND: "there is no such service, or no such object",
    exit_codes.TIMED_OUT: "not done in the time that `--timeout` gives; it goes on",
    exit_codes.BUG: "a bug of Fairlead",
    exit_codes.INTERRUPTED: "ctrl-C",
}
CLUSTER = """
## In the cluster

These commands talk to the API server that the kubeconfig names (`KUBECONFIG`, `--context`), as the
person that it names, in the context's namespace or that of `--namespace`. OBJECT is the name of a
service (Webservice), `KIND/NAME` or `KIND NAME`; kinds are models, images (InferenceImage) and
services, and what kubectl calls them.

They need the rights that kubectl would need: to our kinds, and for `logs` to `pods/log`, for a log
of a build to `services/proxy` of the Service that serves it ([logs.md](logs.md)), for `run` to
`services` and `pods`, and without a reachable address of the live Service to `pods/portforward`
(with `--key` the address that the status names will do), for keys to the Secret. What other people
wrote (messages, logs) is shown on a terminal without control characters.

`deploy` applies as `kubectl apply --server-side` does, with the field manager `fairlead-cli`. Of
plain files it makes a Model each, an InferenceImage and a Webservice: small text is in the objects,
the rest in ConfigMaps whose names have a hash of what they hold; `--dry-run` prints it all. An
image made so names the versions of its models.

A model of more than 0.9 MiB, or a folder with folders, is in no object: `--model-repository
REGISTRY/PATH` pushes it there as an artifact, with what `docker login` and Docker's credential
helpers keep, and the Model names it (`oci://`, with a tag made of the content: what is there is not
pushed again). The cluster's tasks must be able to read it: they can where the operator's own
registry is meant, elsewhere with a public repository or with `spec.credentialsSecretRef` in a
manifest ([model-sources.md](model-sources.md)).

`rollback` puts the version's image into `spec.image`, and remembers the InferenceImage in an
annotation: the service stays with that version until `--undo`, or until `deploy` applies it again.
`rollback`, `scale`, `delete`, `debug` and `commit` warn where Argo CD or Flux applies the object
from Git.
"""
IMPORT = """
## From Azure ML v1

`fairlead import` reads v1's files and the arguments of `az ml model deploy`, as they were typed,
and prints manifests, or writes them into a folder (`--output-dir`) in the form of
`examples/diabetes`. It writes over nothing without `--force`. What has no counterpart goes to
standard error, with its file and line, or the argument, and what to do: [From Azure ML
v1](from-azureml.md).
"""
LOCAL = """
## Local web services

The files are checked as the operator checks them, and the environment is made by the same recipe.
Services listen on 127.0.0.1 alone, ask for no key, and load a changed script at
`fairlead local reload`. What is otherwise than in a pod is said, and kept in `describe`.

State is kept in `$XDG_STATE_HOME/fairlead/local` (`~/.local/state`), what can be made again
(environments, fetched models) in `$XDG_CACHE_HOME/fairlead/local` (`~/.cache`); other users of the
machine cannot look into them. `delete` removes a service, and its environment where no other has
it.

A container is set up as a pod is: the same engine, recipe, runtime, layout, user (10001), rights
and limits, and no registry. Its image stays with Docker Engine (`DOCKER_HOST`, or the usual
socket); a base image that is not there is pulled. Its root can be written to, but not by its user:
so that a reload can change the source. What the steps of a `Dockerfile.steps` made is kept by
Docker Engine as `fairlead-steps`, also after `delete`.

`--no-container` makes a virtual environment with the Python that the conda file asks for: the one
of this program, or one of this machine (on the path, of pyenv, of uv). Packages of conda's
channels, and RUN in a `Dockerfile.steps`, need a container. Models are linked, not copied.
"""


COUNTING = """
## How many replicas

They count, and ask nobody.
"""
COUNTING_HEADINGS = ("\n### `fairlead replicas`", "\n### `fairlead simulate`")
LOCAL_HEADING = "\n### `fairlead local "
IMPORT_HEADING = "\n### `fairlead import`"


def reference() -> str:
    """The whole document."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in CODES.items())
    found = list(_commands(typer.main.get_command(app), ("fairlead",)))
    local = [one for one in found if one.startswith(LOCAL_HEADING)]
    counting = [one for one in found if one.startswith(COUNTING_HEADINGS)]
    v1 = [one for one in found if one.startswith(IMPORT_HEADING)]
    cluster = [one for one in found if one not in (*local, *counting, *v1)]
    parts = ((CLUSTER, cluster), (LOCAL, local), (IMPORT, v1), (COUNTING, counting))
    return HEAD + codes + "".join(head + "".join(several) for head, several in parts)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield _described(command, path)
        return
    for name in inner:
        yield from _commands(inner[name], (*path, name))


def _described(command: Any, path: tuple[str, ...]) -> str:
    about = "\n".join(line.strip() for line in (command.help or "").strip().splitlines())
    example = (command.epilog or "").removeprefix("Example: ")
    rows = [_row(one) for one in command.params if one.name != "help"]
    table = "".join(("| Option | Meaning |\n", "|---|---|\n", *rows)) if rows else ""
    return f"\n### `{' '.join(path)}`\n\n{about}\n\n```sh\n{example}\n```\n\n{table}"


def _row(one: Any) -> str:
    option = one.param_type_name == "option"
    names = ", ".join(f"`{name}`" for name in one.opts) if option else f"`{one.name.upper()}`"
    choices = getattr(getattr(one, "type", None), "choices", ())
    values = (
        f" One of {', '.join(str(getattr(c, 'value', c)) for c in choices)}." if choices else ""
    )
    return f"| {names} | {one.help or ''}{values} |\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference())
