"""Compression that always gives the same bytes: no name, no date, no trace of the machine."""

import struct
import zlib

_GZIP_HEADER = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])  # RFC 1952: no flags, no time, no system
GZIP_LEVEL = 6


def gzipped(content: bytes) -> bytes:
    """Return ``content`` as one gzip member."""
    deflate = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    trailer = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return _GZIP_HEADER + body + trailer


def gunzipped(content: bytes, most: int) -> bytes:
    """Return the first ``most`` bytes of what was compressed. Raises ``zlib.error``."""
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, most)
