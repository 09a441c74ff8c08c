"""The files that become an image's source, gathered by name, and the form that carries them."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from fairlead.finding import listed, quoted
from fairlead.v1files.notes import Notes
from fairlead.v1files.secrecy import secret_line
from fairlead.v1files.tree import Tree, Unread, joined

MIB = 1024**2
MAX_FILE_BYTES = 100 * MIB
MAX_SOURCE_BYTES = 300 * MIB  # v1's own limit for a folder
MAX_CONFIG_MAP_BYTES = 900 * 1000  # a ConfigMap holds a MiB, its own names included
MAX_INLINE_FILES, MAX_INLINE_CHARS, MAX_INLINE_BYTES = 64, 131_072, 700 * 1000
MAX_KEYS = 200
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_NEVER = re.compile(r"(^|/)(\.env(\.[^/]*)?|\.azureml|aml_config|[^/]*\.runconfig)(/|$)")


class Form(Enum):
    CONFIG_MAP = auto()
    INLINE = auto()
    ARCHIVE = auto()


@dataclass
class Carried:
    """Files by their paths in the source."""

    notes: Notes
    files: dict[str, bytes] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    """What ignore files name, with the folder of each."""

    def add(self, name: str, content: bytes, place: str) -> str:
        """Take a file in; one of the same name must be the same."""
        if self.files.get(name, content) != content:
            words = f"two files of the source would be called {quoted(name)}"
            self.notes.problem(place, words, "Rename one of the two.")
        self.files[name] = content
        return name

    def add_folder(self, folder: str, below: str, left_out: Collection[str], tree: Tree) -> None:
        """Take in what lies in ``folder``, but for v1's own files, which may hold keys. Below
        nothing it is the source's own folder, whose ignore file counts."""
        walk = tree.walk(folder, source=not below)
        place = f"{folder}/"
        if walk.problem:
            at = walk.problem.location or ""
            words = walk.problem.message.removeprefix(f"{at}: ")
            self.notes.problem(joined(folder, at), words, walk.problem.remedy or "Correct it.")
        self.ignored |= dict.fromkeys(walk.ignored, place)
        if walk.too_large:
            words = f"it has more than {MAX_SOURCE_BYTES // MIB} MiB, or too many files"
            remedy = "Name a folder with the code alone (--source-directory); models go to --model."
            self.notes.problem(place, words, remedy)
            return
        if walk.left_out:
            words = f"left out, as no regular files of this folder: {', '.join(walk.left_out[:5])}"
            self.notes.remark(place, words, "Copy what they stand for into the folder.")
        for name in walk.files:
            path = joined(folder, name)
            if path in left_out:
                continue
            if _NEVER.search(name):
                self._tell_never(path)
                continue
            self._add_file(path, f"{below}/{name}" if below else name, tree)

    def tell_ignored(self) -> None:
        """But for what is in the source all the same, for it was named."""
        left = {name: place for name, place in self.ignored.items() if name not in self.files}
        for place in dict.fromkeys(left.values()):
            names = [name for name in left if left[name] == place]
            words = f"left out by its ignore file: {listed(names, 5)}"
            self.notes.remark(place, words, "Take what is needed out of .amlignore, or .gitignore.")

    def check_secrets(self) -> None:
        """Whoever may read the objects reads their files: keys do not belong there."""
        for name, content in self.files.items():
            line = secret_line(content.decode(errors="ignore"))
            if line is not None:
                remedy = "Put it into a Secret, and read it from a folder: spec.volumes."
                what = "it seems to hold a key or a password, and is not written into manifests"
                self.notes.problem(f"{name}:{line}", what, remedy)

    @property
    def form(self) -> Form:
        """The simplest that holds them all."""
        if fits_config_map(self.files):
            return Form.CONFIG_MAP
        return Form.INLINE if _fits_inline(self.files) else Form.ARCHIVE

    def _add_file(self, path: str, name: str, tree: Tree) -> None:
        content = tree.read(path, MAX_FILE_BYTES)
        if isinstance(content, Unread):
            self.notes.problem(path, content.why, content.remedy)
        else:
            self.add(name, content, path)

    def _tell_never(self, path: str) -> None:
        if ".env" in path.rpartition("/")[2]:
            remedy = "Set what the script needs in spec.environmentVariables; keys go to a Secret."
            self.notes.remark(path, "left out of the source: such a file holds keys", remedy)


def fits_config_map(files: Mapping[str, bytes]) -> bool:
    size = sum(len(name) + _encoded_bytes(content) for name, content in files.items())
    names = all(_KEY.fullmatch(name) and name not in (".", "..") for name in files)
    return bool(files) and names and size <= MAX_CONFIG_MAP_BYTES and len(files) <= MAX_KEYS


def _encoded_bytes(content: bytes) -> int:
    return len(content) if text_of(content) is not None else len(content) * 4 // 3 + 4


def _fits_inline(files: Mapping[str, bytes]) -> bool:
    texts = [text_of(content) for content in files.values()]
    return (
        0 < len(files) <= MAX_INLINE_FILES
        and all(text is not None and len(text) <= MAX_INLINE_CHARS for text in texts)
        and all(_is_path(name) for name in files)
        and sum(map(len, files.values())) <= MAX_INLINE_BYTES
    )


def _is_path(name: str) -> bool:
    return _PATH.fullmatch(name) is not None and not {".", ".."} & set(name.split("/"))


def text_of(content: bytes) -> str | None:
    """The text that a manifest can hold; None where it is none."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if all(_kept(text)) else None


def _kept(text: str) -> Iterator[bool]:
    yield "\x00" not in text
    yield not re.search(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]", text)
