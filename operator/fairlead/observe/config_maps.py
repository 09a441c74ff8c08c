"""Users' ConfigMaps: read by name at each look, their content only when they have changed."""

import base64
from collections import OrderedDict
from collections.abc import Mapping

from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import Cluster

MAX_CACHED_CONTENTS = 64  # contents, of a MiB each at the most


class ConfigMaps:
    """Contents by uid and resource version: a version never changes, so nothing gets stale."""

    def __init__(self) -> None:
        self._contents: OrderedDict[tuple[str, str], Mapping[str, bytes]] = OrderedDict()

    async def files(
        self, cluster: Cluster, namespace: str, name: str
    ) -> Mapping[str, bytes] | None:
        """Return every key as a file, or None where there is no such ConfigMap."""
        ref = Ref("v1", "configmaps", namespace, name)
        seen = await cluster.get_metadata(ref)
        if seen is None:
            return None
        if _version(seen) in self._contents:
            self._contents.move_to_end(_version(seen))
            return self._contents[_version(seen)]
        found = await cluster.get(ref)
        return None if found is None else self._remember(found)

    def _remember(self, found: Manifest) -> Mapping[str, bytes]:
        files = files_of(found)
        self._contents[_version(found)] = files
        if len(self._contents) > MAX_CACHED_CONTENTS:
            self._contents.popitem(last=False)
        return files


def files_of(config_map: Manifest) -> Mapping[str, bytes]:
    """``data`` and ``binaryData`` as they are: every key is a file."""
    text = {name: content.encode() for name, content in (config_map.get("data") or {}).items()}
    binary = config_map.get("binaryData") or {}
    return {**text, **{name: base64.b64decode(content) for name, content in binary.items()}}


def _version(config_map: Manifest) -> tuple[str, str]:
    meta = config_map["metadata"]
    return meta["uid"], meta["resourceVersion"]
