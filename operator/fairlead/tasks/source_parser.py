"""The files of a source, read in a process of its own: see `fairlead.parsing`."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Self, cast

from fairlead.finding import Finding
from fairlead.inputs.ignored import ignore_jobs
from fairlead.inputs.parse import FileKind, Parsed, ParseJob, unreadable
from fairlead.inputs.source import NamedFiles, ParsedSource, read_source
from fairlead.parsing.process import ParserEndedError, ParserProcess


class SourceParser:
    """One process for all files, until one of them ends it: that one is a finding, and the next
    gets another process. Everything raises ``ParserStartError``."""

    def __init__(self) -> None:
        self._loop = asyncio.Runner()
        self._process: ParserProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._loop.run(self._process.end())
        self._loop.close()

    def source(self, files: Mapping[str, bytes], named: NamedFiles, base: str) -> ParsedSource:
        """What the files say that ``named`` names; ``base`` is the base image."""
        reading = read_source(files, named, base)
        try:
            job = next(reading)
            while True:
                job = reading.send(self._loop.run(self._parsed(job)))
        except StopIteration as end:
            return cast("ParsedSource", end.value)

    def ignored(self, names: Collection[str], file: str, text: bytes) -> frozenset[str] | Finding:
        """The names that the ignore file leaves out, or why it cannot be read."""
        found = set[str]()
        for content in ignore_jobs(names, text):
            job = ParseJob(FileKind.IGNORED, file, content)
            parsed = self._loop.run(self._parsed(job))
            if parsed.finding is not None:
                return parsed.finding
            found.update(parsed.ignored)
        return frozenset(found)

    async def _parsed(self, job: ParseJob) -> Parsed:
        self._process = self._process or await ParserProcess.start()
        try:
            return await self._process.parse(job)
        except ParserEndedError as error:
            self._process = None
            return unreadable(job, str(error))
