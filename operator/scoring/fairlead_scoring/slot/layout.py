"""Where things lie inside the image, and on which paths user code finds them (contract §10)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import List, Mapping, Optional, Sequence

APP_ROOT = "/var/azureml-app"
ENTRY_SCRIPT = "main.py"
SHIMS = Path(__file__).resolve().parent / "shims"


@dataclass(frozen=True)
class Layout:
    """Absolute paths; ``source`` is the folder below the app root that scripts import from."""

    app_root: Path
    script: Path
    source: Optional[Path]
    model_dir: Optional[Path]

    @property
    def script_name(self) -> str:
        """The script as its owner knows it: ``score.py``."""
        outside = self.app_root not in self.script.parents
        return str(self.script if outside else self.script.relative_to(self.app_root))

    @property
    def models(self) -> Path:
        return self.app_root / "azureml-models"

    @property
    def import_paths(self) -> List[Path]:
        """What is appended to ``sys.path``, in this order; our stand-ins come last."""
        return [self.app_root, *filter(None, [self.source]), self.script.parent, SHIMS]


def read_layout(environ: Mapping[str, str]) -> Layout:
    root = Path(environ.get("AML_APP_ROOT") or APP_ROOT).absolute()
    source = environ.get("AZUREML_SOURCE_DIRECTORY")
    models = environ.get("AZUREML_MODEL_DIR")
    return Layout(
        app_root=root,
        script=root / (environ.get("AZUREML_ENTRY_SCRIPT") or ENTRY_SCRIPT),
        source=root / source if source else None,
        model_dir=Path(models).absolute() if models else None,
    )


def open_paths(layout: Layout) -> None:
    """Let user code import its own modules and, where nothing else has them, our stand-ins."""
    for path in map(str, layout.import_paths):
        if path not in sys.path:
            sys.path.append(path)
    sys.meta_path.append(StandIns())


class StandIns(MetaPathFinder):
    """Finds our part of ``azureml`` where another part of it is installed.

    ``sys.path`` alone is not enough: below an ``azureml`` that is not a namespace package Python
    looks no further than that package's own folder.
    """

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]],  # noqa: ARG002 - where the others have looked
        target: Optional[ModuleType] = None,
    ) -> Optional[ModuleSpec]:
        parents = fullname.split(".")[:-1]
        if parents[:1] != ["azureml"]:
            return None
        return PathFinder.find_spec(fullname, [str(SHIMS.joinpath(*parents))], target)
