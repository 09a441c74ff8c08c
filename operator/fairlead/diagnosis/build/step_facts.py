"""Which of the user's steps failed, and what it said last."""

import re

from fairlead.diagnosis.build.output import Case, Facts
from fairlead.finding import quoted
from fairlead.images.recipe import FIRST_STEP
from fairlead.inputs.dockerfile_steps import Instruction, instructions

_STEP_LINE = re.compile(r"Step (\d+)/\d+ : ")
_CODE = re.compile(r"returned a non-zero code: (\d+)")
_TELLING = re.compile(
    r"^[EW]: |error|fatal|unable|cannot|could not|failed|not found|no such|denied|refused", re.I
)
_NOISE = re.compile(r"\s*(---> .*|Removing intermediate .*|)$")


def failed_step(case: Case) -> Facts:
    """The step that ran last, where it stands, and its most telling line."""
    numbers = [number for number, line in enumerate(case.output.lines) if _STEP_LINE.match(line)]
    printed = case.output.lines[numbers[-1] + 1 :] if numbers else ()
    code = _CODE.search(case.output.error)
    step = _step(case, case.output.lines[numbers[-1]]) if numbers else None
    said = _telling([line for line in printed if not _NOISE.match(line)]) if code else None
    return {
        "location": _location(case, step.line if step else None),
        "step": quoted(str(step)) if step else "a step",
        "code": f" ended with exit code {code[1]}" if code else " failed",
        "said": said or case.output.error,
    }


def offline_step(case: Case) -> Facts | None:
    """The step that ran last, if it was this one that could not reach something."""
    last = max((m.start() for m in _STEP_LINE.finditer(case.output.text)), default=0)
    match = case.match.re.search(case.output.text, last)
    return {**failed_step(case), "said": match[0].strip()} if match else None


def unparsed_step(case: Case) -> Facts:
    """The step that Docker could not read: ``line`` counts in the Dockerfile as it was rendered."""
    steps = instructions(case.recipe.steps)
    index = int(case.match["line"]) - FIRST_STEP - 1  # a comment comes before the first instruction
    return {"location": _location(case, steps[index].line if 0 <= index < len(steps) else None)}


def _step(case: Case, told: str) -> Instruction | None:
    number = _STEP_LINE.match(told)
    steps = instructions(case.recipe.steps)
    index = int(number[1]) - FIRST_STEP if number else -1
    return steps[index] if 0 <= index < len(steps) else None


def _location(case: Case, line: int | None) -> str:
    file = case.recipe.steps_file or "Dockerfile.steps"
    return f"{file}:{line}" if line else file


def _telling(lines: list[str]) -> str | None:
    telling = [line for line in lines if _TELLING.search(line)]
    return next(reversed(telling or lines), None)
