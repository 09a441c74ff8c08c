"""Text that strangers wrote, made fit to be shown: no secrets, no control characters, bounded.

Build logs, tracebacks, addresses and answers of servers pass through here before they reach a log,
a status, an event or an annotation. Pure. Every pattern is linear: what it has read it replaces, or
has read within bounds, so time grows with the length of the text and no faster. A secret in a form
that cannot be told from a word stays: do not print secrets.
"""

import re
from collections.abc import Iterator

MAX_TEXT_CHARS = 1_000_000  # characters
AT_ONCE_CHARS = 32 * 1024
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
_VALUE = (
    r"\\\"[^\"\n]*\"?|\\'[^'\n]*'?|"  # inside of a string that is quoted itself
    r"\"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\"?|'[^'\\\n]*(?:\\.[^'\\\n]*)*'?|"
    r"[^\s\"'&;,]+"
)
# Not the end of a package's name: azure-mgmt-authorization==99.0.0
_AUTHORIZATION = r"(?<![\w-])(?:(?:x|http|proxy)[_-](?:[\w-]{0,32}[_-])?)?authorization"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A key whose beginning was cut off is a key still.
    (re.compile(rf"{_BEGIN}.*?(?:{_END}|\Z)", re.DOTALL), HIDDEN),
    (re.compile(rf"\A[A-Za-z0-9+/=\s]+{_END}"), HIDDEN),
    # https://user:password@host; a password may hold an @ of its own. What
    # stands there in abfss://container@account.dfs… is no secret.
    (
        re.compile(
            r"(://)(?!(?:(?<=abfs://)|(?<=abfss://)|(?<=\baz://))[a-z0-9$-]{1,63}@[a-z0-9.-])"
            r"[^\s/?#\"'<>]+@"
        ),
        r"\1***@",
    ),
    # https://conda.anaconda.org/t/<token>/channel
    (
        re.compile(r"(://[^\s/\"'<>]{1,255}(?:/[^\s/\"'<>]{1,64}){0,4}?/t/)[^\s/\"'<>]+"),
        r"\1***",
    ),
    # ?sig=…, X-Amz-Signature=… and the ?key=… of our own logs: addresses that are keys themselves
    (
        re.compile(
            r"([?&](?:sig|signature|key|x-(?:amz|goog)-(?:signature|credential|security-token))=)"
            r"[^&\s\"'<>]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (
        re.compile(
            rf"({_AUTHORIZATION}\\?[\"']?\s{{0,4}}(?:=(?!=)|:)\s{{0,4}}\\?[\"']?"
            r"(?:[a-z]{1,16} +)?)[^\s\"',]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (re.compile(r"\b(bearer\s{1,4})[a-z0-9._~+/=-]{16,}", re.IGNORECASE), r"\1***"),
    (
        re.compile(
            rf"((?:{_NAMES})\\?[\"']?\s{{0,4}}(?:=(?!=)|:(?!:))\s{{0,4}})(?:{_VALUE})",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    # --password VALUE, as some programs echo their command line
    (re.compile(rf"((?<![\w-])--[a-z-]{{0,24}}(?:{_NAMES}) )[^\s-]\S*", re.IGNORECASE), r"\1***"),
    # A JSON web token. The lookahead sees the dot before the word is searched for its beginning.
    (
        re.compile(
            r"(?<![\w-])(?=[\w-]+\.[\w-]{8})([\w-]*?)eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",
            re.ASCII,
        ),
        r"\1***",
    ),
    # Tokens that are known by their shape: AWS, GitHub, GitLab, Hugging Face, PyPI, Slack
    (
        re.compile(
            r"\b(?:(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}|"
            r"github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{20,}|"
            r"pypi-[A-Za-z0-9_-]{32,}|xox[abeoprs]-[A-Za-z0-9-]{10,})"
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


def redacted_log(text: str) -> str:
    """Return a long log redacted, for threads: whole lines, a few at a time, because a pattern that
    looks at megabytes in one go keeps all other threads, and so an event loop, waiting."""
    return "".join(redacted(piece) for piece in _pieces(text))


def one_line(text: str) -> str:
    """Return ``text`` redacted and on one line, for where a line stands for one thing."""
    lines = (line.strip() for line in redacted(text).split("\n"))
    return " ".join(line for line in lines if line).replace("\t", " ")


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


def _pieces(text: str) -> Iterator[str]:
    begin = 0
    while begin < len(text):
        end = text.rfind("\n", begin, begin + AT_ONCE_CHARS) + 1 or begin + AT_ONCE_CHARS
        yield text[begin:end]
        begin = end
