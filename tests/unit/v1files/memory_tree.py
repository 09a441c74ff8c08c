"""A tree of files that are nowhere but in a test."""

from collections.abc import Iterator, Mapping

from fairlead.v1files.tree import Unread, Walk, joined


class MemoryTree:
    """``files``: content by path; ``links``: paths that lead somewhere else."""

    def __init__(
        self, files: Mapping[str, str | bytes], links: Mapping[str, str] | None = None
    ) -> None:
        self.files = {
            name: content.encode() if isinstance(content, str) else content
            for name, content in files.items()
        }
        self.links = dict(links or {})

    def read(self, path: str, most: int) -> bytes | Unread:
        content = self.files.get(joined(".", path))
        if content is None:
            return Unread("it is no file", "Correct the path.")
        if len(content) > most:
            return Unread(f"it is longer than {most // 1024} KiB", "Give a shorter one.")
        return content

    def is_file(self, path: str) -> bool:
        return joined(".", path) in self.files

    def is_folder(self, path: str) -> bool:
        folder = joined(".", path)
        return folder == "." or any(name.startswith(f"{folder}/") for name in self.files)

    def walk(self, folder: str, *, source: bool = False) -> Walk:  # noqa: ARG002
        return Walk({name: len(self.files[path]) for name, path in self._below(folder)})

    def inside(self, path: str, folder: str) -> bool:
        real = joined(".", self.links.get(joined(".", path), path))
        root = joined(".", folder)
        return not real.startswith(("/", "..")) and (root == "." or real.startswith(f"{root}/"))

    def _below(self, folder: str) -> Iterator[tuple[str, str]]:
        root = joined(".", folder)
        for path in sorted(self.files):
            if root == "." or path.startswith(f"{root}/"):
                yield (path if root == "." else path[len(root) + 1 :]), path
