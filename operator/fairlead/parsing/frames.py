"""What the operator and its parser processes say to each other: frames of bytes with a length.

Jobs and results are JSON, never pickles: a process that hostile text has taken over can say no more
than the types allow (`fairlead.parsing.answer`). Its own side imports no pydantic: that would be
most of what it takes to read an ordinary file.
"""

import json
import struct
from typing import IO

from fairlead.inputs.parse import FileKind, Parsed, ParseJob

READY = b"ready"
LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 4 * 1024 * 1024


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
    head = {"kind": job.kind, "file": job.file, "python": job.python}
    return frame(json.dumps(head).encode()) + frame(job.content)


def read_job(head: bytes, content: bytes) -> ParseJob:
    """What the operator wrote: nobody else can."""
    job = json.loads(head)
    python = tuple(job["python"]) if job["python"] else None
    return ParseJob(FileKind(job["kind"]), job["file"], content, python)


def encode_parsed(parsed: Parsed) -> bytes:
    """Raises ``UnicodeEncodeError`` for a name that is no text: half of a surrogate pair."""
    return json.dumps(parsed, default=vars, ensure_ascii=False).encode()
