"""Objects of the cluster, read over one connection that stays open.

A test looks three times a second while it waits, and a kubectl costs a tenth of a second of CPU
each time; what a person does (apply, delete, describe) is kubectl's all the same.
"""

import ssl
import tempfile
from base64 import b64decode
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.cluster.errors import ClusterError

DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
TIMEOUT_S = 120.0

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """A kind, as the API server has it: ``/apis/apps/v1``, ``deployments``."""

    prefix: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Of all objects of a namespace, or of one; an empty namespace is all of them."""
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.prefix}{place}/{self.plural}" + (f"/{name}" if name else "")


@dataclass
class Objects:
    """May be used from every thread. What is missing or refused is a ``ClusterError``."""

    client: httpx.Client
    _known: dict[str, Resource] = field(default_factory=dict)

    def get(self, kind: str, name: str, namespace: str = "") -> Manifest:
        """``kind`` as kubectl takes it: a plural, a singular, a short name."""
        return _as_shown(self._ask(self._resource(kind).path(namespace, name)))

    def find(self, kind: str, name: str, namespace: str = "") -> Manifest | None:
        """The same; None where there is none."""
        found = self._answer(self._resource(kind).path(namespace, name))
        return None if found.status_code == HTTPStatus.NOT_FOUND else _as_shown(_body(found))

    def items(
        self, kind: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[Manifest]:
        """All of a kind, or of several with commas between; selectors as kubectl takes them."""
        chosen = {"labelSelector": labels, "fieldSelector": fields}
        query = {key: value for key, value in chosen.items() if value}
        lists = (self._ask(self._resource(one).path(namespace), query) for one in kind.split(","))
        return [_as_shown(item) for whole in lists for item in _items(whole)]

    def _resource(self, kind: str) -> Resource:
        if kind not in self._known:  # definitions come and go
            self._known = {**self._discovered("/apis"), **self._discovered("/api")}
        if kind not in self._known:
            raise ClusterError(f'the API server has no kind "{kind}"')
        return self._known[kind]

    def _discovered(self, root: str) -> dict[str, Resource]:
        """By each of a kind's names. The first group that has a name keeps it, as for kubectl."""
        found = dict[str, Resource]()
        for group in self._ask(root, headers={"Accept": DISCOVERY})["items"]:
            version = group["versions"][0]  # the one that the server prefers
            place = "/".join(
                [root, *filter(None, [group["metadata"].get("name")]), version["version"]]
            )
            for one in version.get("resources", ()):
                resource = Resource(place, one["resource"], one["scope"] == "Namespaced")
                names = (one["resource"], one.get("singularResource"), *one.get("shortNames", ()))
                for name in filter(None, names):
                    found.setdefault(name, resource)
        return found

    def _ask(
        self,
        path: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Manifest:
        return _body(self._answer(path, query, headers))

    def _answer(
        self,
        path: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            return self.client.get(path, params=query, headers=headers)
        except httpx.TransportError as error:
            raise ClusterError(f"the API server did not answer: {error!r}") from error


@lru_cache
def objects_of(kubeconfig: Path) -> Objects:
    """Those that the kubeconfig's first user may read, in its first cluster."""
    read = yaml.safe_load(kubeconfig.read_text())
    cluster, user = read["clusters"][0]["cluster"], read["users"][0]["user"]
    authority = b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    if "token" in user:
        return _objects(cluster["server"], context, {"Authorization": f"Bearer {user['token']}"})
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # OpenSSL reads files only
        file.write(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
        file.flush()
        context.load_cert_chain(file.name)
    return _objects(cluster["server"], context)


def _objects(
    server: str, context: ssl.SSLContext, headers: dict[str, str] | None = None
) -> Objects:
    client = httpx.Client(base_url=server, verify=context, timeout=TIMEOUT_S, headers=headers)
    return Objects(client)


def _body(answer: httpx.Response) -> Manifest:
    if answer.is_success:
        return dict(answer.json())
    said = f"{answer.request.url.path}: {answer.status_code}"
    raise ClusterError(said, tail=answer.text.splitlines())


def _items(whole: Manifest) -> list[Manifest]:
    """Of a list, each with the kind that the list has for all."""
    about = {"apiVersion": whole["apiVersion"], "kind": whole["kind"].removesuffix("List")}
    return [{**about, **item} for item in whole["items"]]


def _as_shown(manifest: Manifest) -> Manifest:
    """As kubectl shows it: without the fields' managers."""
    metadata = {key: it for key, it in manifest["metadata"].items() if key != "managedFields"}
    return {**manifest, "metadata": metadata}
