"""``python -m fairlead.parsing.parser_program``: reads users' files, one after the other.

A process of its own, which imports nothing but `fairlead.inputs`: a parser holds the interpreter's
lock for as long as it likes, and one that is written in C may end its process. It says ``READY``
once, reads jobs from standard input and answers each with one frame (`fairlead.parsing.frames`).
It ends when its input ends, so that it does not outlive the operator, and by SIGPROF when one file
takes too long. It may write no file and start no process.
"""

import os
import resource
import signal
import sys

from fairlead.inputs.parse import parse, reader_of
from fairlead.parsing.frames import READY, encode_parsed, read_frame, read_job, write_frame

CPU_LIMIT_S = 2.0  # of computing, for one file
MEMORY_LIMIT_BYTES = 384 * 1024 * 1024  # of address space; an ordinary file needs 60 MB
NICENESS = 10  # the operator's loop comes first
MAX_OPEN_FILES = 16  # its three streams, and what Python still imports


def main() -> None:
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _confine()
    write_frame(answers, READY)
    while (head := read_frame(requests)) is not None:
        job = read_job(head, read_frame(requests) or b"")
        reader_of(job.kind)  # imported before its time begins
        signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT_S)
        parsed = parse(job)
        signal.setitimer(signal.ITIMER_PROF, 0)
        write_frame(answers, encode_parsed(parsed))


def _confine() -> None:
    os.nice(NICENESS)
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_LIMIT_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
    ):
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main()
