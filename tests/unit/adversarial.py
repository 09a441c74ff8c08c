"""Lines that make a careless regular expression take quadratic time, and what they cost."""

import re
import time
from collections.abc import Callable, Iterator

LINE_CHARS = 65_536
# A linear pattern takes a tenth of it for such a line, a quadratic one several seconds. Processor
# time, so that a busy machine does not matter.
MAX_CPU_S = 0.5
PART = 8  # so much shorter is a line that is tried first
SURELY_FAST_S = MAX_CPU_S / PART**3  # then: cubic time, too, is within the limit for a whole one
PIECES = (
    *("a", " ", "\t", "\n", "-", "=", ":", "@", "://", "'", '"', "\\"),
    *("a.", "a-", "a=", "a: ", "A ", "a://a:", "http://", "&a=", "\x1b[", "\x1b]"),
    *("eyJ", "eyJ-", "eyJa.", "eyJaaaaaaaaaaa.", "hf_", "sk-", "AKIA"),
    *("token", "token=", "token:", "token = ", "token\t", "token='", 'token="a', 'token=\\"'),
    *("access_", "secret_access_", "x-a-", "--a", "--password "),
    *("bearer ", "bearer\t", "authorization: ", "authorization=", "x_authorization"),
    *("-----BEGIN ", "-----BEGIN A", "-----BEGIN PRIVATE KEY-----", "-----END "),
)
ENDS = ("", "(")  # the latter makes a value code, so that the match is given up
PAIRS = (("a", "@"), ("eyJ", "."), ("token", " "), ("token=", "'"), ("bearer", " "), ("-", "a"))


def lines(chars: int = LINE_CHARS) -> Iterator[str]:
    """Yield lines of 64 KiB: one piece again and again, or one piece and then another."""
    for piece in PIECES:
        for end in ENDS:
            yield piece * (chars // len(piece)) + end
    for first, second in PAIRS:
        half = chars // 2
        yield first * (half // len(first)) + second * (half // len(second))


def cpu_seconds(work: Callable[[str], object], line: str) -> float:
    started_at = time.process_time()
    work(line)
    return time.process_time() - started_at


def assert_linear(work: Callable[[str], object]) -> None:
    """Fail with the beginning of the slowest line if any takes too long."""
    tried = zip(lines(LINE_CHARS // PART), lines(), strict=True)
    doubtful = [line for part, line in tried if cpu_seconds(work, part) > SURELY_FAST_S]
    seconds, line = max([(cpu_seconds(work, line), line) for line in doubtful], default=(0.0, ""))
    assert seconds < MAX_CPU_S, f"{seconds:.2f} s for {line[:40]!r} ..."


def patterns_in(found: object) -> Iterator[re.Pattern[str]]:
    """Yield the patterns in a value, also in the lists, tuples and dictionaries that it holds."""
    if isinstance(found, re.Pattern):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from patterns_in(value)
    elif isinstance(found, (list, tuple)):
        for value in found:
            yield from patterns_in(value)
