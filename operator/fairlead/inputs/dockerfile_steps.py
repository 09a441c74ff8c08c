"""``Dockerfile.steps``: taken apart into instructions, each checked by line before any build.

The steps run on the base image, before the packages are installed, in the classic builder's
dialect, whatever builds them: the context is the user's source, and there is nothing of BuildKit's
own. Source of the dialect: the parser of moby/buildkit, ``frontend/dockerfile/parser/parser.go``.
"""

import difflib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.api.reasons import Reason
from fairlead.finding import MAX_PROBLEMS_READ, Finding, Problem, combine, quoted
from fairlead.inputs.copy_instruction import CopyError, read_copy
from fairlead.inputs.source_file import read_text

MAX_FILE_BYTES = 32 * 1024  # bytes; the builder reads no line longer than 64 KiB
MAX_KEYWORD_CHARS = 30  # characters of a word that is compared with the instructions
_EXAMPLES = {
    "RUN": "RUN apt-get update && apt-get install -y vim",
    "ENV": "ENV NAME=value",
    "ARG": "ARG NAME=value",
    "LABEL": "LABEL name=value",
    "USER": "USER 1000",
    "WORKDIR": "WORKDIR /opt/tools",
    "COPY": "COPY settings.json /opt/tools/",
    "SHELL": 'SHELL ["/bin/bash", "-c"]',
}
ALLOWED = tuple(_EXAMPLES)
_REFUSED = {
    "FROM": "Name the base image in spec.baseImage.",
    "ADD": "Write COPY, which takes the files of the source, or fetch the file in a RUN.",
    "ENTRYPOINT": "Remove it: Fairlead starts the scoring server.",
    "CMD": "Remove it: Fairlead starts the scoring server.",
    "EXPOSE": "Remove it: the scoring server listens on port 5001.",
    "HEALTHCHECK": "Remove it: set spec.probes of the Webservice.",
    "VOLUME": "Remove it: what later steps write there would be lost.",
    "STOPSIGNAL": "Remove it: Kubernetes stops the server with SIGTERM.",
    "ONBUILD": "Write the instruction itself, without ONBUILD.",
    "MAINTAINER": "Write a LABEL instead.",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ESCAPE = re.compile(r"\s*#\s*escape\s*=\s*[^\\\s]", re.IGNORECASE)
_HEREDOC = re.compile(r"(?:^|\s)\d*<<-?[\"']?[A-Za-z_]")
_ASSIGNMENT = re.compile(r"[^=\s]+=|\S+\s+\S")
_JSON_ARRAY = re.compile(r'\[\s*"[^"]+"\s*(,\s*"[^"]*"\s*)*\]$')
_FLAG = re.compile(r"--(mount|network|security|device)\b")


@dataclass(frozen=True)
class Instruction:
    """``keyword`` in capitals; ``arguments`` on one line; ``line`` is the first of the user's."""

    line: int
    keyword: str
    arguments: str

    def __str__(self) -> str:
        return f"{self.keyword} {self.arguments}".rstrip()


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of ``text``: comments dropped, continued lines joined.

    A last line that ends in a backslash keeps it: nothing follows that it could join.
    """
    found, parts, first = list[Instruction](), list[str](), 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue  # also between continued lines
        first = first if parts else number
        continued = _CONTINUED.search(line)
        parts.append(line[: continued.start()] if continued else line)
        if not continued:
            found.append(_instruction(first, "".join(parts)))
            parts = []
    if parts:
        found.append(_instruction(first, "".join(parts) + "\\"))
    return found


def first_run(text: str) -> int | None:
    """The line of the first RUN; None where there is none."""
    return next((one.line for one in instructions(text) if one.keyword == "RUN"), None)


def _instruction(line: int, text: str) -> Instruction:
    keyword, *arguments = text.split(maxsplit=1) or [""]
    return Instruction(line, keyword.upper(), "".join(arguments).strip())


def read_steps(content: bytes, file: str) -> str | Finding:
    """Return the steps as text with Unix line ends, or everything that is wrong with them."""
    text = read_text(content, Reason.DOCKERFILE_STEPS_INVALID, MAX_FILE_BYTES)
    found = iter([text]) if isinstance(text, Problem) else _problems(text)
    problems = list(itertools.islice(found, MAX_PROBLEMS_READ))
    return combine(file, problems) if problems else str(text)


def _problems(text: str) -> Iterator[Problem]:
    for number, line in enumerate(text.split("\n"), start=1):
        if _CONTROL.search(line):
            yield _problem(number, "it holds a control character", "Remove the character.")
        if _ESCAPE.match(line):
            yield _problem(number, "the escape character stays `\\`", "Remove the directive.")
    for instruction in instructions(text):
        yield from _check(instruction)
        if _HEREDOC.search(instruction.arguments):
            return  # what follows is its text, not instructions


def _check(instruction: Instruction) -> Iterator[Problem]:
    line, keyword = instruction.line, instruction.keyword
    if keyword in _REFUSED:
        yield _problem(line, f"{keyword} is not allowed here", _REFUSED[keyword])
    elif keyword not in ALLOWED:
        what = f"{quoted(keyword)} is no instruction"
        yield _problem(line, what, _unknown(keyword[:MAX_KEYWORD_CHARS]))
    elif not _complete(keyword, instruction.arguments):
        remedy = f"Write for example {quoted(_EXAMPLES[keyword])}."
        yield _problem(line, f"{keyword} is not complete", remedy)
    else:
        yield from _check_arguments(instruction)


def _complete(keyword: str, arguments: str) -> bool:
    if keyword in ("ENV", "LABEL"):
        return _ASSIGNMENT.match(arguments) is not None
    return bool(_JSON_ARRAY.match(arguments) if keyword == "SHELL" else arguments)


def _check_arguments(instruction: Instruction) -> Iterator[Problem]:
    line, keyword, arguments = instruction.line, instruction.keyword, instruction.arguments
    if arguments.endswith("\\"):
        remedy = "Continue the line, or remove the backslash."
        yield _problem(line, f"{keyword} ends in a backslash, and nothing follows", remedy)
    if keyword == "RUN" and (flag := _FLAG.match(arguments)):
        remedy = "Write it as a plain RUN."
        yield _problem(line, f"RUN {flag[0]} does not work with every engine", remedy)
    if keyword == "COPY":
        yield from _check_copy(instruction)
    if _HEREDOC.search(arguments):
        remedy = "Write one RUN with && between its commands."
        yield _problem(line, "a heredoc (<<) does not work with every engine", remedy)


def _check_copy(instruction: Instruction) -> Iterator[Problem]:
    try:
        read_copy(instruction.arguments)
    except CopyError as error:
        remedy = "Write plain paths of the source, then where they go: COPY settings.json /opt/."
        yield _problem(instruction.line, f"COPY: {error}", remedy)


def _unknown(keyword: str) -> str:
    close = difflib.get_close_matches(keyword, (*ALLOWED, *_REFUSED), n=1)
    guess = f"Did you mean {close[0]}? " if close else ""
    return f"{guess}Allowed are {', '.join(ALLOWED)}; a long line is continued with a backslash."


def _problem(line: int, message: str, remedy: str) -> Problem:
    return Problem(Reason.DOCKERFILE_STEPS_INVALID, line, message, remedy)


_CONTINUED = re.compile(r"\\[ \t]*$")
