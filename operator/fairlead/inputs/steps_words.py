"""Words of a Dockerfile: quotes, escapes and variables, as Docker's builder reads them. Pure.

Source: ``frontend/dockerfile/shell/lex.go`` and ``parser/line_parsers.go`` of moby/buildkit.
"""

import re
from collections.abc import Mapping

QUOTES = "'\""
ESCAPED_IN_QUOTES = '"$\\'
MAX_SHOWN_CHARS = 40
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])([^}]*))?\}")


class WordError(ValueError):
    """Not a word that can be read; the text says why."""


def split(text: str) -> list[str]:
    """Return the words of ``text`` with their quotes still on."""
    words, quote, letters = [""], "", iter(text)
    for letter in letters:
        if letter == "\\" and quote != "'":
            words[-1] += letter + next(letters, "")
            continue
        if letter in QUOTES and quote in ("", letter):
            quote = "" if quote else letter
        if letter.isspace() and not quote:
            words.append("")
        else:
            words[-1] += letter
    return [word for word in words if word]


def pairs(text: str) -> list[tuple[str, str]]:
    """Return the names and values of ``ENV`` and ``LABEL``, quotes still on, in both of their
    forms: ``A=1 B="2 3"`` and ``A 1``."""
    words = split(text)
    if words and "=" not in words[0]:
        return [(words[0], text.strip().removeprefix(words[0]).strip())]
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]


def expanded(word: str, variables: Mapping[str, str]) -> str:
    """Return ``word`` without its quotes and with the values of its variables.

    Raises ``WordError``.
    """
    return _Expansion(word, variables).read()


class _Expansion:
    def __init__(self, word: str, variables: Mapping[str, str]) -> None:
        self._word, self._variables = word, variables
        self._at, self._quoted = 0, False

    def read(self) -> str:
        parts = list[str]()
        while self._at < len(self._word):
            parts.append(self._next())
        if self._quoted:
            raise WordError('a quote " is not closed')
        return "".join(parts)

    def _next(self) -> str:
        letter = self._word[self._at]
        self._at += 1
        match letter:
            case "'" if not self._quoted:
                return self._literal()
            case '"':
                self._quoted = not self._quoted
                return ""
            case "\\":
                return self._escaped()
            case "$":
                return self._variable()
        return letter

    def _literal(self) -> str:
        text, quote, _ = self._word[self._at :].partition("'")
        if not quote:
            raise WordError("a quote ' is not closed")
        self._at += len(text) + len(quote)
        return text

    def _escaped(self) -> str:
        letter = self._word[self._at : self._at + 1]
        self._at += 1
        return f"\\{letter}" if self._quoted and letter not in ESCAPED_IN_QUOTES else letter

    def _variable(self) -> str:
        name = _NAME.match(self._word, self._at)
        if name:
            self._at = name.end()
            return self._variables.get(name[0], "")
        if not self._word.startswith("{", self._at):
            return "$"
        braced = _BRACED.match(self._word, self._at)
        if braced is None:
            said = self._word[self._at : self._at + MAX_SHOWN_CHARS]
            raise WordError(f"${said} is none of ${{NAME}}, ${{NAME:-word}} and ${{NAME:+word}}")
        self._at = braced.end()
        return self._braced(braced[1], braced[2] or "", braced[3] or "")

    def _braced(self, name: str, how: str, word: str) -> str:
        value = self._variables.get(name)
        given = value is not None and (value != "" or not how.startswith(":"))
        if how.endswith("?") and not given:
            raise WordError(f"{name}: {word or 'it is not set'}")
        if how.endswith("+"):
            return expanded(word, self._variables) if given else ""
        if how.endswith("-") and not given:
            return expanded(word, self._variables)
        return value or ""
