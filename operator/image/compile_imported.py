"""Compile what the operator and its tasks import, and no more: run once, as the image is built.

What only the tasks have lies in a folder of its own, and is compiled there.
"""

import importlib
import pkgutil
import sys

import pip._internal.cli.main  # noqa: F401 - tasks run pip

import fairlead

LATE = ("google.auth.identity_pool", "google.oauth2.credentials", "google.oauth2.service_account")
"""What a task imports only where it is used."""
ON_A_PERSONS_MACHINE = tuple(f"fairlead.{name}." for name in ("azureml", "cli", "local", "remote"))
"""No part of what runs in a cluster, nor are the packages that some of it is made of."""

sys.path.append("/opt/tasks")
for module in pkgutil.walk_packages(fairlead.__path__, "fairlead."):
    if module.name.startswith(ON_A_PERSONS_MACHINE):
        continue
    importlib.import_module(module.name)  # and its bytecode is written
for late in LATE:
    importlib.import_module(late)
sys.stdout.write(f"{len(sys.modules)} modules are compiled.\n")
