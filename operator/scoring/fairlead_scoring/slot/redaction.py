"""Removes secrets, and control characters, from text that others will read: logs and records.

By shape, not by value: a bare password under no name at all is not recognised. Clients choose some
of this text, so the time of every pattern grows with the length of the text and no faster: a
pattern starts at the beginning of a word, and what it has read it either replaces or never reads
again.
"""

import re
from typing import Callable, List, Match, Pattern, Tuple, Union
from urllib.parse import unquote_plus

STARS = "***"
MAX_PARAMETERS = 64  # of a query; a log needs no more
# Parameters of tokenizers, which scripts and their tracebacks are full of.
MODEL_TOKENS = {
    *("bos", "eos", "unk", "sep", "pad", "cls", "mask", "image", "special", "start", "end", "stop"),
    *("next", "last", "max", "min", "num", "new"),
}
SECRET_NAME = (
    r"[\w-]*(?:"
    r"(?:account|access|shared|api|private|primary|secondary|secret)[_-]?(?:access)?[_-]?key"
    r"|secret|passw(?:or)?d|pwd|passphrase|credentials?|token|signature"
    r")|sig"
)
QUOTED = (
    r"""\\"[^"\n]*"?|\\'[^'\n]*'?"""  # inside of a string that is quoted itself
    r"""|"[^"\\\n]*(?:\\.[^"\\\n]*)*"?|'[^'\\\n]*(?:\\.[^'\\\n]*)*'?"""
)
BARE = r"""[^\s"',;&()\[\]{}]+"""
KEY_LINE = r"-----{} [A-Z0-9 ]{{0,40}}PRIVATE KEY[A-Z ]{{0,10}}-----"
KEY_BEGIN, KEY_END = KEY_LINE.format("BEGIN"), KEY_LINE.format("END")
# Not the end of a package's name: azure-mgmt-authorization==99.0.0
AUTHORIZATION = r"(?<![\w-])(?:(?:x|http|proxy)[_-](?:[\w-]{0,32}[_-])?)?authorization"
SECRET_NAME_ONLY = re.compile(rf"\A(?:{SECRET_NAME})\Z", re.IGNORECASE)


def _redact_pair(match: Match[str]) -> str:
    """Keep what is no secret: code that fetches one, or a parameter of a tokenizer."""
    name, separator, bare = match[1], match[2], match[3]
    if _is_model_token(name) or (bare and _is_code(match, separator, bare)):
        return match[0]
    return f"{name}{separator}{STARS}"


def _is_code(match: Match[str], separator: str, bare: str) -> bool:
    """Whether the value is a name that is called or indexed, or ``password = variable``."""
    if not bare.replace("_", "").replace(".", "").isalpha():
        return False
    called = match.string[match.end() : match.end() + 1] in ("(", "[")
    return called or (separator[0] in " \t" and separator.strip() == "=")


def _is_model_token(name: str) -> bool:
    words = re.split("[_-]", name.lower())
    return words[-1] == "token" and not MODEL_TOKENS.isdisjoint(words[-2:-1])


Replacement = Union[str, Callable[[Match[str]], str]]
RULES: List[Tuple[Pattern[str], Replacement]] = [
    (re.compile(rf"{KEY_BEGIN}.*?(?:{KEY_END}|\Z)", re.DOTALL), STARS),
    (
        re.compile(rf"(?<![A-Za-z0-9+/=\s])[A-Za-z0-9+/=\s]+{KEY_END}"),
        STARS,
    ),  # its beginning is cut
    (re.compile(r"(://)[^\s/'\"]+@"), rf"\1{STARS}@"),
    (  # the token in the address of a conda channel
        re.compile(r"(://[^\s/\"'<>]{1,255}(?:/[^\s/\"'<>]{1,64}){0,4}?/t/)[^\s/\"'<>]+"),
        rf"\1{STARS}",
    ),
    (
        re.compile(
            rf"({AUTHORIZATION}\\?[\"']?\s*(?:=(?!=)|:)\s*\\?[\"']?(?:\w{{1,32}} +)?)[^\s\"',]+",
            re.IGNORECASE,
        ),
        rf"\1{STARS}",
    ),
    (re.compile(r"\b(bearer\s+)(?=\S*\d)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{STARS}"),
    (
        re.compile(
            rf"(?<![\w-])(?=[\w-]+\\?[\"']?\s*[=:])({SECRET_NAME})"
            rf"(\\?[\"']?(?:[ \t]*=(?!=)[ \t]*|\s*:(?!:)\s*))(?:{QUOTED}|({BARE}))",
            re.IGNORECASE,
        ),
        _redact_pair,
    ),
    # A JSON web token. The lookahead sees the dot before the word is searched for its beginning.
    (
        re.compile(
            r"(?<![\w-])(?=[\w-]+\.[\w-]{10})([\w-]*?)eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"
        ),
        rf"\1{STARS}",
    ),
    (
        re.compile(
            r"\b(?:hf_|gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|sk-(?=[\w-]{0,48}\d))[\w-]{16,}"
            r"|\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|\bpypi-[\w-]{32,}"
        ),
        STARS,
    ),
]


# The escape sequences of terminals; all other control characters but tab and line feed, the marks
# that turn text around, and halves of characters.
ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """Return ``text`` without secrets and control characters; line feeds and tabs stay."""
    return redact(CONTROL.sub("?", ESCAPE.sub("", text.replace("\r\n", "\n"))))


def clean_line(text: str) -> str:
    """The same in one line."""
    return clean(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def redact(text: str) -> str:
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_query(query: str, max_chars: int) -> str:
    """Return the query of a URL, at most ``max_chars`` long, without secrets, for a log.

    Of a longer one whole parameters are left out, or the half of a secret would not be recognised.
    Secrets are found in percent-encoded text, too. Only printable ASCII is returned.
    """
    parameters = query[: max_chars + 1].split("&", MAX_PARAMETERS)
    is_cut = len(query) > max_chars or len(parameters) > MAX_PARAMETERS
    if is_cut:
        parameters.pop()
    shown = "&".join(parameters)
    if _has_secret(shown, parameters):
        shown = "&".join(map(_redact_parameter, parameters))
        if redact(unquote_plus(shown)) != unquote_plus(shown):  # it spans several parameters
            shown = STARS
    if is_cut:
        shown += "&..." if shown else "..."
    return "".join(c if "!" <= c <= "~" else f"%{ord(c):02X}" for c in shown)


def _has_secret(query: str, parameters: List[str]) -> bool:
    decoded = unquote_plus(query)
    return redact(decoded) != decoded or any(_has_secret_name(one) for one in parameters)


def _redact_parameter(parameter: str) -> str:
    name = parameter.partition("=")[0]
    decoded, decoded_name = unquote_plus(parameter), unquote_plus(name)
    if not _has_secret_name(parameter) and redact(decoded) == decoded:
        return parameter
    return f"{name}={STARS}" if redact(decoded_name) == decoded_name else STARS


def _has_secret_name(parameter: str) -> bool:
    name, equals, _ = parameter.partition("=")
    return bool(equals and SECRET_NAME_ONLY.match(unquote_plus(name)))
