"""The addresses that pip is given in the place of indexes that want credentials.

A page is asked for by its index and a project; a file by a mark, which only a page of ours has
made: so whoever sees these addresses can ask for nothing else.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from fairlead.engines.index_page import FileLink

_PROJECT = re.compile(r"/index/([0-9]{1,4})/([A-Za-z0-9][A-Za-z0-9._-]{0,200})/")
_LINKS = re.compile(r"/links/([0-9]{1,4})/")
_FILE = re.compile(r"/file/([A-Za-z0-9_=-]{1,8000})\.([0-9a-f]{64})/[^/]{1,300}")
_INDEX_SHOWN = re.compile(r"/(index|links)/([0-9]{1,4})(?![0-9])")
# Whatever foreign code prints is looked at: no place of a line is tried twice.
_FILE_SHOWN = re.compile(r"/file/([A-Za-z0-9_=-]{1,8000}+)\.([0-9a-f]{64}+)/[^/\s#,()'\"]{1,300}")


@dataclass(frozen=True)
class IndexAddresses:
    """``begin``: ``http://127.0.0.1:1234``. ``indexes`` and ``links``: what is asked for there, as
    the files and the settings name it; every other address stays what it is."""

    begin: str = ""
    indexes: Sequence[str] = ()
    links: Sequence[str] = ()
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def known(self) -> list[str]:
        return [*self.indexes, *self.links]

    def given(self, asked: str) -> str:
        """What pip is given in the place of an index, or of a page with links."""
        if asked in self.indexes:
            return f"{self.begin}/index/{self.indexes.index(asked)}"
        if asked in self.links:
            return f"{self.begin}/links/{self.links.index(asked)}/"
        return asked

    def shown(self, line: str) -> str:
        """A line that pip has printed, with the addresses that the user knows."""
        if not self.begin:
            return line
        begin = re.escape(self.begin)
        line = re.sub(begin + _INDEX_SHOWN.pattern, self._page_shown, line)
        # where pip says that it tries again, it says the path alone
        return re.sub(f"(?:{begin})?{_FILE_SHOWN.pattern}", self._file_shown, line)

    def of_file(self, link: FileLink) -> str:
        """Where a file of a page is had."""
        packed = urlsafe_b64encode(link.address.encode()).decode()
        return f"/file/{packed}.{self._mark(packed)}/{link.name}"

    def page(self, path: str) -> str:
        """The address of the page that a path stands for; empty where it stands for none."""
        if (project := _PROJECT.fullmatch(path)) and int(project[1]) < len(self.indexes):
            return f"{self.indexes[int(project[1])].rstrip('/')}/{project[2]}/"
        if (links := _LINKS.fullmatch(path)) and int(links[1]) < len(self.links):
            return self.links[int(links[1])]
        return ""

    def file(self, path: str) -> str:
        """The address of the file that a path stands for; empty where it stands for none."""
        found = _FILE.fullmatch(path)
        if found is None or not hmac.compare_digest(found[2], self._mark(found[1])):
            return ""
        return urlsafe_b64decode(found[1]).decode()

    def _mark(self, packed: str) -> str:
        return hmac.new(self.key, packed.encode(), hashlib.sha256).hexdigest()

    def _page_shown(self, found: re.Match[str]) -> str:
        known = self.indexes if found[1] == "index" else self.links
        return known[int(found[2])].rstrip("/") if int(found[2]) < len(known) else found[0]

    def _file_shown(self, found: re.Match[str]) -> str:
        """Without a query: a signature may be in it. What has no mark of ours stays."""
        if not hmac.compare_digest(found[2], self._mark(found[1])):
            return found[0]
        return urlsafe_b64decode(found[1]).decode().partition("?")[0]
