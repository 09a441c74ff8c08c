"""What a model is, once its files are on disk: one file or one folder, and its digest.

Azure ML v1 keeps exactly one entry below ``<name>/<version>/`` and ``get_model_path`` returns it
: one file stays that file, several become a folder named after the model.
"""

from dataclasses import dataclass
from pathlib import Path

from fairlead.api.model import MlflowModel
from fairlead.api.reasons import Reason
from fairlead.images.hashes import folder_digest
from fairlead.sources.base import Digests, SourceError

IGNORED_NAMES = {"__MACOSX", ".DS_Store"}  # and ._files: what a Mac leaves in archives


@dataclass(frozen=True)
class ModelFile:
    """``name`` is relative to the folder of the version, ``/`` between folders."""

    name: str
    source: Path
    size: int
    digest: str


@dataclass(frozen=True)
class Content:
    """``entry`` is the one file or folder below ``azureml-models/<name>/<version>/``."""

    entry: str
    digest: str
    files: tuple[ModelFile, ...]
    origin: str = ""
    """Where it came from, if that says more than the address in the spec: a pinned revision."""
    mlflow: MlflowModel | None = None
    """What it says of itself, where it is a folder of MLflow."""

    @property
    def size(self) -> int:
        """Bytes, of all files together."""
        return sum(file.size for file in self.files)


def content_of(folder: Path, digests: Digests, model_name: str) -> Content:
    """Return what the files in ``folder`` are as a model. Raises ``SourceError`` (ModelEmpty)."""
    names = sorted(name for name in digests if not _is_clutter(name))
    sizes = {name: (folder / name).stat().st_size for name in names}
    if not any(sizes.values()):
        holds = "nothing but empty files" if names else "no file"
        message = f"The source holds {holds}."
        raise SourceError(Reason.MODEL_EMPTY, message, "See what spec.source stands for.")
    tops = {name.partition("/")[0] for name in names}
    prefix = "" if len(tops) == 1 else f"{model_name}/"
    entry = model_name if prefix else next(iter(tops))
    files = tuple(
        ModelFile(f"{prefix}{name}", folder / name, sizes[name], digests[name]) for name in names
    )
    return Content(entry, _digest(entry, files), files)


def _digest(entry: str, files: tuple[ModelFile, ...]) -> str:
    """One file: its own digest. A folder: that of the files below it, whatever it is called."""
    if files[0].name == entry:
        return files[0].digest
    return folder_digest({file.name.removeprefix(f"{entry}/"): file.digest for file in files})


def _is_clutter(name: str) -> bool:
    return any(part in IGNORED_NAMES or part.startswith("._") for part in name.split("/"))
