"""``requirementsFile``: pip's format, without the options that reach outside the file."""

from collections.abc import Iterator

from fairlead.diagnosis.reading import Reading
from fairlead.diagnosis.requirement import read_requirement


def read_requirements(text: str) -> Reading:
    """Read the file to its end, whatever is wrong on the way."""
    read = Reading()
    for number, line in _logical_lines(text):
        read.take(read_requirement(line, number))
    return read


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join what a backslash continues; each with the number of its first line."""
    first, parts = 1, list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        first = first if parts else number
        comment = line.lstrip().startswith("#")  # ends what it stands in, as in pip
        if line.endswith("\\") and not comment:
            parts.append(line[:-1])
            continue
        yield first, " ".join([*parts, "" if comment else line])
        parts = []
    if parts:
        yield first, " ".join(parts)
