"""Compressed files, read forwards in bounded memory; and what a zip says of itself at its end."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Mapping
from typing import IO, BinaryIO, cast

PIECE_BYTES = 64 * 1024
XZ_MEMORY_BYTES = 256 * 1024 * 1024  # of a dictionary: `xz -9` asks for 65 MiB, a header for any
ZIP_END, ZIP_END_BYTES, MAX_ZIP_COMMENT_BYTES = b"PK\x05\x06", 22, 65_535


def opened(file: BinaryIO) -> IO[bytes]:
    """The content of ``file``, which is compressed if its first bytes say so."""
    magic = file.read(8)
    file.seek(0)
    opener = next((opener for start, opener in _OPENERS.items() if magic.startswith(start)), None)
    return cast("IO[bytes]", opener(file)) if opener else file


def declared_files(file: BinaryIO) -> int:
    """How many files and folders a zip says it holds (65,535 may be more); 0 where it says nothing.

    It is only a word: to be believed where it speaks against the archive.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - ZIP_END_BYTES - MAX_ZIP_COMMENT_BYTES, 0))
    tail = file.read()
    file.seek(0)
    end = tail.rfind(ZIP_END)
    record = tail[end : end + ZIP_END_BYTES] if end >= 0 else b""
    return int.from_bytes(record[10:12], "little")


class _Forwards(io.RawIOBase):
    """A file that is read, and can be moved forwards by reading."""

    _at = 0

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < self._at:
            raise ValueError("the archive leads backwards")
        while self._at < offset and self.read(min(offset - self._at, PIECE_BYTES)):
            pass
        return self._at


class XzFile(_Forwards):
    """An xz file in bounded memory, which ``lzma.LZMAFile`` does not offer.

    Raises ``lzma.LZMAError`` and ``EOFError``.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._decompressor = self._new()

    def read(self, size: int = -1) -> bytes:
        wanted, content = PIECE_BYTES if size < 0 else size, b""
        while len(content) < wanted and (piece := self._more(wanted - len(content))):
            content += piece
        self._at += len(content)
        return content

    def _more(self, size: int) -> bytes:
        """Some bytes, at most ``size``; none at the end."""
        while True:
            if self._decompressor.eof:
                rest = self._decompressor.unused_data.lstrip(b"\0") or self._file.read(PIECE_BYTES)
                if not rest.lstrip(b"\0"):
                    return b""
                self._decompressor = self._new()  # another stream follows
            else:
                rest = self._file.read(PIECE_BYTES) if self._decompressor.needs_input else b""
                if self._decompressor.needs_input and not rest:
                    raise EOFError("the archive ends in its middle")
            piece = self._decompressor.decompress(rest, size)
            if piece:
                return piece

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)


_OPENERS: Mapping[bytes, Callable[[BinaryIO], object]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": XzFile,
}
