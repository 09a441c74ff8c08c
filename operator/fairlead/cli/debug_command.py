"""`fairlead debug`: a debugger attaches to a service of the cluster."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairlead.cli.cluster import Context, Namespace, Object, Session, Timeout, warn_of_git
from fairlead.cli.output import say
from fairlead.cli.progress import Progress
from fairlead.cli.told import finds

if TYPE_CHECKING:
    from fairlead.remote.debugging import DebuggedPod
    from fairlead.remote.targets import Target

debugging = typer.Typer(rich_markup_mode=None)
LOOK_S = 1.0  # seconds between two looks whether a debugger is attached
UNTOLD = (
    "Warning: the pod has not told that its debugger listens. If attaching fails, attach again; "
    "`fairlead logs {}` may say why."
)
MOVED = "The pod loads its source from {} now: attach once more, for breakpoints to be found there."
ON = "Debug mode stays on: `fairlead debug {} --off` ends it."


@debugging.command(epilog="Example: fairlead debug wsvc/credit")
@finds
def debug(  # noqa: PLR0913, PLR0917  (one for each option)
    service: Object,
    off: Annotated[bool, typer.Option("--off", help="End debug mode.")] = False,  # noqa: FBT002
    source_directory: Annotated[
        Path | None, typer.Option(help="Your folder of the source; else the current one.")
    ] = None,
    wait: Annotated[
        int, typer.Option(min=0, max=3600, help="Seconds that the script waits for a debugger.")
    ] = 30,
    namespace: Namespace = None,
    context: Context = None,
    timeout: Timeout = 900,
) -> None:
    """Let a debugger attach to a service, until ctrl-C.

    Switches spec.debug of the Webservice and of its InferenceImage on, forwards the port, writes
    .vscode/launch.json, and says when a debugger has attached. Never in production.
    """
    from fairlead.api.meta import WEBSERVICE
    from fairlead.remote.debugging import not_one_of_ours

    session = Session(namespace, context)
    target = session.target(service)
    if target.kind is not WEBSERVICE:
        raise not_one_of_ours(target)
    if off:
        _switch_off(session, target)
        return
    pod = _switched_on(session, target, wait, timeout)
    _forward(session, target, pod, source_directory or Path.cwd())


def _switched_on(session: Session, target: "Target", wait: int, timeout_s: float) -> str:
    """The pod that a debugger attaches to."""
    from fairlead.remote.debugging import debug_pod, image_of, is_on, switch_on
    from fairlead.remote.state import mapping
    from fairlead.remote.waiting import Watcher

    found = session.get(target)
    image, digest = image_of(found, target), ""
    with Progress(verbose=True) as progress:
        if image:
            known = session.get(image)
            if not is_on(known):
                warn_of_git(known)
                switch_on(session.client, image, {})
            progress.phase(f"Adding the debugger to {image.words}")
            look = Watcher(session.client, progress.write).ready([image], timeout_s)
            digest = str(mapping(look.manifests[0].get("status")).get("imageDigest") or "")
        if not is_on(found) or mapping(found["spec"]["debug"]).get("waitSeconds") != wait:
            warn_of_git(found)
            switch_on(session.client, target, {"waitSeconds": wait})
        progress.phase(f"Starting a replica of {target.words} in debug mode")
        return debug_pod(session.client, target, digest, timeout_s)


def _switch_off(session: Session, target: "Target") -> None:
    from fairlead.remote.debugging import image_of, switch_off

    found = session.get(target)
    warn_of_git(found)
    image = image_of(found, target)
    changed = [one for one in (target, image) if one and switch_off(session.client, one)]
    words = [f"Debug mode of {one.words} is off." for one in changed]
    say(words or [f"Debug mode of {target.words} was off."])


def _forward(session: Session, target: "Target", pod: str, source: Path) -> None:
    from fairlead.images.debugger import PORT
    from fairlead.local.ports import choose_debug_port
    from fairlead.remote.debugging import DebuggedPod
    from fairlead.remote.port_forward import PortForward

    client, port = session.client, choose_debug_port([])
    debugged = DebuggedPod(client, target, pod)
    with PortForward(client.access, target.namespace, pod, PORT, port=port) as forward:
        with Progress(verbose=True) as progress:
            progress.phase("Waiting until a debugger can attach")
            if not debugged.listens():
                progress.write(UNTOLD.format(target.spoken))
        configuration = _Configuration(target, source, forward.port)
        configuration.write(edited=debugged.state().edited)
        where = f"localhost:{forward.port} (VS Code: F5, '{configuration.name}')"
        say([f"Pod '{pod}': a debugger attaches at {where}."])
        try:
            _tell(debugged, configuration)
        finally:
            say([ON.format(target.spoken)])


class _Configuration:
    """Ours in `.vscode/launch.json`: where the pod has the source changes once it is edited."""

    def __init__(self, target: "Target", source: Path, port: int) -> None:
        self.name = f"Fairlead: {target.namespace}/{target.name}"
        self._source, self._port = source, port
        self._edited: bool | None = None

    def write(self, *, edited: bool) -> None:
        """Where it cannot be written, it is said what is to be put there."""
        from fairlead.cli.cluster import warn
        from fairlead.images.layout import APP_ROOT, EDITS
        from fairlead.local.errors import LocalError
        from fairlead.local.launch_json import entry
        from fairlead.local.workspace import local_root, workspace_of, write_configuration

        if edited is self._edited:
            return
        again, self._edited = self._edited is not None, edited
        workspace = workspace_of(self._source, Path.cwd(), Path.home())
        root = f"/{EDITS if edited else APP_ROOT}"
        wanted = entry(self.name, self._port, local_root(self._source, workspace), root)
        try:
            say([f"Written: {write_configuration(workspace, wanted)}"])
        except LocalError as error:
            warn(f"{error.finding.message} {error.finding.remedy}")
        if again:
            say([MOVED.format(root)])


def _tell(pod: "DebuggedPod", configuration: _Configuration) -> None:
    """Say whenever a debugger comes or goes, and whenever the source moves, until ctrl-C."""
    before = False
    while True:
        state = pod.state()
        now = state.attached
        if now is not None:
            configuration.write(edited=state.edited)
        if now is not None and now is not before:
            before = now
            say(["A debugger is attached." if now else "The debugger has left."])
        time.sleep(LOOK_S)
