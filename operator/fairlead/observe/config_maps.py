"""Users' ConfigMaps: their metadata is watched, their content read when it has changed."""

import base64
from collections import OrderedDict
from collections.abc import Mapping

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import Cluster
from fairlead.errors import StalledError
from fairlead.observe.cache import Cache

MAX_FILES = 500  # keys: each is hashed and written, however small it is
MAX_CACHED_BYTES = 16 * 1024 * 1024  # of all contents; a ConfigMap holds a MiB at most
Files = Mapping[str, bytes]


class ConfigMaps:
    """Contents by uid and version: a version never changes, so nothing gets stale."""

    def __init__(self, cluster: Cluster, cache: Cache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._contents: OrderedDict[tuple[str, str], Files] = OrderedDict()
        self._bytes = 0

    async def files(self, namespace: str, name: str) -> Files | None:
        """Return every key as a file, or None where there is no such ConfigMap."""
        entry = self._cache.config_map(namespace, name)
        if entry is None:
            return None
        known = (entry.uid, str(entry.version))
        if known in self._contents:
            self._contents.move_to_end(known)
            return self._contents[known]
        found = await self._cluster.get(Ref("v1", "configmaps", namespace, name))
        return None if found is None else self._remember(found)

    def _remember(self, found: Manifest) -> Files:
        meta, files = found["metadata"], files_of(found)
        self._contents[meta["uid"], meta["resourceVersion"]] = files
        self._bytes += _size(files)
        while self._bytes > MAX_CACHED_BYTES and len(self._contents) > 1:
            self._bytes -= _size(self._contents.popitem(last=False)[1])
        return files


def files_of(config_map: Manifest) -> Files:
    """``data`` and ``binaryData`` as they are: every key is a file. Raises ``StalledError``."""
    data, binary = config_map.get("data") or {}, config_map.get("binaryData") or {}
    if len(data) + len(binary) > MAX_FILES:
        name, keys = config_map["metadata"]["name"], len(data) + len(binary)
        what = f"ConfigMap '{name}' has {keys} keys; a source has at most {MAX_FILES} files."
        raise StalledError(Reason.SOURCE_TOO_LARGE, what)
    text = {name: content.encode() for name, content in data.items()}
    return {**text, **{name: base64.b64decode(content) for name, content in binary.items()}}


def _size(files: Files) -> int:
    return sum(map(len, files)) + sum(map(len, files.values()))
