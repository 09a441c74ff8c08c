"""A log as it comes, without secrets: whole lines, for half a secret is not recognised. Pure."""

import codecs

from fairlead.redact import redacted_log

MAX_HELD_CHARS = 64 * 1024  # of a line without end, or of a private key without one
BEGIN, END = "-----BEGIN ", "-----END "


class RedactedLines:
    """``feed`` it bytes, and ``finish``; what comes back is redacted text."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, content: bytes) -> str:
        """Take what came, and return what can be shown by now."""
        text = self._held + self._decoder.decode(content)
        end = _shown_up_to(text)
        self._held = text[end:]
        return redacted_log(text[:end])

    def finish(self) -> str:
        """Return what is left, at the log's end."""
        text, self._held = self._held + self._decoder.decode(b"", final=True), ""
        return redacted_log(text)


def _shown_up_to(text: str) -> int:
    """Where the last whole line ends that does not lie inside a private key."""
    end = text.rfind("\n") + 1
    key = text.rfind(BEGIN, 0, end)
    if key >= 0 and END not in text[key:end]:
        end = text.rfind("\n", 0, key) + 1
    return end if len(text) - end <= MAX_HELD_CHARS else len(text)
