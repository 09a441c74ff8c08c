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

sys.path.append("/opt/tasks")
for module in pkgutil.walk_packages(fairlead.__path__, "fairlead."):
    if module.name.startswith("fairlead.cli."):
        continue  # the command line is no part of the image, nor what it is made of
    importlib.import_module(module.name)  # and its bytecode is written
for late in LATE:
    importlib.import_module(late)
sys.stdout.write(f"{len(sys.modules)} modules are compiled.\n")
