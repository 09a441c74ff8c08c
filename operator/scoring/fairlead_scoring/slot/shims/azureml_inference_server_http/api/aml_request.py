"""``@rawhttp`` and the request of scripts that want raw HTTP."""

from typing import Any, Callable, TypeVar

from .framework import Request

__all__ = ["AMLRequest", "Request", "rawhttp"]  # what ``import *`` gives there

Run = TypeVar("Run", bound=Callable[..., Any])
_rawHttpRequested = False  # noqa: N816 - the name by which the server finds it, there and here


def rawhttp(func: Run) -> Run:
    """Ask for the request itself in place of its data. Any function's asking counts for all."""
    global _rawHttpRequested
    _rawHttpRequested = True
    return func


class AMLRequest(Request):  # type: ignore[misc]
    """For annotations: ``run()`` gets a request of the class above it, there and here."""
