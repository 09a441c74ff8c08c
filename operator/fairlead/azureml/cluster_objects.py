"""The objects of a namespace, over the Kubernetes API: as whom the kubeconfig says."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from fairlead.api.meta import WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref, ref_of
from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.objects import ConflictError
from fairlead.local.errors import LocalError
from fairlead.remote.client import Client
from fairlead.remote.kubeconfig import access
from fairlead.remote.logs import Wanted, service_logs
from fairlead.remote.rotation import await_key, write_key
from fairlead.remote.scoring import score
from fairlead.remote.targets import Target
from fairlead.remote.which import Which

NAMESPACES = "/api/v1/namespaces"
KEY_TIMEOUT_S = 300.0  # seconds until the kubelets have brought a new key to all replicas


class ClusterObjects:
    """``Objects`` for real. The kubeconfig is read when it is first needed."""

    def __init__(self, namespace: str, client: Client | None = None) -> None:
        self.namespace = namespace
        if client is not None:
            self.__dict__["_client"] = client

    @cached_property
    def _client(self) -> Client:
        return Client(access(os.environ))

    def get(self, ref: Ref) -> Manifest | None:
        with _translated():
            return self._client.get(ref)

    def items(self, ref: Ref, selector: str = "") -> Sequence[Manifest]:
        asked = {"labelSelector": selector} if selector else {}
        with _translated():
            found = self._client.items(ref, **asked)
        kind = {plural: kind for kind, plural in _KINDS.items()}.get(ref.plural, ref.plural)
        return [{"apiVersion": ref.api_version, "kind": kind, **one} for one in found]

    def create(self, manifest: Manifest) -> Manifest:
        ref = ref_of(manifest)
        path = Ref(ref.api_version, ref.plural, ref.namespace).path
        with _translated():
            return self._client.create(path, manifest, f"Creating {manifest['kind']} '{ref.name}'")

    def merge(self, ref: Ref, patch: Manifest) -> Manifest:
        with _translated():
            return self._client.merge(ref, patch)

    def delete(self, ref: Ref) -> bool:
        with _translated():
            return self._client.delete(ref)

    def make_namespace(self) -> bool:
        with _translated():
            if self._client.get(Ref("v1", "namespaces", "", self.namespace)) is not None:
                return False
            made = {"metadata": {"name": self.namespace}}
            whole = {"apiVersion": "v1", "kind": "Namespace", **made}
            self._client.create(NAMESPACES, whole, f"Creating namespace '{self.namespace}'")
            return True

    def logs(self, service: str, lines: int, *, init: bool) -> str:
        target = Target(WEBSERVICE, self.namespace, service)
        texts = dict[str, list[str]]()
        with _translated():
            for piece in service_logs(self._client, target, Wanted(tail=lines, init=init)):
                texts.setdefault(piece.pod, []).append(piece.content.decode(errors="replace"))
        whole = {pod: "".join(text) for pod, text in texts.items()}
        if len(whole) == 1:
            return next(iter(whole.values()))
        return "".join(f"--- {pod}\n{text}" for pod, text in whole.items())

    def replace_key(self, service: str, key: str, *, primary: bool) -> None:
        target = Target(WEBSERVICE, self.namespace, service)
        with _translated():
            write_key(self._client, target, Which.PRIMARY if primary else Which.SECONDARY, key)
            await_key(self._client, target, key, KEY_TIMEOUT_S, lambda *_: None)

    def score(self, service: str, body: bytes) -> bytes:
        target = Target(WEBSERVICE, self.namespace, service)
        with _translated("Received bad response from service."):
            manifest = self._client.get(target.ref) or {}
            return score(self._client, target, manifest, body, None)


_KINDS = {
    "Model": "models",
    "InferenceImage": "inferenceimages",
    "Webservice": "webservices",
    "ConfigMap": "configmaps",
}


@contextmanager
def _translated(begin: str = "") -> Iterator[None]:
    """What went wrong, with what to do about it."""
    try:
        yield
    except LocalError as error:
        found = error.finding
        lines = [begin, f"{found.reason}: {found.message}"]
        lines += [f"Remedy: {found.remedy}"] if found.remedy else []
        conflict = found.reason is Reason.FIELD_CONFLICT
        type_ = ConflictError if conflict else WebserviceException
        raise type_("\n".join(filter(None, lines)), inner_exception=error) from error
