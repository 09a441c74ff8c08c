"""One ``COPY`` of ``Dockerfile.steps``: which files it means, and where they go. Pure."""

import json
import posixpath
from collections.abc import Collection
from dataclasses import dataclass

from fairlead.finding import quoted
from fairlead.inputs.steps_words import WordError, expanded, split

FEWEST_WORDS = 2  # what is copied, and where to
PATTERN = "*?["
WHITEOUT = ".wh."


class CopyError(ValueError):
    """A ``COPY`` that cannot be carried out; the text says why."""


@dataclass(frozen=True)
class Copy:
    """``sources``: paths within the source, empty for all of it. ``target``: as it is written."""

    sources: tuple[str, ...]
    target: str

    def files(self, names: Collection[str]) -> list[tuple[str, str]]:
        """Each file that is copied, and its path below the target. Raises ``CopyError``."""
        return [pair for source in self.sources for pair in _files(source, names)]

    def into_folder(self, names: Collection[str]) -> bool:
        """Whether the target is a folder by what is copied, and by how it is written."""
        written = self.target.endswith(("/", "/.")) or self.target == "."
        return written or len(self.sources) > 1 or self.sources[0] not in names


def read_copy(arguments: str) -> Copy:
    """Raises ``CopyError``."""
    words = _words(arguments)
    if words and words[0].startswith("--"):
        raise CopyError(f"{quoted(words[0])} does not work here")
    if len(words) < FEWEST_WORDS:
        raise CopyError("it is not complete")
    return Copy(tuple(map(_source, words[:-1])), words[-1])


def deletes(path: str) -> bool:
    """Whether a path would mean a deletion in a layer."""
    return any(part.startswith(WHITEOUT) for part in path.split("/"))


def _words(arguments: str) -> list[str]:
    if not arguments.startswith("["):
        return split(arguments)
    try:
        words = json.loads(arguments)
    except ValueError as error:
        raise CopyError("it is no JSON array of texts") from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise CopyError("it is no JSON array of texts")
    return words


def _source(word: str) -> str:
    if "$" in word or any(letter in word for letter in PATTERN):
        raise CopyError(f"{quoted(word)} is no plain path")
    try:
        path = posixpath.normpath(expanded(word, {}).lstrip("/"))
    except WordError as error:
        raise CopyError(str(error)) from error
    if path.split("/")[0] == "..":
        raise CopyError(f"{quoted(word)} is outside of the source")
    return "" if path == "." else path


def _files(source: str, names: Collection[str]) -> list[tuple[str, str]]:
    bad = next((name for name in sorted(names) if deletes(name)), None)
    if bad is not None:
        raise CopyError(f"{quoted(bad)} would delete a file of the base image")
    if source in names:
        return [(source, posixpath.basename(source))]
    prefix = f"{source}/" if source else ""
    found = [(name, name.removeprefix(prefix)) for name in sorted(names) if name.startswith(prefix)]
    if not found:
        raise CopyError(f"the source has no {quoted(source or '.')}")
    return found
