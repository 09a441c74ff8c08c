"""A workspace without a cluster: models and environments in the state folder of this machine."""

import filecmp
import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fairlead.azureml.exceptions import UnsupportedError, WebserviceException
from fairlead.azureml.model_tree import files_of
from fairlead.azureml.names import object_name
from fairlead.azureml.store import ModelRecord, Registration, Versions

RECORD, CONTENT = "model.json", "content"
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


class FolderStore:
    """``Store`` on this machine: ``models/<name>/<version>/{model.json,content/<file or folder>}``.

    Registering copies, as in v1: what is changed afterwards is another version.
    """

    def __init__(self, folder: Path) -> None:
        self._models = folder / "models"
        self._environments = folder / "environments"

    def register(self, wanted: Registration) -> ModelRecord:
        if wanted.path is None:
            raise UnsupportedError(
                f"Registering {wanted.uri} without a cluster",
                "Download it, and register the file; in a cluster it is fetched there.",
            )
        known = [record for record in self.models() if record.name == wanted.name]
        newest = known[-1] if known else None
        if newest and newest.path and _same(newest.path, wanted.path):
            record = _described(newest, wanted)
            self._keep(record)
            return record
        version = newest.version + 1 if newest else 1
        return self._added(wanted, version)

    def models(self) -> Sequence[ModelRecord]:
        found = [record for path in self._models.glob(f"*/*/{RECORD}") for record in _read(path)]
        return sorted(found, key=lambda one: (one.name, one.version))

    def fetch(self, record: ModelRecord, folder: Path, *, replace: bool) -> Path:
        if record.path is None:
            raise WebserviceException(f"The files of model '{record.name}' are not there.")
        target = folder / record.path.name
        check_target(target, replace=replace)
        return copied(record.path, target)

    def describe(
        self, record: ModelRecord, tags: Mapping[str, str], properties: Mapping[str, str], text: str
    ) -> None:
        self._keep(
            ModelRecord(
                **{**vars(record), "tags": tags, "properties": properties, "description": text}
            )
        )

    def forget(self, record: ModelRecord, *, whole: bool) -> None:
        del whole  # each version is there by itself
        folder = self._folder(record.name, record.version)
        shutil.rmtree(folder, ignore_errors=True)

    def environments(self) -> Mapping[str, Versions]:
        found = dict[str, Versions]()
        for path in sorted(self._environments.glob("*.json")):
            content = json.loads(path.read_text())
            found[content["name"]] = content["versions"]
        return found

    def keep_environment(self, name: str, version: str, content: Mapping[str, Any]) -> None:
        versions = {**self.environments().get(name, {}), version: dict(content)}
        path = self._environments / f"{object_name(name)}.json"
        _write(path, {"name": name, "versions": versions})

    def _added(self, wanted: Registration, version: int) -> ModelRecord:
        source = wanted.path
        if source is None:
            raise AssertionError
        folder = self._folder(wanted.name, version)
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".registering-") as work:
            copied(source, Path(work, CONTENT, source.name))
            Path(work).rename(folder)
            Path(work).mkdir()  # for the context to remove
        made = ModelRecord(
            name=wanted.name,
            version=version,
            resource=object_name(wanted.name),
            created_at=datetime.now(UTC).replace(microsecond=0),
            path=folder / CONTENT / source.name,
        )
        record = _described(made, wanted)
        self._keep(record)
        return record

    def _keep(self, record: ModelRecord) -> None:
        content = {key: value for key, value in vars(record).items() if key != "path"}
        content["tags"], content["properties"] = dict(record.tags), dict(record.properties)
        created = record.created_at
        content["created_at"] = created.isoformat() if created else None
        _write(self._folder(record.name, record.version) / RECORD, content)

    def _folder(self, name: str, version: int) -> Path:
        return self._models / object_name(name) / str(version)


def check_target(target: Path, *, replace: bool) -> None:
    """Raise ``WebserviceException`` where something is there that is not to be replaced."""
    if not replace and (target.exists() or target.is_symlink()):
        raise WebserviceException(
            f"{target} exists: give exist_ok=True to replace it, or another target_dir."
        )


def copied(source: Path, target: Path) -> Path:
    """A copy of the file or the folder; what was there before is replaced.

    Raises ``WebserviceException`` for a link out of the folder, before anything is copied.
    """
    files = files_of(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=_all_files_but(frozenset(files)))
    else:
        shutil.copy2(source, target)
    return target


def _all_files_but(kept: Collection[Path]) -> Callable[[str, list[str]], list[str]]:
    """What ``copytree`` leaves out: the files that are not among these."""

    def left_out(place: str, names: list[str]) -> list[str]:
        paths = (Path(place, name) for name in names)
        return [one.name for one in paths if not one.is_dir() and one not in kept]

    return left_out


def _described(record: ModelRecord, wanted: Registration) -> ModelRecord:
    """What is not given stays; properties are added to."""
    said = ("framework", "framework_version", "description", "tags")
    given = {name: getattr(wanted, name) for name in said if getattr(wanted, name) is not None}
    properties = {**record.properties, **(wanted.properties or {})}
    return ModelRecord(**{**vars(record), **given, "properties": properties})


def _read(path: Path) -> Iterator[ModelRecord]:
    """Nothing where the record is not whole: somebody else is about to write it."""
    if not _VERSION.fullmatch(path.parent.name):
        return
    try:
        content = json.loads(path.read_text())
        inside = next(iter((path.parent / CONTENT).iterdir()), None)
        created = content.pop("created_at")
        at = datetime.fromisoformat(created) if created else None
        yield ModelRecord(**content, created_at=at, path=inside)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"{path} cannot be read ({type(error).__name__}): remove its folder."
        raise WebserviceException(message) from error


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Whole, or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(json.dumps(content, indent=2))
    draft.replace(path)


def _same(one: Path, other: Path) -> bool:
    """Whether they hold the same under the same name."""
    if one.name != other.name or one.is_dir() != other.is_dir():
        return False
    return _same_folders(one, other) if one.is_dir() else filecmp.cmp(one, other, shallow=False)


def _same_folders(one: Path, other: Path) -> bool:
    names = {path.relative_to(one) for path in files_of(one)}
    if names != {path.relative_to(other) for path in files_of(other)}:
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)
