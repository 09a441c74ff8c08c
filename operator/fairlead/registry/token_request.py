"""A request to an issuer of tokens, and how its answer is read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import httpx
from pydantic import BaseModel, Field, ValidationError

from fairlead.registry.call import Call
from fairlead.registry.errors import RegistryFaultError

TOKEN = re.compile(r"[!-~]{1,16384}")  # what can stand in a header


@dataclass(frozen=True)
class TokenRequest:
    """A GET, or with a form a POST. ``who`` completes "could not push, …": ``its issuer says``;
    ``words``: whose credentials it carries, empty for none."""

    url: httpx.URL
    who: str
    words: str = ""
    form: Mapping[str, str] | None = field(default=None, repr=False)
    authorization: str | None = field(default=None, repr=False)


Fetch = Callable[[Call, TokenRequest], bytes]
"""Sends a request on behalf of a call, and returns the body of a 200. Raises ``RegistryError``."""


class TokenAnswer(BaseModel):
    """What issuers answer, each in its own words; ``expires_in`` in seconds."""

    token: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: Annotated[float, Field(gt=0, le=1e9)] | None = None


def token_answer(body: bytes) -> TokenAnswer:
    try:
        return TokenAnswer.model_validate_json(body)
    except ValidationError:
        return TokenAnswer()


def checked_token(call: Call, token: str | None) -> str:
    """Raises ``RegistryFaultError`` where it is none."""
    if token is None or not TOKEN.fullmatch(token):
        said = f"The token issuer of the registry {call.repository.registry} sends no token."
        raise RegistryFaultError(call.repository, said)
    return token
