"""Where the files of a source lie in the folder of the person who wrote them."""

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath

from fairlead.local.asked import Asked
from fairlead.local.files import IGNORED
from fairlead.local.plain_files import FILE_FIELDS

MAX_SEARCHED = 20_000  # files below the folder of manifests
MAX_FILE_BYTES = 8 * 1024 * 1024  # a ConfigMap has less


def origins(asked: Asked, files: Mapping[str, bytes]) -> dict[str, Path]:
    """The path of each file. Of manifests: a file beside them, of the same name and content, from
    which a ConfigMap was made; what stands in a manifest itself has none."""
    if not asked.from_manifests:
        return _plain(asked, files)
    found = dict[str, Path]()
    for path in islice(_below(manifest_folders(asked)), MAX_SEARCHED):
        for name, content in files.items():
            same_name = PurePosixPath(name).name == path.name
            if same_name and name not in found and _has(path, content):
                found[name] = path
    return found


def source_folder(asked: Asked, script: str, known: Mapping[str, Path]) -> Path:
    """The folder that the app root of the service is, for a person."""
    if asked.source_directory:
        return Path(asked.source_directory)
    if script in known:
        depth = len(PurePosixPath(script).parts)
        return known[script].parents[depth - 1]
    return next(manifest_folders(asked), Path.cwd())


def manifest_folders(asked: Asked) -> Iterator[Path]:
    if asked.kustomization:
        yield Path(asked.kustomization)
    for given in map(Path, asked.manifests):
        yield given if given.is_dir() else given.parent


def _plain(asked: Asked, files: Mapping[str, bytes]) -> dict[str, Path]:
    root = Path(asked.source_directory) if asked.source_directory else None
    found = {name: root / name for name in files} if root else {}
    for option in FILE_FIELDS:
        given = getattr(asked, option)
        if given is not None:
            path = Path(given)
            inside = root is not None and path.is_relative_to(root)
            found[path.relative_to(root).as_posix() if root and inside else path.name] = path
    return {name: path for name, path in found.items() if name in files}


def _below(folders: Iterator[Path]) -> Iterator[Path]:
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner[:] = sorted(name for name in inner if name not in IGNORED)
            yield from (Path(place, name) for name in sorted(names))


def _has(path: Path, content: bytes) -> bool:
    try:
        size = path.stat().st_size if path.is_file() else -1
        return size == len(content) <= MAX_FILE_BYTES and path.read_bytes() == content
    except OSError:
        return False
