"""A folder of a git repository, at one commit: fetched without its history, written as plain files.

No hooks, no filters, no submodules, no LFS: what is in the commit is what comes out. Nothing of
git's own programs runs.
"""

import posixpath
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.object_format import SHA1, ObjectFormat, get_object_format
from dulwich.objects import ObjectID
from dulwich.refs import Ref

from fairlead.api.reasons import Reason
from fairlead.connection import why
from fairlead.finding import listed
from fairlead.redact import one_line
from fairlead.registry.addresses import NamedHosts
from fairlead.registry.connections import Trust
from fairlead.sources.addresses import shown
from fairlead.sources.base import Digests, Limits, Meter, SourceError
from fairlead.sources.exchange import BROKEN, Exchange
from fairlead.sources.git_http import GitClient, GitCredentials, Received, broken_off
from fairlead.sources.git_pack import Objects, bounded_memory, check_count, too_large
from fairlead.sources.names import shown_name
from fairlead.sources.remote import fit_name, place_of

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
HEAD = b"HEAD"
FOLDER, SUBMODULE, LINK, PROGRAM = 0o040000, 0o160000, 0o120000, 0o100755
MAX_LINK_BYTES = 4096
MAX_SAID_CHARS = 300
SAID = (  # by dulwich, of an answer that is none
    *(GitProtocolError, HangupException, NotGitRepository, AssertionError),
    *(ValueError, LookupError, EOFError, struct.error, zlib.error),
)


@dataclass(frozen=True)
class _File:
    """One file of the commit, by its path in the source."""

    name: str
    mode: int
    hash: ObjectID


@dataclass
class GitFolder:
    """``path`` of the repository at ``url``, as ``ref`` (empty: the default branch) has it."""

    url: str
    ref: str
    path: str
    secret: Path | None
    """The folder of a mounted Secret."""
    trust: Trust
    named: NamedHosts
    origin: str = ""
    left_out: list[str] = field(default_factory=list)
    """The paths of submodules, once it is fetched."""

    @property
    def what(self) -> str:
        return shown(self.url)

    def fetch(self, into: Path, limits: Limits) -> Digests:
        try:
            return self._fetch(into, limits)
        except SourceError as error:  # of an address; those of other sources are in spec.source.uri
            error.remedy = error.remedy.replace("spec.source.uri", "spec.source.git.url")
            raise

    def _fetch(self, into: Path, limits: Limits) -> Digests:
        folder = into.with_name("git")
        folder.mkdir()
        with bounded_memory(limits.most_bytes):
            try:
                digests = self._fetched(folder, into, limits)
            except MemoryError as error:
                raise too_large(self.what, "sends more than fits into memory") from error
        if self.left_out:
            self.origin += f" (without what its submodules hold: {listed(self.left_out, 3)})"
        return digests

    def _fetched(self, folder: Path, into: Path, limits: Limits) -> Digests:
        wanted, hashes = self._fetch_pack(folder / "pack.pack", limits)
        check_count(folder / "pack.pack", self.what)
        objects = Objects(folder, self.what, hashes, limits)
        try:
            commit = objects.commit(wanted)
            self.origin = f"{self.what}@{commit.id.decode()}"
            return self._written(objects, commit.tree, into, limits)
        finally:
            objects.close()

    def _fetch_pack(self, pack: Path, limits: Limits) -> tuple[ObjectID, ObjectFormat]:
        """Have the server send the commit; return what ``ref`` stands for, and how it hashes."""
        chosen = list[ObjectID]()

        def wants(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:  # noqa: ARG001  (dulwich's signature)
            chosen.append(self._chosen(refs))
            return chosen

        credentials = GitCredentials.read(self.secret, self.url)
        with Exchange(self.trust, self.named, limits) as exchange, pack.open("xb") as file:
            received = Received(limits, self.what, file)
            client = GitClient(self.url, self.what, exchange, credentials, received)
            try:
                result = client.fetch_pack(
                    "",
                    wants,
                    _Nothing(),
                    file.write,
                    lambda _: None,
                    depth=1,
                    ref_prefix=self._prefixes(),
                )
            except BROKEN as error:
                raise broken_off(self.what, why(error)) from error
            except SAID as error:
                raise self._refused_by_server(error, file.tell()) from error
            finally:
                client.close()
        hashes = result.object_format or SHA1
        return chosen[0], get_object_format(hashes) if isinstance(hashes, str) else hashes

    def _prefixes(self) -> list[bytes]:
        if not self.ref or COMMIT.fullmatch(self.ref):
            return [HEAD]
        return [name.encode() for name in self._names()]

    def _names(self) -> tuple[str, ...]:
        """What ``ref`` may be called, as `git clone --branch` looks for it."""
        return f"refs/heads/{self.ref}", f"refs/tags/{self.ref}", self.ref

    def _chosen(self, refs: Mapping[Ref, ObjectID]) -> ObjectID:
        if COMMIT.fullmatch(self.ref):
            return ObjectID(self.ref.encode())
        names = self._names() if self.ref else (HEAD.decode(),)
        asked = [Ref(name.encode()) for name in names]
        found = next((refs[name] for name in asked if name in refs), None)
        if found is None:
            raise self._no_such_ref()
        return found

    def _written(self, objects: Objects, tree: ObjectID, into: Path, limits: Limits) -> Digests:
        meter, digests = Meter(limits, self.what), Digests()
        files = {file.name: file for file in self._files(objects, self._root(objects, tree), meter)}
        for file in files.values():
            target = place_of(into, file.name, self.what)
            content = objects.content(self._resolved(file, files, objects).hash)
            meter.expect(len(content))
            digests[file.name] = meter.store([content], target)
            if file.mode == PROGRAM:
                target.chmod(0o755)
        return digests

    def _root(self, objects: Objects, tree: ObjectID) -> ObjectID:
        """The folder of the repository that is the source."""
        for part in PurePosixPath(self.path).parts:
            there = {name: (mode, hash_) for name, mode, hash_ in objects.entries(tree)}
            mode, tree = there.get(part.encode(), (0, tree))
            if mode != FOLDER:
                raise self._no_such_folder()
        return tree

    def _files(self, objects: Objects, tree: ObjectID, meter: Meter) -> Iterator[_File]:
        """Every file of a folder, however deep. Each entry counts, whatever it is: a few small
        folders may stand for a million of them."""
        left = [("", tree)]
        while left:
            above, tree = left.pop()
            for name, mode, hash_ in objects.entries(tree):
                meter.count_file()
                path = self._named(above, name)
                if mode == FOLDER:
                    left.append((f"{path}/", hash_))
                elif mode == SUBMODULE:
                    self.left_out.append(path)
                else:
                    yield _File(path, mode, hash_)

    def _named(self, above: str, name: bytes) -> str:
        try:
            text = name.decode()
        except UnicodeDecodeError as error:
            said = name.decode(errors="backslashreplace")
            raise self._unfit(f"{above}{said}", "has a name that is not UTF-8") from error
        if "/" in text or text in ("", ".", ".."):
            raise self._unfit(f"{above}{text}", "has a name that no file has")
        return fit_name(f"{above}{text}", self.what).as_posix()

    def _resolved(self, file: _File, files: Mapping[str, _File], objects: Objects) -> _File:
        """The file itself, or the one that a link stands for: links do not come out."""
        if file.mode != LINK:
            return file
        target = objects.content(file.hash)[:MAX_LINK_BYTES].decode(errors="backslashreplace")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file.name), target))
        found = files.get(path)
        if found is None or found.mode == LINK:
            words = f"is a link to {shown_name(target)}, which is no file of the source"
            raise self._unfit(file.name, words)
        return found

    def _unfit(self, name: str, words: str) -> SourceError:
        return SourceError(
            Reason.MODEL_SOURCE_REFUSED,
            f"{self.what} was refused: {shown_name(name)} {words}.",
            "Remove or rename it, or name a folder without it in spec.source.git.path.",
        )

    def _no_such_ref(self) -> SourceError:
        if not self.ref:
            return self._missing("has no default branch", "Name a branch in spec.source.git.ref.")
        words = f"has no branch, tag or commit {self.ref}"
        remedy = "Correct spec.source.git.ref: a commit has all of its 40 digits."
        return self._missing(words, remedy)

    def _no_such_folder(self) -> SourceError:
        remedy = "Correct spec.source.git.path, or push the folder."
        return self._missing(f"has no folder {self.path} at {self.origin[-40:]}", remedy)

    def _missing(self, words: str, remedy: str) -> SourceError:
        message = f"{self.what} {words}."
        return SourceError(Reason.SOURCE_REF_NOT_FOUND, message, remedy, retryable=True)

    def _refused_by_server(self, error: Exception, received: int) -> SourceError:
        """What dulwich says: of a commit that is not at the end of a branch some servers say no."""
        said = one_line(str(error))[:MAX_SAID_CHARS].rstrip(".") or "it ended"
        if COMMIT.fullmatch(self.ref) and not received:
            words = f'does not hand out commit {self.ref} ("{said}")'
            return self._missing(words, "Correct spec.source.git.ref, or name a branch or a tag.")
        return broken_off(self.what, said)


class _Nothing:
    """We have nothing of the repository yet."""

    def next(self) -> None:
        return None

    def __next__(self) -> None:
        return None

    def ack(self, _: ObjectID) -> None:
        return

    def nak(self) -> None:
        return
