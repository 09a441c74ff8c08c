import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.deep_json import MAX_LEVELS, read_json, without_depth

LEVELS = [1000, 3000, 9999]  # the API server takes up to 10 000


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def depth(value: Any) -> int:
    level, inner = 0, value
    while isinstance(inner, dict | list) and inner:
        level, inner = level + 1, inner["a"] if isinstance(inner, dict) else inner[0]
    return level


@pytest.mark.parametrize("levels", LEVELS)
def test_what_is_too_deep_hides_nothing_else(levels: int) -> None:
    page = b'{"items":[{"metadata":%s},{"name":"other"}],"end":true}' % nested(levels)
    read = read_json(page)
    assert (read["items"][1], read["end"]) == ({"name": "other"}, True)
    assert depth(read["items"][0]["metadata"]) < MAX_LEVELS


@pytest.mark.parametrize("levels", LEVELS)
def test_lists_in_lists_are_cut_like_maps(levels: int) -> None:
    assert depth(read_json(b"[" * levels + b"]" * levels)) == MAX_LEVELS


def test_brackets_in_strings_are_text() -> None:
    text = {"x": '}]{["\\', "deep": 1, "y": ["\\\\", '\\"}']}
    deep = json.dumps(text).encode().replace(b"1", nested(2000), 1)
    read = read_json(deep)
    assert {**read, "deep": 1} == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_not_too_deep_is_left_as_it_is(document: Any) -> None:
    content = json.dumps(document).encode()
    assert without_depth(content) == content
    assert read_json(content) == document


@pytest.mark.parametrize("content", [b"", b"{", b'{"a":' * 3000, b"}" * 3000, b'"' * 3000])
def test_what_is_no_json_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Extra"):
        read_json(content)


def test_it_is_cut_in_linear_time() -> None:
    page = b"[" + b",".join([nested(9000)] * 20) + b"]"
    begun = time.process_time()
    assert len(read_json(page)) == 20
    assert time.process_time() - begun < 2
