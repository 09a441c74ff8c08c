"""Text that strangers wrote, made fit to be shown: no secrets, no control characters, bounded.

Build logs, tracebacks, addresses and answers of servers pass through here before they reach a log,
a status, an event or an annotation. Pure. Every pattern is bounded, so time grows with the length
of the text and no faster. A secret in a form that nobody can tell from a word stays: do not print
secrets.
"""

import re

MAX_TEXT_CHARS = 1_000_000  # characters
HIDDEN = "***"

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|.)"
)
# Control characters but tab and line feed, and the marks that turn text around (CVE-2021-42574).
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|\u2028|\u2029")

_KEY = r"-----{} [A-Z0-9 ]{{0,40}}PRIVATE KEY[A-Z ]{{0,10}}-----"
_BEGIN, _END = _KEY.format("BEGIN"), _KEY.format("END")
_NAMES = (
    "passw(?:or)?d|passwd|pwd|passphrase|secret|token|credentials?|"
    "(?:api|access|account|private|secret|shared|sharedaccess|primary|secondary)[_-]?key|"
    "sharedaccesssignature"
)
_VALUE = r"\"[^\"\n]{0,4096}\"?|'[^'\n]{0,4096}'?|[^\s\"'&;,]{1,4096}"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A key whose beginning was cut off is a key still.
    (re.compile(rf"{_BEGIN}.*?(?:{_END}|\Z)", re.DOTALL), HIDDEN),
    (re.compile(rf"\A[A-Za-z0-9+/=\s]+{_END}"), HIDDEN),
    # https://user:password@host; a password may hold an @ of its own
    (re.compile(r"([a-z][a-z0-9+.-]{0,20}://)[^\s/?#\"'<>]{1,1024}@", re.IGNORECASE), r"\1***@"),
    # ?sig=… and X-Amz-Signature=…: addresses that are keys themselves
    (
        re.compile(
            r"([?&](?:sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token))=)"
            r"[^&\s\"'<>]{1,4096}",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (
        re.compile(
            r"(authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:[a-z]{1,16} +)?)[^\s\"',]{1,8192}",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (re.compile(r"\b(bearer\s{1,4})[a-z0-9._~+/=-]{16,8192}", re.IGNORECASE), r"\1***"),
    (
        re.compile(rf"((?:{_NAMES})[\"']?\s{{0,4}}(?:=(?!=)|:(?!:))\s{{0,4}})(?:{_VALUE})", re.I),
        r"\1***",
    ),
    # --password VALUE, as some programs echo their command line
    (re.compile(rf"(--[a-z-]{{0,24}}(?:{_NAMES}) )[^\s-]\S{{0,4096}}", re.IGNORECASE), r"\1***"),
    # Tokens that are known by their shape: AWS, GitHub, GitLab, Hugging Face, PyPI, Slack, JWT
    (
        re.compile(
            r"\b(?:(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,255}|"
            r"github_pat_[A-Za-z0-9_]{30,255}|glpat-[A-Za-z0-9_-]{16,255}|hf_[A-Za-z0-9]{20,255}|"
            r"pypi-[A-Za-z0-9_-]{32,1024}|xox[abeoprs]-[A-Za-z0-9-]{10,255}|"
            r"eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,2048})"
        ),
        HIDDEN,
    ),
)


def redacted(text: str, most: int = MAX_TEXT_CHARS) -> str:
    """Return ``text`` without secrets and control characters; of what is longer, the end.

    Redact first and cut afterwards, as this does: half a secret is not recognised any more.
    """
    shown = printable(text)
    for pattern, replacement in _RULES:
        shown = pattern.sub(replacement, shown)
    return shown if len(shown) <= most else _end(shown, most)


def printable(text: str) -> str:
    """Return ``text`` without colours, control characters and marks; each line end a line feed."""
    return _CONTROL.sub("", _LINE_END.sub("\n", _ESCAPES.sub("", text)))


def _end(text: str, most: int) -> str:
    """The end of ``text``, from the beginning of a line where there is one."""
    cut = text[-most:] if most else ""
    if text[-most - 1] == "\n":
        return cut
    _, line_end, rest = cut.partition("\n")
    return rest if line_end and rest else cut
