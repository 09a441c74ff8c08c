"""Where things lie inside the image, and on which paths user code finds them (contract §10)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List, Mapping, Optional, Sequence

APP_ROOT = "/var/azureml-app"
MODULE, MAIN = "entry_module", "main"  # the script's module; the latter where none is named
SHIMS = Path(__file__).resolve().parent / "shims"
PACKAGES = Path(__file__).resolve().parents[2] / "script-packages"  # what the shims need
STAND_INS = ("azureml", "azureml_inference_server_http")


class OwnFileError(Exception):
    """A file of the user's that we should go by cannot be used."""


@dataclass(frozen=True)
class Layout:
    """Absolute paths; ``source`` is the folder below the app root that scripts import from.

    ``module`` is the name under which the script is imported: scripts and pickles may know it.
    """

    app_root: Path
    script: Path
    source: Optional[Path]
    model_dir: Optional[Path]
    module: str = MODULE

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
        source = [self.source] if self.source else []
        return [self.app_root, *source, self.script.parent, SHIMS, PACKAGES]

    def as_json(self) -> Dict[str, Any]:
        return {name: value and str(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, texts: Mapping[str, Any]) -> Layout:
        paths = {name: text and Path(text) for name, text in texts.items()}
        return cls(**{**paths, "module": texts["module"]})


def read_layout(environ: Mapping[str, str]) -> Layout:
    root = Path(environ.get("AML_APP_ROOT") or APP_ROOT).absolute()
    script = environ.get("AZUREML_ENTRY_SCRIPT")
    source = environ.get("AZUREML_SOURCE_DIRECTORY")
    models = environ.get("AZUREML_MODEL_DIR")
    return Layout(
        app_root=root,
        script=root / (script or f"{MAIN}.py"),
        source=root / source if source else None,
        model_dir=Path(models).absolute() if models else None,
        module=MODULE if script else MAIN,
    )


def open_paths(layout: Layout) -> None:
    """Let user code import its own modules and, where nothing else has them, our stand-ins."""
    for path in map(str, layout.import_paths):
        if path not in sys.path:
            sys.path.append(path)
    sys.meta_path.append(StandIns())
    sys.meta_path.insert(0, OldDebugger())


class StandIns(MetaPathFinder):
    """Finds our part of a package where another part of it is installed.

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
        if not parents or parents[0] not in STAND_INS:
            return None
        return PathFinder.find_spec(fullname, [str(SHIMS.joinpath(*parents))], target)


class OldDebugger(MetaPathFinder):
    """Lets our stand-in for ``ptvsd`` go before the real one where that is too old and not needed.

    Its last version knows Python up to 3.8; with ``debugpy`` we answer its calls on any.
    """

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]],  # noqa: ARG002 - a top-level module has none
        target: Optional[ModuleType] = None,
    ) -> Optional[ModuleSpec]:
        if fullname != "ptvsd" or sys.version_info < (3, 9) or not find_spec("debugpy"):
            return None
        return PathFinder.find_spec(fullname, [str(SHIMS)], target)
