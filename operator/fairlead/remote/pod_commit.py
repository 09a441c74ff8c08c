"""Where an edit of a debug pod is made permanent: the person's folder, or the object in the cluster
that its source comes from."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.finding import listed, shown
from fairlead.local.diffs import changed_names
from fairlead.local.edits import NEW_SUFFIX, write_whole
from fairlead.local.errors import LocalError, refusal
from fairlead.local.files import read_bytes
from fairlead.local.source import below
from fairlead.remote.client import Client
from fairlead.remote.plain_manifests import CONFIG_MAP_KEY
from fairlead.remote.state import mapping
from fairlead.remote.targets import Target

FOLDER = "name your folder of the source: --source-directory."
Files = Mapping[str, bytes]


class Home(Protocol):
    """Where a source comes from. All of it raises ``LocalError``."""

    words: str

    def current(self, names: list[str]) -> dict[str, bytes]:
        """What it has of these files."""
        ...

    def write(self, files: Files) -> None: ...


@dataclass(frozen=True)
class Pending:
    """``before``: what the home has of ``files`` now. ``conflicts``: changed there, too."""

    files: Files
    before: Files
    conflicts: tuple[str, ...]


def pending(given: Files, now: Files, home: Home) -> Pending:
    """``given`` is what the image has. A file that a script has written beside itself is no edit,
    and one that was deleted stays."""
    names = [
        name
        for name in changed_names(given, now)
        if name in now and (name in given or name.endswith(NEW_SUFFIX))
    ]
    before = home.current(names)
    files = {name: now[name] for name in names if before.get(name) != now[name]}
    return Pending(
        files=files,
        before={name: before[name] for name in files if name in before},
        conflicts=tuple(
            name for name in files if name in before and before[name] != given.get(name)
        ),
    )


class Folder:
    """A folder of this machine, which the app root stands for."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            message = f"{root} is no folder."
            raise refusal(Reason.FILE_NOT_FOUND, message, "Correct --source-directory.")
        self._root = root
        self.words = str(root)

    def current(self, names: list[str]) -> dict[str, bytes]:
        paths = {name: self._path(name) for name in names}
        return {name: read_bytes(path) for name, path in paths.items() if path.exists()}

    def write(self, files: Files) -> None:
        paths = {name: self._path(name) for name in files}
        for name, content in files.items():
            write_whole(paths[name], content)

    def _path(self, name: str) -> Path:
        """The file itself, links followed, which lies below the folder.

        What a pod says is a stranger's, and hidden files give a person's programs orders: git's
        configuration, hooks, an editor's tasks.
        """
        if any(part.startswith(".") for part in PurePosixPath(name).parts if part != ".."):
            message = f"{shown(name)} was changed in the pod, and is a hidden file."
            raise refusal(Reason.FILE_UNREADABLE, message, "Put the change there by hand.")
        path = below(self._root, name).resolve()
        if not path.is_relative_to(self._root.resolve()):
            message = f"{self._root / name} is a link that leads out of your folder."
            raise refusal(Reason.FILE_UNREADABLE, message, "Put the change there by hand.")
        return path


class Inline:
    """``spec.source.inline`` of an InferenceImage."""

    def __init__(self, client: Client, target: Target, image: Manifest) -> None:
        self._client, self._target = client, target
        self._version = mapping(image.get("metadata")).get("resourceVersion")
        inline = mapping(mapping(mapping(image.get("spec")).get("source")).get("inline"))
        self._files = mapping(inline.get("files"))
        self.words = target.words

    def current(self, names: list[str]) -> dict[str, bytes]:
        return {name: str(self._files[name]).encode() for name in names if name in self._files}

    def write(self, files: Files) -> None:
        texts = {name: _text(content) for name, content in files.items()}
        wrong = [shown(name) for name, text in texts.items() if text is None]
        if wrong:
            message = f"{listed(wrong)} is no text, which alone stands in {self.words}."
            raise refusal(Reason.INVALID_SPEC, message, f"Or {FOLDER}")
        patch = {"spec": {"source": {"inline": {"files": texts}}}}
        _merged(self._client, self._target.ref, patch, self._version, self.words)


class ConfigMap:
    """A ConfigMap, whose keys are the files."""

    def __init__(self, client: Client, ref: Ref, manifest: Manifest) -> None:
        self._client, self._ref = client, ref
        self._version = mapping(manifest.get("metadata")).get("resourceVersion")
        self._data = mapping(manifest.get("data"))
        self._binary = mapping(manifest.get("binaryData"))
        self.words = f"ConfigMap '{ref.name}' of namespace '{ref.namespace}'"

    def current(self, names: list[str]) -> dict[str, bytes]:
        texts = {name: str(self._data[name]).encode() for name in names if name in self._data}
        coded = {name: str(self._binary[name]) for name in names if name in self._binary}
        return {**texts, **{name: _decoded(text) for name, text in coded.items()}}

    def write(self, files: Files) -> None:
        wrong = [shown(name) for name in files if not CONFIG_MAP_KEY.fullmatch(name)]
        if wrong:
            message = f"{listed(wrong)} cannot be a key of {self.words}: it holds plain files."
            raise refusal(Reason.INVALID_SPEC, message, f"Rename it, or {FOLDER}")
        data, binary = dict[str, Any](), dict[str, Any]()
        for name, content in files.items():
            text = None if name in self._binary else _text(content)
            if text is None:
                binary[name] = base64.b64encode(content).decode()
                data |= {name: None} if name in self._data else {}
            else:
                data[name] = text
        patch = {"data": data} if data else {}
        patch |= {"binaryData": binary} if binary else {}
        _merged(self._client, self._ref, patch, self._version, self.words)


def home_of(client: Client, target: Target, image: Manifest) -> tuple[Home, Manifest]:
    """Where the source of an InferenceImage comes from, and the object that is changed there.

    Raises ``LocalError`` where it is nothing that is changed here.
    """
    source = mapping(mapping(image.get("spec")).get("source"))
    if source.get("inline"):
        return Inline(client, target, image), image
    name = str(mapping(source.get("configMap")).get("name") or "")
    if name:
        ref = Ref("v1", "configmaps", target.namespace, name)
        found = client.get(ref)
        if found is None:
            message = f"ConfigMap '{shown(name)}' of {target.words} is not there."
            raise refusal(Reason.NOT_FOUND, message, f"Make it again, or {FOLDER}")
        return ConfigMap(client, ref, found), found
    kind = "git" if source.get("git") else "an address"
    message = f"The source of {target.words} comes from {kind}: it is changed there."
    raise refusal(Reason.INVALID_SPEC, message, f"To write the edit to your files, {FOLDER}")


def _merged(client: Client, ref: Ref, patch: Manifest, version: object, words: str) -> None:
    try:
        client.merge(ref, {"metadata": {"resourceVersion": version}, **patch})
    except LocalError as error:
        if error.finding.reason != Reason.FIELD_CONFLICT:
            raise
        message = f"{words} has changed meanwhile: nothing was written."
        remedy = "Commit once more: the diff says what is there now."
        raise refusal(Reason.EDITS_NOT_COMMITTED, message, remedy) from error


def _text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return text.encode()
