"""Paths that arguments and files name, looked for where v1 would have looked."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairlead.finding import quoted
from fairlead.v1files.fields import Said
from fairlead.v1files.notes import Notes
from fairlead.v1files.tree import Tree, Unread, clean, is_absolute, joined, parent

CONFIG_FOLDERS = (".azureml", "aml_config")
HERE = "."


@dataclass(frozen=True)
class Lookup:
    """``base``: the folder that relative paths are taken from (`--path`)."""

    tree: Tree
    notes: Notes
    base: str = HERE

    def file(self, said: Said[str], folders: Sequence[str], what: str) -> str | None:
        """The path of a file; None where there is none, and the notes tell it."""
        return self._found(said, folders, what, wants_folder=False)

    def folder(self, said: Said[str], folders: Sequence[str], what: str) -> str | None:
        return self._found(said, folders, what, wants_folder=True)

    def content(self, path: str, most: int, place: str) -> bytes | None:
        """None where it cannot be read, and the notes tell it."""
        found = self.tree.read(path, most)
        if isinstance(found, Unread):
            self.notes.problem(place, f"{path}: {found.why}", found.remedy)
            return None
        return found

    def around(self, file: str) -> list[str]:
        """Where a file's own paths may begin: here, and the folder that it lies in."""
        folder = parent(file)
        if folder.rpartition("/")[2] in CONFIG_FOLDERS:
            return [self.base, folder, parent(folder)]
        return [self.base, folder]

    def _found(
        self, said: Said[str], folders: Sequence[str], what: str, *, wants_folder: bool
    ) -> str | None:
        path = clean(said.value)
        there = self.tree.is_folder if wants_folder else self.tree.is_file
        if said.typed:
            paths = [path if is_absolute(path) else joined(self.base, path), path]
            paths += [joined(folder, path) for folder in folders if not is_absolute(path)]
            return self._first(said, [one for one in paths if there(one)], what)
        if is_absolute(path):
            self._leads_out(said, what)
            return None
        pairs = [(folder, joined(folder, path)) for folder in dict.fromkeys(folders)]
        found = [(folder, one) for folder, one in pairs if there(one)]
        inside = [
            one
            for _, one in found
            if any(self.tree.inside(one, folder) for folder in dict.fromkeys(folders))
        ]
        if found and not inside:
            self._leads_out(said, what)
            return None
        return self._first(said, inside, what)

    def _first(self, said: Said[str], paths: Sequence[str], what: str) -> str | None:
        if paths:
            return paths[0]
        words = f"{what} {quoted(clean(said.value))} doesn't exist"
        remedy = "Correct the path, or run this in the folder that `az` was run in (--path DIR)."
        self.notes.problem(said.place, words, remedy)
        return None

    def _leads_out(self, said: Said[str], what: str) -> None:
        words = f"{what} {quoted(clean(said.value))} leads out of the folder that it is read in"
        remedy = "Run this in a folder that has it all, or name it on the command line."
        self.notes.problem(said.place, words, remedy)
