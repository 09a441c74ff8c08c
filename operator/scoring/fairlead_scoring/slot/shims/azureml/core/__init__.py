"""Fairlead's shim for ``azureml.core``: finding a model inside the image, nothing else.

It is the last place where Python looks, so the real package wins where it is installed.
"""

import sys
from types import ModuleType

from .missing import missing
from .model import Model

__all__ = ["Model"]


class _OnlyModel(ModuleType):
    """A function ``__getattr__`` in the module itself does this from Python 3.7 on."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(missing(name))


sys.modules[__name__].__class__ = _OnlyModel
