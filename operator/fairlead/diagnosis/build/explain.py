"""From a build's output to what the user is told: which row of the table fits, in their words."""

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.output import ENGINE_WORDS, RETRIED, BuildOutput, Case, Row
from fairlead.diagnosis.build.patterns import ROWS
from fairlead.diagnosis.build.version_search import with_search
from fairlead.finding import Finding
from fairlead.redact import redacted

LOG_TAIL_CHARS = 3000  # characters of the output that status shows
_MAX_WORD_CHARS = 400  # characters of one word that comes from the output


def explain(output: BuildOutput, recipe: EnvironmentRecipe) -> Finding:
    """Return why the build of ``recipe`` failed: the first row of the table that fits."""
    found = (_explained(row, output, recipe) for row in ROWS if output.phase in row.phases)
    return with_search(next(filter(None, found), None) or _unknown(output), output, recipe)


def tail(output: BuildOutput) -> str:
    """Return the end of the output, fit to be shown."""
    return redacted(output.text.strip(), LOG_TAIL_CHARS)


def _explained(row: Row, output: BuildOutput, recipe: EnvironmentRecipe) -> Finding | None:
    match = row.pattern.search(output.text)
    facts = row.facts(Case(output, recipe, match)) if match else None
    if match is None or facts is None:
        return None
    engine = {"base": recipe.base_image, "error": output.error.removesuffix(".")}
    words = {**match.groupdict(""), **ENGINE_WORDS[output.engine], **engine, **facts}
    shown = {name: _bounded(word) for name, word in words.items()}
    return Finding(
        reason=row.reason,
        class_=row.class_,
        message=row.message.format_map(shown),
        remedy=row.remedy.format_map(shown),
        location=facts.get("location"),
        requirement=facts.get("requirement") or None,
        retryable=row.retryable,
    )


def _bounded(word: str) -> str:
    line = _one_line(redacted(word))
    return line if len(line) <= _MAX_WORD_CHARS else f"{line[:_MAX_WORD_CHARS]}…"


def _one_line(text: str) -> str:
    """A line end, with the blanks around it, is one blank; those at the two ends stay."""
    first, *others = text.split("\n")
    if not others:
        return first
    *middle, last = others
    between = filter(None, (part.strip() for part in middle))
    return " ".join((first.rstrip(), *between, last.lstrip()))


def _unknown(output: BuildOutput) -> Finding:
    """A command that failed will fail again; what only the engine knows may pass."""
    command = "returned a non-zero code" in output.error
    return Finding(
        reason=Reason.IMAGE_BUILD_FAILURE,
        class_=FailureClass.UNKNOWN if command else FailureClass.INFRASTRUCTURE,
        message=f"The environment could not be built: {_bounded(output.error)}",
        remedy="The end of the build log tells more." + ("" if command else f" {RETRIED}"),
        retryable=not command,
    )
