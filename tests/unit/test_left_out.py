"""What is not ours to import."""

import importlib
import json
import sys

import pytest

from fairlead.left_out import leave_out


def test_what_is_left_out_counts_as_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "antigravity", json)  # so that it is forgotten afterwards
    del sys.modules["antigravity"]
    leave_out("antigravity")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("antigravity")


def test_what_has_been_imported_stays() -> None:
    leave_out("json")
    assert importlib.import_module("json") is json
