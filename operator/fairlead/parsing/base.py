"""What whoever reads files does for the operator."""

from typing import Protocol

from fairlead.inputs.parse import Parsed, ParseJob


class Parsers(Protocol):
    async def parse(self, job: ParseJob, namespace: str) -> Parsed:
        """Return what the file of an object in ``namespace`` says."""
        ...
