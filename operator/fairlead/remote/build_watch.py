"""The log of a build, shown while somebody waits for what is built."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from fairlead.api.meta import INFERENCE_IMAGE
from fairlead.local.errors import LocalError
from fairlead.redact import printable
from fairlead.remote.client import Client
from fairlead.remote.logs import build_log
from fairlead.remote.state import mapping
from fairlead.remote.waiting import Look

ENDED = ("Succeeded", "Failed")
Write = Callable[[str], None]


class BuildWatch:
    """Follows each log once, as soon as a status names it; what it cannot read it leaves."""

    def __init__(self, client: Client, write: Write) -> None:
        self._client, self._write = client, write
        self._followed = set[str]()

    def __call__(self, look: Look) -> None:
        for manifest in look.manifests:
            build = mapping(mapping(manifest.get("status")).get("build"))
            uri = build.get("logUri")
            if manifest.get("kind") != INFERENCE_IMAGE.kind or not isinstance(uri, str):
                continue
            if uri not in self._followed and build.get("phase") not in ENDED:
                self._followed.add(uri)
                threading.Thread(target=self._follow, args=(manifest,), daemon=True).start()

    def _follow(self, image: Mapping[str, Any]) -> None:
        with suppress(LocalError):
            for line in build_log(self._client, image, None, follow=True):
                self._write(printable(line.decode(errors="replace")).rstrip("\n"))
