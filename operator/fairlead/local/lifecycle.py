"""Deploy, reload, update and delete local services."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from fairlead.api.webservice import Probes
from fairlead.desired.deployment import authenticated
from fairlead.evidence import PodContext
from fairlead.finding import listed
from fairlead.images.hashes import code_hash, file_digests
from fairlead.local.answers import reload_script
from fairlead.local.asked import Asked
from fairlead.local.debugging import DebuggerWatch, waiting_words, write_launch_json
from fairlead.local.deployment import Wanted
from fairlead.local.edits import check_nothing_lost
from fairlead.local.errors import LocalError
from fairlead.local.host import Keeper, Log
from fairlead.local.hosts import keeper_of, maker_of
from fairlead.local.places import Places, held
from fairlead.local.ports import choose_debug_port, choose_port, is_free, port_taken
from fairlead.local.preparation import Prepared, check_source, prepare, read_asked
from fairlead.local.readiness import await_ready, load_again
from fairlead.local.service import LocalService, Mode, Services, failure_of
from fairlead.settings import Settings


class Change(StrEnum):
    """What a reload did."""

    RELOADED = "reloaded"
    UNCHANGED = "unchanged"
    STARTED = "started"


@dataclass(frozen=True)
class Reloaded:
    change: Change
    left: tuple[str, ...] = ()
    """Files that have changed, too, and that only `update` takes."""


class Lifecycle:
    """``log`` is told what is done. ``discard``: edits that were not committed may be lost."""

    def __init__(
        self, places: Places, settings: Settings, log: Log, *, discard: bool = False
    ) -> None:
        self._discard = discard
        self._places = places
        self._settings = settings
        self._log = log
        self.services = Services(places)

    def deploy(self, asked: Asked, mode: Mode, port: int | None) -> LocalService:
        """Make the service and wait until it is ready; one of the same name is replaced.

        Raises ``LocalError``. A service that does not come up stays, with its log.
        """
        wanted = read_asked(asked)
        with held(self._places.service(wanted.name)):
            return self._deployed(asked, wanted, mode, port)

    def update(
        self, name: str | None, change: Callable[[Asked], Asked], port: int | None = None
    ) -> LocalService:
        """Read all of its files again: models, environment, settings. Raises ``LocalError``."""
        with self._held(self.services.only(name).name) as service:
            asked = change(service.asked).model_copy(update={"service": service.name})
            return self._deployed(asked, read_asked(asked), service.mode, port)

    def reload(self, name: str | None) -> Reloaded:
        """Give a service that runs its changed source, without a dropped request.

        Raises ``LocalError``: then what was loaded before serves on.
        """
        with self._held(self.services.only(name).name) as service:
            asked = service.asked.model_copy(update={"service": service.name})
            wanted = read_asked(asked)
            check_source(wanted, self._settings)
            folder = self._places.service(service.name)
            if self._keeper(service.mode).ended(service, folder):
                self._deployed(asked, wanted, service.mode, None)
                return Reloaded(Change.STARTED)
            return self._reloaded(service, wanted)

    def delete(self, name: str) -> None:
        """Nothing of it is left, and nothing that it alone needed. Raises ``LocalError``."""
        with self._held(self.services.get(name).name) as service:
            keeper = self._keeper(service.mode)
            keeper.stop(service, self._places.service(name))
            self.services.forget(name)
            keeper.forget(service, tuple(self.services.all()))

    @contextmanager
    def _held(self, name: str) -> Iterator[LocalService]:
        """Yield the service as it is once no other command works on it: until then the process or
        the container may have been replaced. Raises ``LocalError``: it is gone."""
        with held(self._places.service(name)):
            yield self.services.get(name)

    def _deployed(self, asked: Asked, wanted: Wanted, mode: Mode, port: int | None) -> LocalService:
        before = self.services.find(wanted.name)
        if before:
            self._check_edits(before, wanted)
        port = self._port(port, wanted.name, before)
        self._log.phase("files")
        prepared = prepare(wanted, self._places, self._settings)
        prepared = replace(prepared, debugger=asked.debug)
        for warning in prepared.warnings:
            self._log.write(f"Warning: {warning}")
        return self._replaced(asked, mode, port, prepared, before)

    def _reloaded(self, service: LocalService, wanted: Wanted) -> Reloaded:
        left, code = _changed(service, wanted), _code(wanted)
        if code == service.code:
            return Reloaded(Change.UNCHANGED, left)
        self._check_edits(service, wanted)
        self._log.phase("reload")
        keeper, folder = self._keeper(service.mode), self._places.service(service.name)
        keeper.put_code(service, folder, wanted.files)
        load_again(service, context(service, wanted), reload_script)
        given = {"code": code, "source": file_digests(wanted.files), "failure": None}
        self.services.keep(service.model_copy(update=given))
        return Reloaded(Change.RELOADED, left)

    def _check_edits(self, service: LocalService, wanted: Wanted) -> None:
        """Raise ``LocalError`` where an edit would be lost: a service that has ended has none."""
        keeper, folder = self._keeper(service.mode), self._places.service(service.name)
        if not self._discard and not keeper.ended(service, folder):
            check_nothing_lost(service, keeper.source(service, folder), wanted.files)

    def _port(self, asked: int | None, name: str, before: LocalService | None) -> int:
        """A service that is replaced keeps its port, and gives it up to itself."""
        if before and asked in (None, before.port):
            return before.port
        taken = [service.port for service in self.services.all() if service.name != name]
        return choose_port(asked, taken)

    def _debug_port(self, asked: Asked, before: LocalService | None) -> int | None:
        """A service that is replaced keeps it: what an editor knows of it stays true."""
        if not asked.debug:
            return None
        if before and before.debug_port and is_free(before.debug_port):
            return before.debug_port
        others = [
            service for service in self.services.all() if service.name != (before and before.name)
        ]
        return choose_debug_port([service.debug_port for service in others if service.debug_port])

    def _check_port(self, service: LocalService) -> None:
        """It may have been taken while the environment was made, or while none of ours had it."""
        if not is_free(service.port):
            error = port_taken(service.port)
            self.services.keep(service.model_copy(update={"failure": failure_of(error)}))
            raise error

    def _replaced(
        self, asked: Asked, mode: Mode, port: int, prepared: Prepared, before: LocalService | None
    ) -> LocalService:
        wanted, maker = prepared.wanted, maker_of(mode, self._places, self._settings)
        folder = self._places.service(wanted.name)
        environment = maker.make(prepared, self._log)
        if before:
            self._keeper(before.mode).stop(before, folder)
        service = LocalService(
            name=wanted.name,
            mode=mode,
            port=port,
            debug_port=self._debug_port(asked, before),
            asked=asked,
            created_at=datetime.now(UTC).replace(microsecond=0),
            entry_script=wanted.image.entry_script,
            environment=environment,
            code=_code(wanted),
            inputs=_inputs(wanted),
            source=file_digests(wanted.files),
            models=tuple(f"{model.name}:{model.version}" for model in prepared.models),
            differences=differences(prepared, mode),
            startup_budget_s=(wanted.service.probes or Probes()).initial_delay_seconds,
        )
        self.services.keep(service)
        self._check_port(service)
        if service.debug_port is not None:
            path = write_launch_json(service, folder, wanted.files, self._log)
            service = service.model_copy(update={"launch_json": path})
        service = maker.start(prepared, service, folder, self._log)
        self.services.keep(service)
        self._await(service, wanted)
        if before and (before.mode, before.environment) != (mode, environment):
            others = tuple(self.services.all())
            self._keeper(before.mode).forget(before, others)
        return service

    def _keeper(self, mode: Mode) -> Keeper:
        return keeper_of(mode, self._places)

    def _await(self, service: LocalService, wanted: Wanted) -> None:
        keeper, folder = self._keeper(service.mode), self._places.service(service.name)
        if service.debug_port is not None:
            self._log.phase(waiting_words(service))
        held = DebuggerWatch(service, self._log)
        try:
            await_ready(keeper, service, folder, context(service, wanted), held=held)
        except LocalError as error:
            self.services.keep(service.model_copy(update={"failure": failure_of(error)}))
            raise


def context(service: LocalService, wanted: Wanted) -> PodContext:
    """What a diagnosis is told of the service."""
    limits = wanted.service.resources.limits if wanted.service.resources else None
    return PodContext(
        webservice=service.name,
        inference_image=wanted.image_name,
        image=service.image or "",
        memory_limit=limits.memory if limits else None,
        startup_budget=service.startup_budget_s,
    )


def differences(prepared: Prepared, mode: Mode) -> tuple[str, ...]:
    """What a pod of the cluster has, and this service has not."""
    wanted, told = prepared.wanted, list[str]()
    if wanted.service.volumes:
        told.append("the volumes of spec.volumes are not mounted")
    if wanted.service.fronted:
        told.append("requests come to it directly: there is no front")
    if authenticated(wanted.service_object):
        told.append("no key is asked for (in the cluster spec.auth is on)")
    if mode is Mode.CONTAINER:
        return tuple(told)
    told.append("it runs as you, on this machine's libraries, with no limit of CPU or memory")
    told.append(f"its packages are for this machine's Python, not for {prepared.recipe.base_image}")
    if prepared.recipe.steps.strip():
        told.append(f"{prepared.recipe.steps_file} is not carried out")
    return tuple(told)


def _code(wanted: Wanted) -> str:
    return code_hash(file_digests(wanted.files), wanted.image.entry_script)


def _inputs(wanted: Wanted) -> dict[str, str]:
    """The files that decide the environment, with their digests."""
    spec = wanted.image
    names = [spec.conda_file or "", spec.requirements_file or "", spec.docker_file or ""]
    return file_digests({name: wanted.files[name] for name in names if name in wanted.files})


def _changed(service: LocalService, wanted: Wanted) -> tuple[str, ...]:
    now = _inputs(wanted)
    return tuple(sorted(name for name, digest in now.items() if service.inputs.get(name) != digest))


def left_words(left: tuple[str, ...], name: str) -> str:
    """What is said of files that a reload does not take."""
    verb = "has" if len(left) == 1 else "have"
    return f"{listed(left)} {verb} changed, too: `fairlead local update {name}` takes that."
