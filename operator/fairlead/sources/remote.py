"""Files that lie in a store under names: what every kind of store has in common.

A store is one small class: it finds the files that an address stands for, one or a folder of them,
and says what is asked for each. Fetching, limits, names and resuming are here, once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Protocol

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.registry.addresses import NamedHosts
from fairlead.registry.connections import Trust
from fairlead.sources.answers import changed
from fairlead.sources.base import Digests, Limits, Meter, SourceError
from fairlead.sources.exchange import Answer, Asked, Exchange, bounded_number
from fairlead.sources.names import UnfitNameError, below, shown_name

PROBE = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})
FIRST_BYTE = {"Range": "bytes=0-0"}


@dataclass(frozen=True)
class RemoteFile:
    """One file: its path in the model, what is asked for it, and its size where that is known.

    ``asked.tag`` is what it must still be when it is read; ``digest`` what it must then have, where
    the store knows (``sha256:…``). ``may_be_folder``: if it is empty and others lie below its name,
    it only stands for their folder.
    """

    name: str
    asked: Asked
    size: int | None
    digest: str = ""
    may_be_folder: bool = False


class Store(Protocol):
    """Where files lie. Raises ``SourceError``."""

    def files(self, exchange: Exchange) -> Iterable[RemoteFile]:
        """The files that the address stands for, none where there is nothing."""
        ...

    @property
    def origin(self) -> str:
        """Once the files are known: the address, with the revision that they are of if they have
        one; empty where there is nothing to add."""
        ...


@dataclass(frozen=True)
class SourceAccess:
    """An address, and what lets the task in: the folder of a mounted Secret, and the variables of
    the pod's own identity, which count for nothing where there is a Secret."""

    uri: str
    folder: Path | None
    variables: Mapping[str, str]


@dataclass
class RemoteSource:
    """What an address stands for. ``what`` is how people know it; ``stores`` are one store as
    everybody who may be let in, whom to ask first first."""

    what: str
    stores: Callable[[], Iterable[Store]]
    trust: Trust
    named: NamedHosts
    origin: str = ""
    """Where the files came from, once they are fetched, if that says more than the address."""

    def fetch(self, into: Path, limits: Limits) -> Digests:
        meter, digests = Meter(limits, self.what), Digests()
        with Exchange(self.trust, self.named, limits) as exchange:
            for file in self._found(exchange, meter):
                target = place_of(into, file.name, self.what)
                name = target.relative_to(into).as_posix()
                if name in digests:
                    raise _both(self.what, name)
                digests[name] = _stored(exchange, file, target, meter)
        if not digests:
            raise not_found(self.what)
        return digests

    def _found(self, exchange: Exchange, meter: Meter) -> list[RemoteFile]:
        """What is public is had also by an identity that is not let in."""
        first: SourceError | None = None
        for store in self.stores():
            try:
                found = without_folders(_counted(store.files(exchange), meter))
            except SourceError as error:
                if error.class_ is not FailureClass.AUTH:
                    raise first or error from error
                first = first or error
            else:
                self.origin = store.origin
                return found
        raise first or not_found(self.what)


def probe(exchange: Exchange, asked: Asked) -> RemoteFile | None:
    """The one file at an address, named by its last part; None where there is no such file."""
    expect = PROBE | {HTTPStatus.NOT_FOUND, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}
    with_range = replace(asked, headers={**asked.headers, **FIRST_BYTE})
    answer = exchange.head(with_range, expect)
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    tag = answer.headers.get("etag", "")
    return RemoteFile("", replace(asked, tag="" if tag.startswith("W/") else tag), _size(answer))


def without_folders(files: list[RemoteFile]) -> list[RemoteFile]:
    """The same without the empty files that stand for folders of others. The names are fit."""
    folders = {parent.as_posix() for file in files for parent in PurePosixPath(file.name).parents}

    def stands_for_folder(file: RemoteFile) -> bool:
        return file.may_be_folder and file.size == 0 and file.name in folders

    return [file for file in files if not stands_for_folder(file)]


def not_found(what: str) -> SourceError:
    """There is neither a file nor a folder."""
    return SourceError(
        Reason.MODEL_SOURCE_NOT_FOUND,
        f"{what} is neither a file nor a folder with files in it.",
        "Correct spec.source.uri, or put the files there; it is tried again.",
        retryable=True,
    )


def _size(answer: Answer) -> int | None:
    if answer.status == HTTPStatus.OK:
        return answer.length
    return bounded_number(answer.headers.get("content-range", "").rpartition("/")[2])


def _counted(files: Iterable[RemoteFile], meter: Meter) -> list[RemoteFile]:
    """All files, refused while they are listed if they are too many, too large, or cannot be files
    by their names."""
    found, size = list[RemoteFile](), 0
    for file in files:
        meter.count_file()
        fit_name(file.name, meter.what)
        size += file.size or 0
        meter.expect(size)
        found.append(file)
    return found


def _stored(exchange: Exchange, file: RemoteFile, target: Path, meter: Meter) -> str:
    def look(answer: Answer) -> Iterator[bytes]:
        meter.expect(answer.length or 0)
        return answer.body

    digest = meter.store(exchange.body(file.asked, look), target)
    if file.size not in (None, target.stat().st_size) or file.digest not in ("", digest):
        raise changed(file.asked.what)
    return digest


def place_of(into: Path, name: str, what: str) -> Path:
    """Where a file goes that is called so. Raises ``SourceError``."""
    target = into / fit_name(name, what)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _both(what, name) from error
    if target.is_dir():
        raise _both(what, name)
    return target


def fit_name(name: str, what: str) -> PurePosixPath:
    """The name of a file as a path below a folder. Raises ``SourceError``."""
    try:
        return below(name, "folder")
    except UnfitNameError as error:
        raise SourceError(
            Reason.MODEL_SOURCE_REFUSED,
            f"{what} was refused: its file {shown_name(error.shown)} {error}.",
            "Give the file a plain name, or the address of another folder.",
        ) from error


def _both(what: str, name: str) -> SourceError:
    return SourceError(
        Reason.MODEL_SOURCE_REFUSED,
        f"{what} has {name} twice, or as a file and as a folder: on a disk it can be one only.",
        "Give the address of a folder without such names.",
    )
