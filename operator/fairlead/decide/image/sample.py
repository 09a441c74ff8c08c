"""What an image is tried with before it gets its tag, or why it is not tried; pure."""

import json
from collections.abc import Mapping

from fairlead.api.inferenceimage import (
    BuildStatus,
    InferenceImageSpec,
    SmokeTestOutcome,
)
from fairlead.api.reasons import Reason
from fairlead.api.smoke_test import Sample, SmokeTest
from fairlead.api.status import FailureClass
from fairlead.finding import Finding
from fairlead.inputs.source_file import missing_file
from fairlead.settings import Settings

SMOKE_SAMPLE, PROFILE_SAMPLE = "spec.smokeTest.sample", "spec.profile.sample"
MAX_FILE_BYTES = 256 * 1024  # of a sample: it travels with the request


def smoke_test(spec: InferenceImageSpec) -> SmokeTest:
    return spec.smoke_test or SmokeTest()


def skipped_because(spec: InferenceImageSpec, settings: Settings) -> str:
    """Why there is no smoke test; empty where there is one."""
    if not smoke_test(spec).enabled:
        return "spec.smokeTest.enabled is false"
    if settings.runner == "local" and spec.smoke_test is None:
        return (
            "this operator runs tasks as child processes (FAIRLEAD_RUNNER=local), and tries images "
            "only where spec.smokeTest is given"
        )
    return ""


def outcome_words(build: BuildStatus | None, skipped: str) -> str:
    """What is to be said of the test of an image that is ready."""
    outcome = build.smoke_test if build else None
    if outcome is SmokeTestOutcome.PASSED:
        return " Its smoke test has passed."
    if outcome is SmokeTestOutcome.SKIPPED and skipped:
        return f" It was not smoke-tested: {skipped}."
    return ""


def profile_sample(spec: InferenceImageSpec) -> tuple[Sample | None, str]:
    """What a profile sends, and the field that says so."""
    if spec.profile is not None and spec.profile.sample is not None:
        return spec.profile.sample, PROFILE_SAMPLE
    return smoke_test(spec).sample, SMOKE_SAMPLE


def sample_text(sample: Sample | None, files: Mapping[str, bytes]) -> str | None:
    """The body of the request for ``run()``; None: it is not called."""
    if sample is None or sample.inline is not None:
        return sample.inline if sample else None
    content = files.get(sample.file or "")
    return None if content is None else content.decode()


def sample_file(sample: Sample | None, spec: InferenceImageSpec) -> str | None:
    """Its name, where a task fetched the source: then only the image has it."""
    return sample.file if sample and spec.source.is_fetched else None


def sample_finding(spec: InferenceImageSpec, files: Mapping[str, bytes]) -> Finding | None:
    """What is wrong with the smoke test's sample, so far as that can be seen before it is tried."""
    return finding_of(smoke_test(spec).sample, SMOKE_SAMPLE, spec, files)


def finding_of(
    sample: Sample | None, field: str, spec: InferenceImageSpec, files: Mapping[str, bytes]
) -> Finding | None:
    """The same of any sample, which ``field`` gives."""
    if sample is None:
        return None
    if sample.inline is not None:
        why = _not_json(sample.inline)
        return _unfit(f"{field}.inline", f"is no JSON: {why}", "Correct it.") if why else None
    return (
        None if spec.source.is_fetched else _file_finding(f"{field}.file", sample.file or "", files)
    )


def _file_finding(field: str, file: str, files: Mapping[str, bytes]) -> Finding | None:
    content = files.get(file)
    if content is None:
        return missing_file(files, file, field)
    if len(content) > MAX_FILE_BYTES:
        said = f"names {file}, which has more than {MAX_FILE_BYTES:,} bytes"
        return _unfit(field, said, "Use a smaller one.")
    try:
        content.decode()
    except UnicodeDecodeError:
        return _unfit(field, f"names {file}, which is no text in UTF-8", "Use a text.")
    return None


def _not_json(text: str) -> str:
    """Why it is no JSON; empty where it is."""
    try:
        json.loads(text)
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return str(error)
    return ""


def _unfit(field: str, said: str, remedy: str) -> Finding:
    message = f"{field} {said}."
    return Finding(Reason.INVALID_SPEC, FailureClass.USER, message, remedy)
