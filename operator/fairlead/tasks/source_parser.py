"""The files of a source, read in a process of its own: see `fairlead.parsing`."""

import asyncio
from collections.abc import Collection, Mapping
from typing import cast

from fairlead.finding import Finding
from fairlead.inputs.ignored import ignore_jobs
from fairlead.inputs.parse import FileKind, Parsed, ParseJob, unreadable
from fairlead.inputs.source import NamedFiles, ParsedSource, read_source
from fairlead.parsing.process import ParserEndedError, ParserProcess


def parsed_source(files: Mapping[str, bytes], named: NamedFiles, base_image: str) -> ParsedSource:
    """What the files say that ``named`` names. A file that a parser does not survive is a finding.

    Raises ``ParserStartError``.
    """
    return asyncio.run(_parsed_source(files, named, base_image))


def ignored_names(names: Collection[str], file: str, text: bytes) -> frozenset[str] | Finding:
    """The names that the ignore file leaves out, or why it cannot be read.

    Raises ``ParserStartError``.
    """
    return asyncio.run(_ignored_names(names, file, text))


async def _ignored_names(
    names: Collection[str], file: str, text: bytes
) -> frozenset[str] | Finding:
    found, parser = set[str](), _Parser()
    try:
        for content in ignore_jobs(names, text):
            parsed = await parser.parse(ParseJob(FileKind.IGNORED, file, content))
            if parsed.finding is not None:
                return parsed.finding
            found.update(parsed.ignored)
    finally:
        await parser.end()
    return frozenset(found)


async def _parsed_source(
    files: Mapping[str, bytes], named: NamedFiles, base_image: str
) -> ParsedSource:
    reading, parser = read_source(files, named, base_image), _Parser()
    try:
        job = next(reading)
        while True:
            job = reading.send(await parser.parse(job))
    except StopIteration as end:
        return cast("ParsedSource", end.value)
    finally:
        await parser.end()


class _Parser:
    """One process for all files, until one of them ends it."""

    def __init__(self) -> None:
        self._process: ParserProcess | None = None

    async def parse(self, job: ParseJob) -> Parsed:
        self._process = self._process or await ParserProcess.start()
        try:
            return await self._process.parse(job)
        except ParserEndedError as error:
            self._process = None
            return unreadable(job, str(error))

    async def end(self) -> None:
        if self._process:
            await self._process.end()
