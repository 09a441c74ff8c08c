"""A page of a package index, or of links to packages: read from its HTML, and written anew.

Of the page nothing is handed on but what pip needs of each file: where it is, what it is called,
its hash, the Pythons that it is for, and whether it was yanked.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit, urlunsplit

MAX_FILES = 100_000  # of one page
MAX_ADDRESS_CHARS = 4096
MAX_ATTRIBUTE_CHARS = 1000
MAX_TOTAL_CHARS = 64 * 1024 * 1024  # of all addresses of one page: a <base> makes each one long
PIECE_CHARS = 64 * 1024
MAX_OPEN_CHARS = 256 * 1024  # of a tag, comment or script that does not end
_FILE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._+!~%-]{0,250}\.(?:whl|zip|tgz|tar(?:\.(?:gz|bz2|xz))?|tbz|egg)"
)
_HASH = re.compile(r"(?:md5|sha1|sha224|sha256|sha384|sha512)=[0-9a-fA-F]{32,128}")


@dataclass(frozen=True)
class FileLink:
    """A file of a page. ``address`` has neither credentials nor a fragment."""

    name: str
    address: str
    hash: str = ""
    requires_python: str = ""
    yanked: str | None = None


class TooManyFilesError(Exception):
    """A page with more files than one is read for."""


class NotHtmlError(Exception):
    """Nothing that a page of an index could be."""


def file_links(page: str, address: str) -> list[FileLink]:
    """The links of a page that lead to packages; ``address`` is where it was.

    It takes linear time: what is begun and does not end is looked through again with each piece,
    and not without end. Like pip it reads no link in what has no end. Raises ``TooManyFilesError``,
    ``NotHtmlError``.
    """
    reader = _Reader(address)
    for begin in range(0, len(page), PIECE_CHARS):
        try:
            reader.feed(page[begin : begin + PIECE_CHARS])
        except AssertionError as error:  # so the parser says that it cannot go on
            raise NotHtmlError from error
        if len(reader.rawdata) > MAX_OPEN_CHARS:
            raise NotHtmlError
    return reader.found


def written_page(links: Iterable[FileLink], address: Callable[[FileLink], str]) -> str:
    """HTML with the same files at other addresses."""
    lines = (_anchor(link, address(link)) for link in links)
    return "<!DOCTYPE html>\n<html><body>\n" + "".join(lines) + "</body></html>\n"


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = address
        self._chars = 0
        self.found: list[FileLink] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        target = named.get("href")
        if not target or len(target) > MAX_ADDRESS_CHARS:
            return
        if tag == "base":
            self._base = _joined(self._base, target)
        elif tag == "a" and (link := _link(_joined(self._base, target), named)):
            self._chars += len(link.address)
            if len(self.found) == MAX_FILES or self._chars > MAX_TOTAL_CHARS:
                raise TooManyFilesError
            self.found.append(link)


def _joined(base: str, target: str) -> str:
    try:
        return urljoin(base, target.strip())
    except ValueError:
        return ""


def _link(address: str, named: dict[str, str | None]) -> FileLink | None:
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    name = parts.path.rpartition("/")[2]
    fits = address.isascii() and address.isprintable() and " " not in address
    if not fits or parts.scheme not in ("http", "https") or not host or not _FILE.fullmatch(name):
        return None
    place = parts.netloc.rpartition("@")[2]  # whoever needs credentials there names them himself
    requires, yanked = named.get("data-requires-python"), named.get("data-yanked", "")
    return FileLink(
        name=name,
        address=urlunsplit((parts.scheme, place, parts.path, parts.query, "")),
        hash=parts.fragment if _HASH.fullmatch(parts.fragment) else "",
        requires_python=(requires or "")[:MAX_ATTRIBUTE_CHARS],
        yanked=(yanked or "")[:MAX_ATTRIBUTE_CHARS] if "data-yanked" in named else None,
    )


def _anchor(link: FileLink, address: str) -> str:
    target = f"{address}#{link.hash}" if link.hash else address
    about = (
        f' data-requires-python="{escape(link.requires_python)}"' if link.requires_python else ""
    )
    if link.yanked is not None:
        about += f' data-yanked="{escape(link.yanked)}"'
    return f'<a href="{escape(target)}"{about}>{escape(link.name)}</a>\n'
