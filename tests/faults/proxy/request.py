"""What one HTTP request asks of the Kubernetes API, read from its method, path and query. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Kinds without a namespace: their paths look like a list over all namespaces of another kind.
CLUSTER_SCOPED = frozenset(
    {"namespaces", "nodes", "persistentvolumes", "customresourcedefinitions", "clusterroles"}
)
VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


@dataclass(frozen=True)
class ApiRequest:
    """``verb``: get, list, watch, create, patch, update, delete; "other" where no object is meant
    (discovery, health). Fields that the path does not have are empty."""

    method: str
    path: str
    verb: str
    prefix: str = ""
    """``/api/v1`` or ``/apis/<group>/<version>``."""
    namespace: str = ""
    plural: str = ""
    name: str = ""
    subresource: str = ""
    manager: str = ""

    @property
    def is_write(self) -> bool:
        return self.verb in VERBS.values()

    def within(self, namespace: str) -> str:
        """The path, with a list or watch over all namespaces confined to ``namespace``."""
        everywhere = self.verb in ("list", "watch") and not self.namespace
        if not everywhere or self.plural in CLUSTER_SCOPED:
            return self.path
        return f"{self.prefix}/namespaces/{namespace}/{self.plural}"


def read_request(method: str, path: str, query: Mapping[str, str]) -> ApiRequest:
    """Return what is asked for; any path gives a request."""
    parts = [part for part in path.split("/") if part]
    size = {"api": 2, "apis": 3}.get(parts[0] if parts else "", 0)
    manager = query.get("fieldManager", "")
    if not size or len(parts) <= size:
        return ApiRequest(method, path, "other", manager=manager)
    prefix, rest = "/" + "/".join(parts[:size]), parts[size:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = [*rest, "", ""][:3]
    return ApiRequest(
        method, path, _verb(method, name, query), prefix, namespace, plural, name, subresource,
        manager,
    )  # fmt: skip


def subject(request: ApiRequest, body: bytes) -> str:
    """What a write is about, so that the same write of another run is recognised.

    ``patch webservices/diabetes/status RollingOut``: for a status the reason of ``Ready``, for an
    Event its reason. Names that the server makes up are left out.
    """
    what = "/".join(part for part in (request.plural, request.name, request.subresource) if part)
    manager = f" as {request.manager}" if request.manager not in ("", "fairlead-operator") else ""
    detail = _reason(_manifest(body))
    return f"{request.verb} {what}{manager}{f' {detail}' if detail else ''}"


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method != "GET":
        return VERBS.get(method, "other")
    if query.get("watch") in ("true", "1", "True"):
        return "watch"
    return "get" if name else "list"


def _manifest(body: bytes) -> Mapping[str, Any]:
    try:
        manifest = json.loads(body)
    except ValueError:  # no body, or one that is not JSON
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _reason(manifest: Mapping[str, Any]) -> str:
    if manifest.get("kind") == "Event":
        about = manifest.get("regarding", {})
        return f"{about.get('kind', '')} {about.get('name', '')} {manifest.get('reason', '')}"
    conditions = (manifest.get("status") or {}).get("conditions") or []
    ready = (c.get("reason", "") for c in conditions if c.get("type") == "Ready")
    return str(next(ready, ""))
