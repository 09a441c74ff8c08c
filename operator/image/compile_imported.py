"""Compile what the operator and its tasks import, and no more: run once, as the image is built.

What only the tasks have lies in a folder of its own, and is compiled there, as is what both have:
each image imports its own. Of the base image's own
modules what is compiled here, and was not there, is laid out for the image: official images of
Python bring no bytecode, and whoever cannot write would compile them again in each process, which
takes as long as a task.
"""

import importlib
import pkgutil
import py_compile
import shutil
import sys
from pathlib import Path

import pip._internal.cli.main  # tasks run pip

import fairlead

LATE = (
    "encodings.idna",
    "google.auth.identity_pool",
    "google.oauth2.credentials",
    "google.oauth2.service_account",
    "stringprep",
)
"""What a task imports only where it is used."""
ON_A_PERSONS_MACHINE = tuple(f"fairlead.{name}." for name in ("azureml", "cli", "local", "remote"))
"""No part of what runs in a cluster, nor are the packages that some of it is made of."""
OURS, TASKS = ("/opt/fairlead/", "/opt/tasks/"), Path("/opt/tasks")
SITE = Path(pip.__file__).parents[1]
IN_BASE = Path("/build/compiled-in-base")  # the names of all compiled files of the base image
LAID_OUT = Path("/compiled")  # what is to be added to them


def add(compiled: Path) -> None:
    """Lay out a compiled file, at its own path."""
    place = LAID_OUT / compiled.relative_to("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(compiled, place)


sys.path.append("/opt/tasks")
for module in pkgutil.walk_packages(fairlead.__path__, "fairlead."):
    if module.name.startswith(ON_A_PERSONS_MACHINE):
        continue
    importlib.import_module(module.name)  # and its bytecode is written
for late in LATE:
    importlib.import_module(late)
for imported in list(sys.modules.values()):
    source = Path(getattr(imported, "__file__", None) or "/")
    if source.suffix == ".py" and source.is_relative_to(SITE):
        twin = TASKS / source.relative_to(SITE)
        if twin.exists():
            py_compile.compile(str(twin), doraise=True)
LAID_OUT.mkdir()
in_base = set(IN_BASE.read_text().splitlines())
for imported in list(sys.modules.values()):
    cached = getattr(imported, "__cached__", None)
    if cached and not cached.startswith(OURS) and cached not in in_base and Path(cached).exists():
        add(Path(cached))
sys.stdout.write(f"{len(sys.modules)} modules are compiled.\n")
