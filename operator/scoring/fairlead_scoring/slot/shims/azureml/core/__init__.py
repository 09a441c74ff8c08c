"""Fairlead's shim for ``azureml.core``: finding a model inside the image, nothing else.

It is the last place where Python looks, so the real package wins where it is installed.
"""

from __future__ import annotations

from .missing import missing
from .model import Model

__all__ = ["Model"]


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(missing(name))
