"""The file or the folder that a model is registered from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fairlead.azureml.exceptions import InvalidConfigurationError, ModelPathNotFoundException
from fairlead.azureml.folder_store import copied
from fairlead.azureml.store import Registration


def existing(model_path: str) -> Path:
    """Raises ``ModelPathNotFoundException``."""
    path = Path(model_path)
    if not path.exists():
        raise ModelPathNotFoundException(
            f'Error, provided model path "{model_path}" cannot be found. It is taken from '
            f"{Path.cwd()}."
        )
    return path.absolute()


@contextmanager
def chosen(wanted: Registration, child_paths: Sequence[str]) -> Iterator[Registration]:
    """With ``child_paths``, only these files and folders of the folder; while the context lasts.

    Raises ``InvalidConfigurationError`` and ``ModelPathNotFoundException``.
    """
    if not child_paths:
        yield wanted
        return
    if wanted.path is None or not wanted.path.is_dir():
        raise InvalidConfigurationError("child_paths goes with a model_path that is a folder.")
    with TemporaryDirectory(prefix="fairlead-model-") as work:
        folder = Path(work, wanted.path.name)
        for child in child_paths:
            source = wanted.path / child
            inside = source.resolve().is_relative_to(wanted.path.resolve())
            if not inside or not source.exists():
                raise ModelPathNotFoundException(
                    f'Error, provided child path "{child}" cannot be found'
                )
            copied(source, folder / source.relative_to(wanted.path))
        yield replace(wanted, path=folder)
