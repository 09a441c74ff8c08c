"""What a registry asks for: the challenges of ``WWW-Authenticate`` (RFC 9110, section 11.6.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.request import parse_http_list

_BEGIN = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})(?:\s+(.*))?", re.DOTALL)
BEARER, BASIC = "bearer", "basic"


@dataclass(frozen=True)
class Challenge:
    """``scheme`` and the names of ``fields`` are in lower case."""

    scheme: str
    fields: Mapping[str, str] = field(default_factory=dict)


def challenges_in(header: str) -> tuple[Challenge, ...]:
    """All challenges of the header, in their order; there may be several in one."""
    found = list[tuple[str, dict[str, str]]]()
    for part in parse_http_list(header):
        begin = _BEGIN.fullmatch(part.strip())
        if begin:
            found.append((begin[1].lower(), {}))
            part = begin[2] or ""
        name, equals, value = part.partition("=")
        if equals and found:
            found[-1][1].setdefault(name.strip().lower(), _unquoted(value.strip()))
    return tuple(Challenge(scheme, fields) for scheme, fields in found)


def challenge(found: tuple[Challenge, ...], scheme: str) -> Challenge | None:
    return next((one for one in found if one.scheme == scheme), None)


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value.strip('"')
