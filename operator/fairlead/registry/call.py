"""One request to a registry, and its answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpx

from fairlead.registry.reference import Repository

ANSWER_TIMEOUT_S = 60.0  # seconds for a whole answer, and without a byte of a longer one
READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Call:
    """One request. ``what`` completes "could not"; ``expect`` are the answers to hand back."""

    method: str
    repository: Repository
    url: str
    """Absolute, or the part after ``/v2/<repository>/``."""
    what: str
    expect: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Iterable[bytes] | None = None
    timeout_s: float = field(default_factory=lambda: ANSWER_TIMEOUT_S)
    """Seconds for the whole answer; of a transfer, to begin with."""
    again: bool = False
    """Whether sending it twice does no harm, though its method is not one of ``RETRIED``."""
    mounts_from: str = ""
    """The path of the repository that a blob is mounted from, on the same registry."""

    pushes: bool = False
    """Whether it belongs to a push, though it stores nothing: asked with the same rights."""

    @property
    def streamed(self) -> bool:
        return self.content is not None and not isinstance(self.content, bytes)

    @property
    def writes(self) -> bool:
        return self.pushes or self.method not in READING

    @property
    def actions(self) -> str:
        """The rights that it needs, as issuers of tokens call them."""
        if self.method == "DELETE":  # also to give up an upload: who may push need not have it
            return "delete"
        return "pull,push" if self.writes else "pull"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL
