"""Which steps are accepted, and what is said of the others."""

import random

import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import EnvironmentRecipe
from fairlead.finding import Finding
from fairlead.images.environment_labels import python_labels
from fairlead.images.recipe import FIRST_STEP, base_stage, dockerfile, make_environment
from fairlead.inputs.dockerfile_steps import Instruction, instructions, read_steps

GUIDE = "RUN apt-get update && apt-get -y install vim"
BASE = f"python@sha256:{'a' * 64}"


def read(text: str) -> str | Finding:
    return read_steps(text.encode(), "Dockerfile.steps")


def refused(text: str) -> Finding:
    finding = read(text)
    assert isinstance(finding, Finding)
    assert finding.reason is Reason.DOCKERFILE_STEPS_INVALID
    return finding


def test_the_guides_steps_are_accepted() -> None:
    assert read(GUIDE) == GUIDE


def test_windows_line_ends_and_a_byte_order_mark_are_dropped() -> None:
    assert read("\ufeffENV A=b\r\nRUN x \\\r\n  y\r\n") == "ENV A=b\nRUN x \\\n  y\n"


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("FROM debian", "1: FROM is not allowed here", "Name the base image in spec.baseImage."),
        (
            "ENV A=b\n\nadd a b",
            "3: ADD is not allowed here",
            "Write COPY, which takes the files of the source, or fetch the file in a RUN.",
        ),
        (
            "ENV A=b\ncopy --chown=1 a b",
            "2: COPY: `--chown=1` does not work here",
            "Write plain paths of the source, then where they go: COPY settings.json /opt/.",
        ),
        (
            'CMD ["bash"]',
            "1: CMD is not allowed here",
            "Remove it: Fairlead starts the scoring server.",
        ),
        (
            "VOLUME /data",
            "1: VOLUME is not allowed here",
            "Remove it: what later steps write there would be lost.",
        ),
        (
            "RNU ls",
            "1: `RNU` is no instruction",
            "Did you mean RUN? Allowed are RUN, ENV, ARG, LABEL, USER, WORKDIR, COPY, SHELL; a "
            "long line is continued with a backslash.",
        ),
        (
            "RUN --mount=type=cache,target=/x pip install x",
            "1: RUN --mount does not work with every engine",
            "Write it as a plain RUN.",
        ),
        (
            "RUN cat <<-'END'\nFROM x\nEND",
            "1: a heredoc (<<) does not work with every engine",
            "Write one RUN with && between its commands.",
        ),
        (
            "RUN a && \\\n  b \\\n",
            "1: RUN ends in a backslash, and nothing follows",
            "Continue the line, or remove the backslash.",
        ),
        (
            "RUN",
            "1: RUN is not complete",
            "Write for example `RUN apt-get update && apt-get install -y vim`.",
        ),
        ("ENV A", "1: ENV is not complete", "Write for example `ENV NAME=value`."),
        (
            "SHELL bash",
            "1: SHELL is not complete",
            'Write for example `SHELL ["/bin/bash", "-c"]`.',
        ),
        ("# escape=`\nRUN x", "1: the escape character stays `\\`", "Remove the directive."),
        ("RUN x\x0by", "1: it holds a control character", "Remove the character."),
    ],
)
def test_a_step_that_is_refused(text: str, message: str, remedy: str) -> None:
    finding = refused(text)
    assert (finding.message, finding.remedy) == (f"Dockerfile.steps:{message}.", remedy)


def test_everything_wrong_is_said_at_once() -> None:
    assert refused("FROM x\nRUN ls\nENTRYPOINT x").message == (
        "Dockerfile.steps:1: FROM is not allowed here; line 3: ENTRYPOINT is not allowed here."
    )


def test_what_is_read_of_steps_that_are_nothing_but_wrong_is_bounded() -> None:
    assert refused("x\n" * 16_000).message.endswith("; and many more.")


@pytest.mark.parametrize(
    "text",
    [
        "RUN cat <<<text",
        "RUN echo $((1<<2))",
        'SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
        "ENV A b",
        'LABEL "a b"="c"',
        "ARG A",
        "# syntax=docker/dockerfile:1\nRUN x",
    ],
)
def test_a_step_that_is_accepted(text: str) -> None:
    assert read(text) == text


def test_continued_lines_are_joined_and_comments_dropped() -> None:
    text = "# first\nRUN a \\\n\n  # between\n  b\n\tenv\tA=b  c \n"
    assert instructions(text) == [
        Instruction(2, "RUN", "a   b"),
        Instruction(6, "ENV", "A=b  c"),
    ]


def test_nothing_that_is_accepted_reaches_beyond_its_own_instruction() -> None:
    """The whole Dockerfile, read as Docker reads it, has our instructions and theirs, in order."""
    letters = random.Random(20_261_124)
    pieces = ["RUN ", "ENV ", "A=b", "FROM x", "\n", "\r\n", "\\", "\\\n", " \\ \n", "#", "\t"]
    pieces += ["<<", "EOF", "\u2028", "\u00a0", "\x0b", '"', "[", "USER 0", "# escape=`\n", "`\n"]
    accepted = 0
    for _ in range(5000):
        text = "".join(letters.choices(pieces, k=letters.randint(1, 10)))
        steps = read(text)
        if isinstance(steps, Finding):
            continue
        accepted += 1
        recipe = EnvironmentRecipe(base_image="python", steps=steps)
        first_stage, make = base_stage(recipe, BASE, "fairlead"), make_environment(recipe)
        whole = dockerfile(first_stage, "e:1", "h", python_labels("3.11.2"), make)
        first, *others = as_docker_reads(whole)
        assert (first, others[0][:5]) == (f"FROM {BASE} AS base", "LABEL"), text
        theirs = [str(instruction) for instruction in instructions(steps)]
        assert [first, *others][FIRST_STEP - 1 :][: len(theirs)] == theirs, text
        ours = [line.partition(" ")[0] for line in others[FIRST_STEP - 2 + len(theirs) :]]
        assert " ".join(ours) == (
            "FROM LABEL USER WORKDIR ENV COPY RUN RUN FROM COPY ENV LABEL USER WORKDIR"
        ), text
    assert accepted > 500


def as_docker_reads(text: str) -> list[str]:
    """The classic parser in a few lines, knowing nothing of how we render."""
    found, rest = list[str](), ""
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        rest += line
        if rest.rstrip(" \t").endswith("\\"):
            rest = rest.rstrip(" \t")[:-1]
            continue
        found.append(rest.strip())
        rest = ""
    return [*found, rest] if rest else found
