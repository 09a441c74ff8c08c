"""Takes secrets out of text that others will read: logs, records, messages.

By shape, not by value: whoever logs a bare password under no name at all is not helped.
"""

from __future__ import annotations

import re

STARS = "***"
NAMES = (
    r"[\w-]*(?:account|access|shared|api|private|secret)[_-]?(?:access)?[_-]?key"
    r"|[\w-]*(?:secret|password|passwd|pwd)"
    r"|(?:[\w-]*(?:access|auth|api|refresh|bearer|session|hf|sas)[_-]?)?token"
    r"|sig|signature"
)
# A bare word that is called or indexed is code that fetches the secret, not the secret.
VALUE = r"""(?:"[^"]+"|'[^']+'|(?=([^\s"',;&()\[\]{}]+))\2(?![(\[]))"""
RULES = [
    (re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?(?:-----END \1PRIVATE KEY-----|\Z)", re.S),
     STARS),
    (re.compile(r"(://)[^\s/'\"]+@"), rf"\1{STARS}@"),
    (re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:\w+ )?)[^\s\"',]+"), rf"\1{STARS}"),
    (re.compile(r"(?i)\b(bearer\s+)(?=\S*\d)[\w.~+/=-]{8,}"), rf"\1{STARS}"),
    (re.compile(rf"(?i)(?<![\w-])((?:{NAMES})[\"']?(?:=|\s*:\s*|\s+=\s+(?=[\"']))){VALUE}"),
     rf"\1{STARS}"),
    (re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"), STARS),
    (re.compile(r"\b(?:hf_|gh[opsur]_|github_pat_|sk-|xox[abp]-|AKIA)[\w-]{16,}"), STARS),
]  # fmt: skip


def redact(text: str) -> str:
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text
