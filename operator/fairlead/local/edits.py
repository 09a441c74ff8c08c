"""What was changed in a service that runs, and not in the person's folder: found, put, made
permanent."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.evidence import PodContext
from fairlead.finding import listed, shown
from fairlead.images.hashes import code_hash, file_digests
from fairlead.local.diffs import changed_names
from fairlead.local.errors import LocalError, refusal
from fairlead.local.host import Keeper
from fairlead.local.hosts import keeper_of
from fairlead.local.origins import origins, source_folder
from fairlead.local.places import Places, held
from fairlead.local.preparation import read_asked
from fairlead.local.readiness import load_again
from fairlead.local.scoring import not_running
from fairlead.local.service import LocalService, Services

NEW_SUFFIX = ".py"  # what else a script has written beside itself is no edit
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Pending:
    """Edits that are in no file of the person's. ``paths``: where each belongs; ``before``: what is
    there now, without those that are not there. ``conflicts``: changed there, too, since then."""

    files: Files
    before: Files
    paths: Mapping[str, Path]
    conflicts: tuple[str, ...]


class Edits:
    """Of the services of this machine. All of it raises ``LocalError``."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.services = Services(places)

    def running(self, name: str | None) -> tuple[LocalService, Files]:
        """A service, and the source that it has now."""
        service = self.services.only(name)
        keeper, folder = self._keeper(service), self._places.service(service.name)
        if keeper.ended(service, folder):
            raise not_running(service, "it has ended")
        return service, keeper.source(service, folder)

    def put(self, service: LocalService, before: Files, after: Files) -> None:
        """Replace ``before``, which the service had, by ``after``, and have it loaded."""
        with held(self._places.service(service.name)):
            now, running = self.running(service.name)
            moved = [
                one for one in changed_names(before, after) if running.get(one) != before.get(one)
            ]
            if moved:
                raise _overtaken(service.name, moved)
            gone = before.keys() - after.keys()
            kept = {name: content for name, content in running.items() if name not in gone}
            whole = {**kept, **after}
            self._keeper(now).put_code(now, self._places.service(now.name), whole)
            load_again(now, about_service(now))
            self.services.keep(now.model_copy(update={"failure": None}))

    def pending(self, service: LocalService, running: Files) -> Pending:
        """What a commit would write."""
        wanted = read_asked(service.asked.model_copy(update={"service": service.name}))
        files = edited_files(service, running)
        files = {
            name: content for name, content in files.items() if wanted.files.get(name) != content
        }
        before = {name: wanted.files[name] for name in files if name in wanted.files}
        now = file_digests(before)
        return Pending(
            files=files,
            before=before,
            paths=_places_of(service, files, wanted.files),
            conflicts=tuple(name for name in before if now[name] != service.source.get(name)),
        )

    def commit(self, service: LocalService, pending: Pending) -> None:
        """Write the edits to the person's files: each whole, or not at all."""
        targets = {name: _target(path, service) for name, path in pending.paths.items()}
        with held(self._places.service(service.name)):
            for name, content in pending.files.items():
                write_whole(targets[name], content)
            now = self.services.get(service.name)
            source = {**now.source, **file_digests(pending.files)}
            code = code_hash(source, now.entry_script)
            self.services.keep(now.model_copy(update={"source": source, "code": code}))

    def _keeper(self, service: LocalService) -> Keeper:
        return keeper_of(service.mode, self._places)


def edited_files(service: LocalService, running: Files) -> Files:
    """Those that are not as the service was given them, and new modules. Of a service of an earlier
    version nothing is known."""
    given, now = service.source, file_digests(running)
    return {
        name: running[name]
        for name, digest in now.items()
        if given and given.get(name, "" if name.endswith(NEW_SUFFIX) else digest) != digest
    }


def check_nothing_lost(service: LocalService, running: Files, wanted: Files) -> None:
    """Raise ``LocalError`` where edits would be replaced that are nowhere else."""
    files = edited_files(service, running)
    lost = sorted(name for name, content in files.items() if wanted.get(name) != content)
    if lost:
        verb = "was" if len(lost) == 1 else "were"
        raise refusal(
            Reason.EDITS_NOT_COMMITTED,
            f"{listed([shown(one) for one in lost])} {verb} edited in '{service.name}', and is in "
            "no file of yours.",
            f"`fairlead commit {service.name}` writes it to your folder; --discard drops it.",
        )


def about_service(service: LocalService) -> PodContext:
    """What a diagnosis is told of it."""
    name = service.name
    return PodContext(name, name, service.image or "", None, service.startup_budget_s)


def _overtaken(name: str, files: list[str]) -> LocalError:
    message = f"{listed([shown(one) for one in files])} of '{name}' has changed meanwhile."
    remedy = f"See what it is now (fairlead edit {name}), and put your change there."
    return refusal(Reason.EDITS_NOT_COMMITTED, message, remedy)


def _places_of(service: LocalService, files: Files, wanted: Files) -> dict[str, Path]:
    known = origins(service.asked, wanted)
    folder = source_folder(service.asked, service.entry_script, known)
    lost = [name for name in files if name in wanted and name not in known]
    if lost:
        raise refusal(
            Reason.FILE_NOT_FOUND,
            f"{listed([shown(one) for one in lost])} of '{service.name}' stands in a manifest, and "
            "in no file beside it.",
            "Put the change into the manifest by hand: the diff says what it is.",
        )
    return {name: known.get(name, folder / name) for name in files}


def _target(path: Path, service: LocalService) -> Path:
    """The file itself, links followed: what leads out of the person's folders is not written."""
    found = path.resolve()
    allowed = _folders(service)
    if not any(found.is_relative_to(folder) for folder in allowed):
        raise refusal(
            Reason.FILE_UNREADABLE,
            f"{path} is a link that leads to {found}, out of your folder: nothing was written.",
            "Put the change there by hand, or copy the file into your folder.",
        )
    return found


def _folders(service: LocalService) -> list[Path]:
    asked = service.asked
    named = (asked.source_directory, asked.kustomization)
    folders = [Path(folder) for folder in named if folder]
    files = (asked.entry_script, asked.conda_file, asked.requirements_file, asked.docker_file)
    folders += [Path(file).parent for file in files if file]
    folders += [Path(one) if Path(one).is_dir() else Path(one).parent for one in asked.manifests]
    return [folder.resolve() for folder in folders]


def write_whole(path: Path, content: bytes) -> None:
    """The file is there as it was, or as it is to be, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        with draft.open("xb") as file:
            file.write(content)
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        os.replace(draft, path)  # noqa: PTH105  (the same call, and said to be atomic)
    finally:
        draft.unlink(missing_ok=True)
