"""What registries ask for, in all the ways that they write it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.registry.challenges import Challenge, challenges_in

BEARER = Challenge("bearer", {"realm": "https://a/token", "service": "s,t"})
BASIC = Challenge("basic", {"realm": 'R "1"'.replace('"', "")})


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        ('Bearer realm="https://a/token",service="s,t"', (BEARER,)),
        ('bearer realm="https://a/token", service="s,t"', (BEARER,)),
        ('Basic realm="R 1", Bearer realm="https://a/token",service="s,t"', (BASIC, BEARER)),
        ('Bearer realm="https://a/token",service="s,t", Basic realm="R 1"', (BEARER, BASIC)),
        ('Negotiate, Basic realm="R 1"', (Challenge("negotiate"), BASIC)),
        ("Basic realm=plain", (Challenge("basic", {"realm": "plain"}),)),
        ('Basic realm="a, Bearer realm=b"', (Challenge("basic", {"realm": "a, Bearer realm=b"}),)),
        (
            'Bearer realm="r",scope="repository:x:pull,push",error="insufficient_scope"',
            (
                Challenge(
                    "bearer",
                    {
                        "realm": "r",
                        "scope": "repository:x:pull,push",
                        "error": "insufficient_scope",
                    },
                ),
            ),
        ),
        ("Bearer realm", (Challenge("bearer"),)),
        ('realm="r"', ()),
    ],
)
def test_all_challenges_of_a_header_are_read(header: str, expected: tuple[Challenge, ...]) -> None:
    assert challenges_in(header) == expected


@settings(deadline=None)
@given(st.text() | st.lists(st.sampled_from(list('Bearer ,="\\')), max_size=40).map("".join))
def test_whatever_a_header_holds_it_is_read(header: str) -> None:
    assert all(one.scheme == one.scheme.lower() for one in challenges_in(header))
