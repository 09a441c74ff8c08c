"""What of v1's files nobody else may see: it is neither printed nor written."""

import re

from fairlead.redact import printable, redacted

NAMES = re.compile(
    r"passw(or)?d|passwd|pwd|passphrase|secret|token|credential|connection_?str|conn_?str|"
    r"(api|access|account|private|shared|primary|secondary|subscription|storage|instrumentation|"
    r"signing|encryption)_?key|sas_?(url|uri|key)?$|_key$|^key$|signature|dsn$",
    re.IGNORECASE,
)
# Keys by their shape: nothing that a program of its own accord looks like.
_SHAPES = re.compile(
    r"(?:AccountKey|SharedAccessKey|SharedAccessSignature)\s{0,4}=\s{0,4}[^\s\"';]{16,}|"
    r"[?&]sig=[A-Za-z0-9%+/_-]{20,}|"
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----|"
    r"://[^\s/?#\"'<>@:]{1,64}:[^\s/?#\"'<>@{}$]{3,256}@[a-z0-9]|"
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}|"
    r"\bhf_[A-Za-z0-9]{30,}|\bglpat-[A-Za-z0-9_-]{16,}|\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}")
MAX_SEARCHED_CHARS = 1_000_000


def is_secret(name: str, value: str) -> bool:
    """Whether a variable seems to hold a key: by its name, or by what it holds."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:256])
    if NAMES.search(snake) and len(value) > 0 and not _is_harmless(value):
        return True
    return redacted(value) != printable(value) or _SHAPES.search(value) is not None


def _is_harmless(value: str) -> bool:
    """Nobody's key: a switch or a small number."""
    return value.lower() in ("true", "false", "none", "null") or (
        value.isdecimal() and len(value) < 6  # noqa: PLR2004  (digits)
    )


def in_command(text: str) -> str:
    """A word of a stranger's for a command that somebody may paste into a shell."""
    return text if _PLAIN.fullmatch(text) else "…"


def secret_line(text: str) -> int | None:
    """The first line that holds a key, by its shape alone: in code names prove nothing."""
    found = _SHAPES.search(text[:MAX_SEARCHED_CHARS])
    return None if found is None else text.count("\n", 0, found.start()) + 1
