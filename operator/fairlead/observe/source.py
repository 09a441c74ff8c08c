"""What the files of an InferenceImage's source say, read where no file can hold up the others."""

import asyncio
from collections.abc import Mapping
from typing import cast

from fairlead.api.objects import InferenceImage
from fairlead.decide.image.inputs import base_image
from fairlead.images.hashes import file_digests
from fairlead.inputs.source import ParsedSource, read_source
from fairlead.parsing.base import Parsers
from fairlead.settings import Settings

MAX_BYTES_AT_ONCE = 64 * 1024  # bytes that are hashed in the event loop


async def digests_of(files: Mapping[str, bytes]) -> Mapping[str, str]:
    """Return the sha256 of each file, in hexadecimal."""
    if sum(map(len, files.values())) <= MAX_BYTES_AT_ONCE:
        return file_digests(files)
    return await asyncio.to_thread(file_digests, files)


async def parsed_source(
    image: InferenceImage, files: Mapping[str, bytes], parsers: Parsers, settings: Settings
) -> ParsedSource:
    reading = read_source(files, image.spec, base_image(image.spec, settings))
    try:
        job = next(reading)
        while True:
            job = reading.send(await parsers.parse(job, image.namespace))
    except StopIteration as end:
        return cast("ParsedSource", end.value)
