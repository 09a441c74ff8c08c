"""Evidence about images for tests: files read in this process."""

from collections.abc import Mapping
from typing import cast

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.objects import InferenceImage, Model
from fairlead.contract import TaskState
from fairlead.decide.image.inputs import base_image
from fairlead.evidence import ImageEvidence
from fairlead.images.hashes import file_digests
from fairlead.inputs.parse import parse
from fairlead.inputs.source import ParsedSource, read_source
from fairlead.settings import Settings


def parsed_here(files: Mapping[str, bytes], spec: InferenceImageSpec, base: str) -> ParsedSource:
    reading = read_source(files, spec, base)
    try:
        job = next(reading)
        while True:
            job = reading.send(parse(job))
    except StopIteration as end:
        return cast("ParsedSource", end.value)


def image_evidence(
    image: InferenceImage,
    models: Mapping[str, Model | None],
    files: Mapping[str, bytes] | None,
    tasks: Mapping[str, TaskState],
    settings: Settings,
) -> ImageEvidence:
    base = base_image(image.spec, settings)
    return ImageEvidence(
        image=image,
        models=models,
        files=files,
        digests=file_digests(files or {}),
        parsed=None if files is None else parsed_here(files, image.spec, base),
        tasks=tasks,
        settings=settings,
    )
