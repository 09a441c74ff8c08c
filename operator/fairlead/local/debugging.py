"""A debugger for a local service: where it attaches, and whether it has."""

from collections.abc import Mapping
from pathlib import Path

from fairlead.images.layout import APP_ROOT
from fairlead.local.answers import is_debugger_attached
from fairlead.local.errors import LocalError
from fairlead.local.host import Log
from fairlead.local.launch_json import Entry, entry
from fairlead.local.origins import origins, source_folder
from fairlead.local.process import APP
from fairlead.local.service import LocalService, Mode
from fairlead.local.workspace import local_root, workspace_of, write_configuration


def configuration_name(service: str) -> str:
    """What an editor's list of configurations shows."""
    return f"Fairlead: {service}"


def configuration(
    service: LocalService, folder: Path, files: Mapping[str, bytes]
) -> tuple[Path, Entry]:
    """The workspace of the person's source, and the configuration for it. ``folder``: the
    service's own in the state folder."""
    known = origins(service.asked, files)
    source = source_folder(service.asked, service.entry_script, known)
    workspace = workspace_of(source, Path.cwd(), Path.home())
    remote = str(folder / APP) if service.mode is Mode.MACHINE else f"/{APP_ROOT}"
    name, port = configuration_name(service.name), service.debug_port or 0
    return workspace, entry(name, port, local_root(source, workspace), remote)


def write_launch_json(
    service: LocalService, folder: Path, files: Mapping[str, bytes], log: Log
) -> str | None:
    """Write the configuration into the person's workspace; return where. Where that cannot be done,
    it is said what is to be put there: the service is debugged all the same."""
    workspace, wanted = configuration(service, folder, files)
    try:
        return str(write_configuration(workspace, wanted))
    except LocalError as error:
        log.write(f"Warning: {error.finding.message} {error.finding.remedy}")
        return None


class DebuggerWatch:
    """Whether a debugger is attached to a service that starts; it is said once. Of a service that
    none can attach to nobody asks."""

    def __init__(self, service: LocalService, log: Log) -> None:
        self._service, self._log = service, log
        self._told = False

    def __call__(self) -> bool:
        if self._service.debug_port is None:
            return False
        attached = is_debugger_attached(self._service.port)
        if attached and not self._told:
            self._told = True
            self._log.phase("attached")
        return attached


def waiting_words(service: LocalService) -> str:
    """What is said while the script waits for a debugger."""
    name = configuration_name(service.name)
    return (
        f"Waiting {service.asked.debug_wait_s:g} s for a debugger at localhost:"
        f"{service.debug_port} (VS Code: F5, '{name}')"
    )
