"""Where things lie inside the image, and on which paths user code finds them."""

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

APP_ROOT = "/var/azureml-app"
SCRIPT_MODULE, DEFAULT_SCRIPT = "entry_module", "main"  # the latter where no script is named
SHIMS = Path(__file__).resolve().parent / "shims"
SCRIPT_PACKAGES = Path(__file__).resolve().parents[2] / "script-packages"  # what the shims need
DEBUGGER = Path(__file__).resolve().parents[2] / "debugger"  # debugpy, where that was asked for
SHIM_PACKAGES = ("azureml", "azureml_inference_server_http")


class UserFileError(Exception):
    """A file of the user's that configures the runtime cannot be used."""


class Layout(NamedTuple):
    """Absolute paths; ``source`` is the folder below the app root that scripts import from.

    ``module`` is the name under which the script is imported: scripts and pickles may know it.
    """

    app_root: Path
    script: Path
    source: Optional[Path]
    model_dir: Optional[Path]
    module: str = SCRIPT_MODULE

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
        """What is appended to ``sys.path``, in this order; our shims come last but for
        ``debugpy``, so that the user's own wins."""
        source = [self.source] if self.source else []
        return [self.app_root, *source, self.script.parent, SHIMS, SCRIPT_PACKAGES, DEBUGGER]

    def moved(self, root: Path) -> "Layout":
        """The same with another app root: what lay below the first lies below ``root``."""

        def below(path: Path) -> Path:
            inside = path == self.app_root or self.app_root in path.parents
            return root / path.relative_to(self.app_root) if inside else path

        source = below(self.source) if self.source else None
        return self._replace(app_root=root, script=below(self.script), source=source)

    def as_json(self) -> Dict[str, Any]:
        return {name: value and str(value) for name, value in self._asdict().items()}

    @classmethod
    def from_json(cls, texts: Mapping[str, Any]) -> "Layout":
        paths = {name: text and Path(text) for name, text in texts.items()}
        return cls(**{**paths, "module": texts["module"]})


def read_layout(environ: Mapping[str, str]) -> Layout:
    root = Path(environ.get("AML_APP_ROOT") or APP_ROOT).absolute()
    script = environ.get("AZUREML_ENTRY_SCRIPT")
    source = environ.get("AZUREML_SOURCE_DIRECTORY")
    models = environ.get("AZUREML_MODEL_DIR")
    return Layout(
        app_root=root,
        script=root / (script or f"{DEFAULT_SCRIPT}.py"),
        source=root / source if source else None,
        model_dir=Path(models).absolute() if models else None,
        module=SCRIPT_MODULE if script else DEFAULT_SCRIPT,
    )


def open_paths(layout: Layout) -> None:
    """Let user code import its own modules and, where nothing else has them, our shims."""
    for path in map(str, layout.import_paths):
        if path not in sys.path:
            sys.path.append(path)
    sys.meta_path.append(ShimFinder())
    sys.meta_path.insert(0, PtvsdFinder())


class ShimFinder:
    """Finds our shims of a package where another part of it is installed.

    ``sys.path`` alone is not enough: below an ``azureml`` that is not a namespace package Python
    looks no further than that package's own folder.
    """

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]],  # noqa: ARG002 - where the others have looked
        target: Optional[ModuleType] = None,
    ) -> Optional[ModuleSpec]:
        *parents, name = fullname.split(".")
        if not parents or parents[0] not in SHIM_PACKAGES:
            return None
        found = PathFinder.find_spec(fullname, [str(SHIMS.joinpath(*parents))], target)
        if found is None and parents == ["azureml", "core"] and not name.startswith("_"):
            explain = getattr(sys.modules.get("azureml.core.missing"), "missing", None)
            if explain:  # else it is not ours
                raise ModuleNotFoundError(explain(name), name=fullname)
        return found


class PtvsdFinder:
    """Finds our shim for ``ptvsd`` before the real one where that does not run and is not needed.

    Its last version supports Python up to 3.8; the shim translates its calls to ``debugpy``.
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
