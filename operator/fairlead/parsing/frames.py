"""What the operator and its parser processes say to each other: frames of bytes with a length.

Jobs and results are JSON, never pickles: a process that hostile text has taken over can say no more
than the types allow.
"""

import struct
from dataclasses import replace
from typing import IO

from pydantic import TypeAdapter

from fairlead.inputs.parse import Parsed, ParseJob

READY = b"ready"
LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 4 * 1024 * 1024
_JOBS, _PARSED = TypeAdapter(ParseJob), TypeAdapter(Parsed)


def frame(content: bytes) -> bytes:
    return LENGTH.pack(len(content)) + content


def write_frame(stream: IO[bytes], content: bytes) -> None:
    stream.write(frame(content))
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next frame; None at the end of the stream. Raises ``ValueError``."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return stream.read(checked_length(head))


def checked_length(head: bytes) -> int:
    (length,) = LENGTH.unpack(head)
    if length > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {length} bytes")
    return int(length)


def encode_job(job: ParseJob) -> bytes:
    """Two frames: the job without its content, and the content."""
    return frame(_JOBS.dump_json(replace(job, content=b""))) + frame(job.content)


def read_job(head: bytes, content: bytes) -> ParseJob:
    return replace(_JOBS.validate_json(head), content=content)


def encode_parsed(parsed: Parsed) -> bytes:
    return _PARSED.dump_json(parsed, by_alias=True)


def read_parsed(content: bytes) -> Parsed:
    """Raises ``ValueError`` where it is none."""
    return _PARSED.validate_json(content)
