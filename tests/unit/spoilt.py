"""Objects with parts replaced by what nobody expects there, for property tests."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

WORDS = (
    "",
    "x",
    "x" * 5000,
    "\n",
    "\x00",
    "Sideways",  # no value of any enumeration
    "-1",
    "1e400",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-11-22T10:00:00",  # without a zone
    "../../etc",
    "sha256:1",
    "a/b:c@d",
)
SCALARS = st.one_of(
    st.sampled_from([None, True, False, -1, 0, 1, 2**31, 2**63 - 1, 1.5]),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
JSON: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(max_size=8), SCALARS, max_size=3),
    st.lists(st.dictionaries(st.text(max_size=8), SCALARS, max_size=3), max_size=3),
)
MAX_SPOILT = 3
Place = tuple[Any, Any]
"""A container, and the key or index of one of its parts."""


def places(value: Any) -> Iterator[Place]:
    """Every part of a JSON value, at any depth."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with none to three of its parts replaced, removed or repeated."""
    whole = {"value": copy.deepcopy(value)}
    for _ in range(draw(st.integers(0, MAX_SPOILT))):
        found = list(places(whole))
        container, key = found[draw(st.integers(0, len(found) - 1))]
        what = draw(st.sampled_from(["replace", "replace", "remove", "repeat"]))
        if what == "replace" or container is whole:
            container[key] = draw(JSON)
        elif what == "remove":
            del container[key]
        elif isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        else:
            container[draw(st.text(min_size=1, max_size=8))] = copy.deepcopy(container[key])
    return whole["value"]
