"""A ConfigMap's keys are files, as many as a source may have."""

import base64

import pytest

from fairlead.api.reasons import Reason
from fairlead.errors import StalledError
from fairlead.observe.config_maps import MAX_FILES, files_of


def test_every_key_is_a_file() -> None:
    encoded = base64.b64encode(b"\xff").decode()
    manifest = {"metadata": {"name": "a"}, "data": {"b": "é"}, "binaryData": {"c": encoded}}
    assert files_of(manifest) == {"b": "é".encode(), "c": b"\xff"}
    assert files_of({"metadata": {"name": "a"}, "data": None}) == {}


def test_a_config_map_of_too_many_keys_is_told() -> None:
    data = {str(number): "" for number in range(MAX_FILES)}
    assert len(files_of({"metadata": {"name": "a"}, "data": data})) == MAX_FILES
    with pytest.raises(StalledError) as refusal:
        files_of({"metadata": {"name": "a"}, "data": data, "binaryData": {"x": ""}})
    assert refusal.value.reason is Reason.SOURCE_TOO_LARGE
    assert str(refusal.value) == ("ConfigMap 'a' has 501 keys; a source has at most 500 files.")
