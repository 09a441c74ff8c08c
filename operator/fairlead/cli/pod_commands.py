"""`shell`, `edit` and `commit` of a service of the cluster."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fairlead.cli.changes import confirm, show_diff
from fairlead.cli.cluster import Session, warn_of_git
from fairlead.cli.output import say

if TYPE_CHECKING:
    from fairlead.remote.pod_commit import Home
    from fairlead.remote.pod_source import PodSource


class PodService:
    """One that a person has named as wsvc/NAME. All of it raises ``LocalError``."""

    def __init__(self, name: str, namespace: str | None, context: str | None) -> None:
        from fairlead.api.meta import WEBSERVICE
        from fairlead.remote.debugging import image_of, not_one_of_ours

        self._session = Session(namespace, context)
        self._target = self._session.target([name])
        if self._target.kind is not WEBSERVICE:
            raise not_one_of_ours(self._target)
        self._service = self._session.get(self._target)
        self._image = image_of(self._service, self._target)

    @property
    def _spoken(self) -> str:
        return f"wsvc/{self._target.name}"

    def shell(self, command: Sequence[str]) -> int:
        from fairlead.remote.pod_shell import shell
        from fairlead.remote.pod_source import running_place

        client = self._session.client
        place = running_place(client, self._target)
        return shell(client.access, place, command)

    def edit(self, file: str | None) -> None:
        from fairlead.local.editor import edited, editor_of

        editor, source = editor_of(os.environ), self._source()
        before = source.now()

        def take(after: Mapping[str, bytes]) -> None:
            if after == before:
                say(["Nothing was changed."])
                return
            show_diff(before, after)
            source.put(before, after)
            say(
                [
                    f"'{self._target.name}' has loaded it; it is in this pod alone.",
                    f"Keep it: fairlead commit {self._spoken}",
                ]
            )

        edited(before, file or self._entry_script(before), editor, take)

    def commit(self, folder: Path | None, *, yes: bool) -> None:
        from fairlead.remote.pod_commit import Folder, pending

        source = self._source()
        given, now = source.given(), source.now()
        home: Home = Folder(folder) if folder else self._home()
        found = pending(given, now, home)
        if not found.files:
            say([f"Nothing was edited in '{self._target.name}' that {home.words} does not have."])
            return
        show_diff(found.before, found.files)
        confirm(found.conflicts, yes=yes, whose=home.words)
        home.write(found.files)
        say([f"Written to {home.words}."])
        if folder is None:
            say([f"A new version is made of it: fairlead wait {self._spoken}"])

    def _source(self) -> "PodSource":
        from fairlead.remote.pod_source import PodSource, debug_place

        client = self._session.client
        return PodSource(client.access, debug_place(client, self._target))

    def _home(self) -> "Home":
        from fairlead.api.reasons import Reason
        from fairlead.local.errors import refusal
        from fairlead.remote.pod_commit import FOLDER, home_of

        if self._image is None:
            message = f"{self._target.words} serves an image by its name, whose source is nowhere."
            raise refusal(Reason.INVALID_SPEC, message, f"To keep the edit, {FOLDER}")
        image = self._session.get(self._image)
        home, manifest = home_of(self._session.client, self._image, image)
        for one in {id(one): one for one in (image, manifest)}.values():
            warn_of_git(one)
        return home

    def _entry_script(self, files: Mapping[str, bytes]) -> str:
        """What the InferenceImage names; else the only script, if there is one."""
        from fairlead.remote.state import mapping

        spec = mapping(self._session.get(self._image).get("spec")) if self._image else mapping(None)
        scripts = [name for name in files if name.endswith(".py")]
        return str(spec.get("entryScript") or (scripts[0] if len(scripts) == 1 else "score.py"))
