"""Starts a slot, by path: loads this folder as a package that user code cannot stumble over."""

import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PACKAGE = "_fairlead_slot"


def load_package() -> None:
    """Make this folder importable under a private name, and only there."""
    if sys.path and Path(sys.path[0]).resolve() == FOLDER:
        del sys.path[0]  # Python puts the folder of the program there
    spec = importlib.util.spec_from_file_location(
        PACKAGE, str(FOLDER / "__init__.py"), submodule_search_locations=[str(FOLDER)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{FOLDER} is not the package it should be")
    package = sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    load_package()
    program = importlib.import_module(f"{PACKAGE}.program")
    sys.exit(program.main(*map(int, sys.argv[1:])))
