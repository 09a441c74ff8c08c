"""Why a package index gave no answer, in words, from how Python's libraries put it."""

import re

from fairlead.diagnosis.build_output import Case, Facts

_WHY = (
    re.compile(r"\[Errno -?\d+\] ([A-Za-z ]+)"),
    re.compile(r"certificate verify failed: ([A-Za-z -]+[A-Za-z])"),
    re.compile(r"(timed out)"),
    re.compile(r"too many (\d{3}) error responses"),
    re.compile(r": (\d{3}) [A-Za-z]+ Error"),
    re.compile(r"(Connection (?:reset|aborted|broken)[A-Za-z ]*)", re.IGNORECASE),
)


def index_answer(case: Case) -> Facts:
    """``why``, from the line in which the pattern was found."""
    text = case.match[0]
    found = next(
        (m[1] for pattern in _WHY if (m := pattern.search(text))), "what came is not valid"
    )
    return {"why": f"it answers {found}" if found[:1].isdigit() else found}
