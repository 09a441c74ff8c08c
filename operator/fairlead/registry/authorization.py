"""Who we are to a registry: what it asks for is answered with what the keychain has.

The flow is that of https://distribution.github.io/distribution/spec/auth/token/ and of
https://distribution.github.io/distribution/spec/auth/oauth/. Credentials go to the registry itself
and to the issuer of tokens that it names, never where a redirect leads.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from fairlead.registry.acr import AcrIdentity
from fairlead.registry.call import Call
from fairlead.registry.challenges import BASIC, BEARER, Challenge, challenge, challenges_in
from fairlead.registry.docker_config import Credential
from fairlead.registry.errors import RegistryDeniedError, RegistryError, RegistryFaultError
from fairlead.registry.keychain import Keychain
from fairlead.registry.token_request import (
    TOKEN,
    Fetch,
    TokenRequest,
    checked_token,
    token_answer,
)

CLIENT = "fairlead"
USUAL_LIFE_S = 60.0  # of a token that does not say, by the specification
MARGIN_S = 15.0  # seconds that a token should still live when a body is sent that can be sent once
ISSUER_SAYS = "its token issuer says"
ANONYMOUS = Credential()
REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
Candidate = Credential | AcrIdentity


@dataclass
class Session:
    """How one repository is asked, for reading or for writing: with which of the candidates, and
    with which header."""

    candidates: Sequence[Candidate]
    number: int = 0
    header: str | None = field(default=None, repr=False)
    renew_at: float = float("inf")
    """On the monotonic clock."""
    challenges: tuple[Challenge, ...] = ()
    sources: tuple[str, ...] = ()
    """Paths of the repositories that blobs are mounted from."""
    refused: RegistryError | None = None
    """What an issuer of tokens said of the candidate before."""

    @property
    def candidate(self) -> Candidate:
        return self.candidates[self.number]

    @property
    def asked(self) -> str:
        """Whose credentials the registry was shown; empty for none."""
        return "" if self.candidate is ANONYMOUS else self.candidate.words


class Authorizer:
    """The sessions of one client. ``origin``: where the API of a registry is."""

    def __init__(
        self, keychain: Keychain, fetch: Fetch, origin: Callable[[Call], httpx.URL]
    ) -> None:
        self._keychain, self._fetch, self._origin = keychain, fetch, origin
        self._sessions: dict[tuple[str, str], Session] = {}

    def session(self, call: Call) -> Session:
        """The session that a call belongs to. Raises ``CredentialsInvalidError``."""
        key = str(call.repository), call.actions
        if key not in self._sessions:
            found = self._keychain.candidates(call.repository, push=call.writes)
            self._sessions[key] = Session(found or (ANONYMOUS,))
        return self._sessions[key]

    def ready(self, call: Call) -> Session:
        """The same, with all that can be known before it is asked. Raises ``RegistryError``."""
        session = self.session(call)
        self._prepare(call, session)
        return session

    def improve(
        self, call: Call, session: Session, answer: httpx.Response, tried: set[int]
    ) -> bool:
        """After a refusal: get what the registry asks for, or take other credentials.

        Returns whether to ask again; ``tried`` are the candidates that need not be tried again.
        Raises ``RegistryError`` where an issuer of tokens refuses them all.
        """
        said = challenges_in(answer.headers.get("www-authenticate", ""))
        session.challenges = said or session.challenges
        if answer.status_code == HTTPStatus.FORBIDDEN and session.header:
            tried.add(session.number)
        while True:
            if session.number not in tried:
                tried.add(session.number)
                if self._authorise(call, session):
                    return True
            if session.number + 1 >= len(session.candidates):
                break
            session.number += 1
        if session.refused is not None:
            raise session.refused
        return False

    def _prepare(self, call: Call, session: Session) -> None:
        """Renew a token before a body that can be sent only once; widen it for a mount."""
        widens = call.mounts_from and call.mounts_from not in session.sources
        if widens:
            session.sources = (*session.sources, call.mounts_from)
        ends = call.streamed and time.monotonic() > session.renew_at
        if session.header and (widens or ends) and challenge(session.challenges, BEARER):
            self._authorise(call, session)

    def _authorise(self, call: Call, session: Session) -> bool:
        """Set the header that answers the registry's challenges, if the candidate can."""
        candidate, bearer = session.candidate, challenge(session.challenges, BEARER)
        session.refused, session.renew_at = None, float("inf")
        if isinstance(candidate, Credential) and TOKEN.fullmatch(candidate.registry_token):
            session.header = f"Bearer {candidate.registry_token}"
            return True
        if bearer is not None:
            return self._with_token(call, session, bearer)
        basic = candidate.basic if isinstance(candidate, Credential) else None
        if basic is None or (session.challenges and not challenge(session.challenges, BASIC)):
            return False
        session.header = basic
        return True

    def _with_token(self, call: Call, session: Session, bearer: Challenge) -> bool:
        wide = _scopes(call, session, bearer)
        own = _scopes(call, Session(session.candidates), bearer)
        for scopes in dict.fromkeys((wide, own)):  # some issuers refuse all where one is too much
            try:
                token, life_s = self._token(call, session.candidate, bearer, scopes)
            except RegistryDeniedError as error:
                session.refused = error
                continue
            session.refused, session.header = None, f"Bearer {token}"
            session.renew_at = time.monotonic() + max(life_s - MARGIN_S, life_s / 2)
            return True
        return False

    def _token(
        self, call: Call, candidate: Candidate, bearer: Challenge, scopes: tuple[str, ...]
    ) -> tuple[str, float]:
        if not isinstance(candidate, AcrIdentity):
            return self._issued(call, _request(call, candidate, bearer, scopes))
        registry = call.repository.registry
        for last in (False, True):
            refresh = candidate.refresh_token(call, self._fetch, self._origin(call))
            shown = Credential(identity_token=refresh)
            request = _request(call, shown, bearer, scopes, words=candidate.words)
            try:
                return self._issued(call, request)
            except RegistryDeniedError:
                candidate.forget(registry)  # it may have ended before its time
                if last:
                    raise
        raise AssertionError("the second attempt returns or raises")

    def _issued(self, call: Call, request: TokenRequest) -> tuple[str, float]:
        answer = token_answer(self._fetch(call, request))
        token = checked_token(call, answer.token or answer.access_token)
        return token, answer.expires_in or USUAL_LIFE_S


def _scopes(call: Call, session: Session, bearer: Challenge) -> tuple[str, ...]:
    """What the registry asks for, else what the call needs; and the sources of mounts."""
    asked = bearer.fields.get("scope", "").split() or [
        f"repository:{call.repository.path}:{call.actions}"
    ]
    mounts = [f"repository:{path}:pull" for path in session.sources]
    return tuple(dict.fromkeys([*asked, *mounts]))


def _request(
    call: Call,
    credential: Credential,
    bearer: Challenge,
    scopes: tuple[str, ...],
    words: str = "",
) -> TokenRequest:
    """A GET as a user or as nobody; with an identity token a POST. ``words``: whose it is."""
    service = {"service": bearer.fields["service"]} if "service" in bearer.fields else {}
    words = words or ("" if credential is ANONYMOUS else credential.words)
    try:
        url = httpx.URL(bearer.fields.get("realm", ""))
        if not credential.identity_token:
            url = url.copy_merge_params({**service, "scope": list(scopes)})
    except httpx.InvalidURL as error:
        said = f"The registry {call.repository.registry} asks for a token in an unknown way."
        raise RegistryFaultError(call.repository, said) from error
    if not credential.identity_token:
        return TokenRequest(url, ISSUER_SAYS, words, authorization=credential.basic)
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT,
        **service,
        "scope": " ".join(scopes),
        "refresh_token": credential.identity_token,
    }
    return TokenRequest(url, ISSUER_SAYS, words, form)
