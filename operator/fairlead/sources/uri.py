"""A model at an address: one file, streamed to disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

from fairlead.registry.addresses import NamedHosts
from fairlead.registry.connections import Trust
from fairlead.sources.addresses import shown, split
from fairlead.sources.answers import MAX_ANSWER_BYTES, is_page, may_be_page, page
from fairlead.sources.base import Digests, Limits, Meter
from fairlead.sources.exchange import Answer, Asked, Exchange, beginning

PAGE_SUFFIXES = {".html", ".htm", ".xhtml"}
MAX_NAME_BYTES = 200


def file_name(uri: str, otherwise: str) -> str:
    """The name of the file at an address: the last part of its path, if that is fit for one.

    Raises ``SourceError``.
    """
    last = unquote(split(uri).path.rpartition("/")[2]).strip()
    hidden = last.startswith(".") or any(c in last for c in "/\\\ufffd")
    fits = last.isprintable() and len(last.encode()) <= MAX_NAME_BYTES
    return last if last and fits and not hidden else otherwise


@dataclass(frozen=True)
class UriSource:
    """One file at an ``https://`` address."""

    uri: str
    model_name: str
    """What to call the file where the address does not."""
    trust: Trust
    named: NamedHosts

    @property
    def origin(self) -> str:
        return ""

    def fetch(self, into: Path, limits: Limits) -> Digests:
        name, what = file_name(self.uri, self.model_name), shown(self.uri)
        meter, target = Meter(limits, what), into / name

        def look(answer: Answer) -> Iterator[bytes]:
            meter.expect(answer.length or 0)
            return _no_page(answer, target)

        with Exchange(self.trust, self.named, limits) as exchange:
            body = exchange.body(Asked(what, self.uri), look)
            first = next(body, b"")  # nothing is written where nothing comes
            return {name: meter.store(chain([first], body), target)}


def _no_page(answer: Answer, target: Path) -> Iterator[bytes]:
    """The body of an answer that is no web page in the place of a file."""
    if not may_be_page(answer.kind) or target.suffix in PAGE_SUFFIXES:
        return answer.body
    start = beginning(answer.body, MAX_ANSWER_BYTES)
    if is_page(start):
        raise page(answer.what, start)
    return chain([start], answer.body)
