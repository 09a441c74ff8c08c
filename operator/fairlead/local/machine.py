"""A local service as a process of this machine: no container, and so no limits."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePath

import psutil

from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.images.assembly import PROGRAM
from fairlead.images.layout import APP_ROOT, RUNTIME, model_folder
from fairlead.local.errors import refusal
from fairlead.local.host import HOST, LOG, TERMINATION_LOG, Log
from fairlead.local.places import Places, new_private
from fairlead.local.preparation import PlacedModel, Prepared
from fairlead.local.process import APP
from fairlead.local.service import LocalService
from fairlead.local.source import replace_files
from fairlead.local.variables import debugger_of, local_variables, moved
from fairlead.local.virtual_environment import (
    RUNTIME as RUNTIME_FOLDER,
)
from fairlead.local.virtual_environment import (
    Installation,
    VirtualEnvironment,
    clean_environment,
    make_environment,
)
from fairlead.settings import Settings


class Machine:
    """A ``Maker``."""

    def __init__(self, places: Places, settings: Settings) -> None:
        self._places = places
        self._settings = settings
        self._made: VirtualEnvironment | None = None

    def make(self, prepared: Prepared, log: Log) -> str:
        for model in prepared.models:
            check_apart(model, prepared.wanted.files)
        environments = self._places.environments
        local = {path: prepared.wanted.files[path] for path in prepared.recipe.local}
        wanted = Installation(prepared.recipe, self._settings, local, debugger=prepared.debugger)
        self._made = make_environment(wanted, environments, log)
        return self._made.hash

    def start(
        self, prepared: Prepared, service: LocalService, folder: Path, log: Log
    ) -> LocalService:
        made = self._made
        if made is None:
            raise RuntimeError("make() comes before start()")
        log.phase("start")
        app = folder / APP
        shutil.rmtree(app, ignore_errors=True)
        replace_files(app, prepared.wanted.files, keep=())
        for model in prepared.models:
            _link(model, app)
        (folder / TERMINATION_LOG).unlink(missing_ok=True)
        process = self._spawn(made, prepared, service, folder)
        started = psutil.Process(process.pid).create_time()
        fields = {"pid": process.pid, "started": started, "python": made.python}
        return service.model_copy(update=fields)

    def _spawn(
        self, made: VirtualEnvironment, prepared: Prepared, service: LocalService, folder: Path
    ) -> "subprocess.Popen[bytes]":
        debugger = debugger_of(service, HOST, service.debug_port)
        log = str(folder / TERMINATION_LOG)
        told = local_variables(prepared, service.port, HOST, log, debugger)
        own = moved(told, f"/{APP_ROOT}", str(folder / APP))
        environ = {**clean_environment(), **own, "HOME": str(Path.home())}
        environ["PATH"] = f"{made.program.parent}:{environ.get('PATH', os.defpath)}"
        runtime = str(made.folder / RUNTIME_FOLDER)
        program = [option.replace(f"/{RUNTIME}", runtime) for option in PROGRAM]
        with new_private(folder / LOG).open("wb") as out:
            return subprocess.Popen(
                [str(made.server), *program],
                cwd=folder / APP,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # it outlives this shell, and its ctrl-C
            )


def check_apart(model: PlacedModel, files: Iterable[str]) -> None:
    """Raise ``LocalError`` where a file of the source lies where the model goes."""
    inside = PurePath(_inside(model))
    for name in files:
        if PurePath(name).is_relative_to(inside) or inside.is_relative_to(name):
            message = f"The source has '{shown(name)}', and the model '{model.name}' goes there."
            raise refusal(Reason.INVALID_SPEC, message, "Take the file out of the source.")


def _inside(model: PlacedModel) -> str:
    """The model's folder, below the app root."""
    return model_folder(model.name, model.version).removeprefix(f"{APP_ROOT}/")


def _link(model: PlacedModel, app: Path) -> None:
    """The model's files are not copied: they may be large."""
    inside = _inside(model)
    for file in model.content.files:
        link = app / inside / file.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.source.absolute())
