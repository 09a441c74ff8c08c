"""A namespace for tests: objects in memory, and an operator that looks at once at what is new."""

import base64
import copy
import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fairlead.api.refs import Manifest, Ref, ref_of
from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.objects import ConflictError
from fairlead.images.hashes import folder_digest

CREATED = "2026-11-22T10:03:11Z"
Operator = Callable[[Manifest], dict[str, Any]]


def ready(reason: str, message: str = "") -> list[dict[str, str]]:
    return [{"type": "Ready", "status": "True", "reason": reason, "message": message}]


def stalled(reason: str, message: str) -> list[dict[str, str]]:
    said = {"status": "False", "reason": reason, "message": message}
    return [{"type": "Ready", **said}, {**said, "type": "Stalled", "status": "True"}]


def waiting_for(reason: str, message: str) -> list[dict[str, str]]:
    return [{"type": "Ready", "status": "False", "reason": reason, "message": message}]


def does_it_all(one: Manifest) -> dict[str, Any]:
    """The status of an operator that succeeds at once; each new spec is the next version."""
    number, name = one["metadata"]["generation"], one["metadata"]["name"]
    if one["kind"] == "Model":
        versions = [
            {"version": at, "digest": f"sha256:{at:064}", "registeredAt": CREATED}
            for at in range(1, number + 1)
        ]
        told = {"latestVersion": number, "versions": versions}
        return {**told, "conditions": ready("Stored")}
    if one["kind"] == "InferenceImage":
        history = [
            {"version": at, "hash": "h", "digest": f"sha256:{at:064}"}
            for at in range(1, number + 1)
        ]
        return {
            "version": number,
            "imageLocation": f"registry.example.com/team/{name}:{number}",
            "imageDigest": f"sha256:{number:064}",
            "build": {"id": f"{number}-1", "logUri": f"/logs/{name}/{number}-1"},
            "history": history,
            "conditions": ready("Built"),
        }
    if one["kind"] == "Webservice":
        return {
            "state": "Healthy",
            "scoringUri": f"http://{name}.team.svc/score",
            "swaggerUri": f"http://{name}.team.svc/swagger.json",
            "conditions": ready("Serving"),
        }
    return {}


@dataclass
class FakeObjects:
    """``Objects``. ``operator`` answers what is new; ``answer`` is what services answer."""

    namespace: str = "team"
    operator: Operator = does_it_all
    kept: dict[str, Manifest] = field(default_factory=dict)
    answer: bytes = b'{"result": [1.5]}'
    asked: list[bytes] = field(default_factory=list)
    before_get: list[Callable[[], None]] = field(default_factory=list)

    def get(self, ref: Ref) -> Manifest | None:
        if self.before_get:
            self.before_get.pop(0)()
        return copy.deepcopy(self.kept.get(ref.path))

    def items(self, ref: Ref, selector: str = "") -> Sequence[Manifest]:
        name, _, value = selector.partition("=")
        return [
            copy.deepcopy(one)
            for path, one in sorted(self.kept.items())
            if path.startswith(f"{ref.path}/")
            and (not selector or one["metadata"]["labels"].get(name) == value)
        ]

    def create(self, manifest: Manifest) -> Manifest:
        path = ref_of(manifest).path
        if path in self.kept:
            raise WebserviceException(f"{path} exists")
        made = copy.deepcopy(manifest)
        uid = f"uid-{len(self.kept)}"
        new = {"uid": uid, "generation": 1, "creationTimestamp": CREATED, "resourceVersion": "1"}
        made["metadata"].update(new)
        self.kept[path] = made
        self.look(path)
        if made["kind"] == "Webservice" and "auth" not in made["spec"]:
            self._make_keys(made["metadata"]["name"])
        return copy.deepcopy(made)

    def merge(self, ref: Ref, patch: Manifest) -> Manifest:
        known = self.kept.get(ref.path)
        if known is None:
            raise WebserviceException(f"{ref.path} is not there")
        asked = patch.get("metadata", {}).get("resourceVersion")
        if asked not in (None, known["metadata"]["resourceVersion"]):
            raise ConflictError("the object has been modified")
        before = copy.deepcopy(known.get("spec"))
        changed = merged(known, patch)
        metadata = changed["metadata"]
        metadata["resourceVersion"] = str(int(known["metadata"]["resourceVersion"]) + 1)
        if changed.get("spec") != before:
            metadata["generation"] += 1
        self.kept[ref.path] = changed
        self.look(ref.path)
        return copy.deepcopy(changed)

    def delete(self, ref: Ref) -> bool:
        return self.kept.pop(ref.path, None) is not None

    def make_namespace(self) -> bool:
        new = "namespace" not in self.kept
        self.kept["namespace"] = {}
        return new

    def logs(self, service: str, lines: int, *, init: bool) -> str:
        return f"{service} {lines} {init}"

    def replace_key(self, service: str, key: str, *, primary: bool) -> None:
        name = "primaryKey" if primary else "secondaryKey"
        data = {name: base64.b64encode(key.encode()).decode()}
        ref = Ref("v1", "secrets", self.namespace, f"{service}-fairlead-keys")
        self.merge(ref, {"data": data})

    def score(self, service: str, body: bytes) -> bytes:
        assert service
        self.asked.append(body)
        return self.answer

    def look(self, path: str) -> None:
        """What the operator does when it sees the object."""
        one = self.kept[path]
        status = self.operator(one) if "spec" in one else {}
        if status:
            one["status"] = {"observedGeneration": one["metadata"]["generation"], **status}
        if one["kind"] == "Webservice":
            self._add_revision(one)
        if one["kind"] == "InferenceImage":
            for service in self.of("Webservice"):
                self._add_revision(service)
        if one["kind"] == "Model" and status.get("versions"):
            digest = self._digest(one)
            status["versions"][-1]["digest"] = digest or status["versions"][-1]["digest"]

    def of(self, kind: str) -> list[Manifest]:
        """All objects of a kind."""
        return [one for one in self.kept.values() if one.get("kind") == kind]

    def _add_revision(self, service: Manifest) -> None:
        """It serves what its image is, unless the test's operator says otherwise."""
        name, status = service["spec"].get("imageRef", {}).get("name"), service.get("status", {})
        image = self.kept.get(
            f"/apis/{service['apiVersion']}/namespaces/team/inferenceimages/{name}"
        )
        if image and not status.get("revision", {}).get("said"):
            digest = image.get("status", {}).get("imageDigest")
            status["revision"] = {"active": f"x@{digest}", "target": f"x@{digest}"}

    def _digest(self, model: Manifest) -> str | None:
        """Of the files that a ConfigMap holds for the model."""
        held = model["spec"]["source"].get("configMap")
        if held is None:
            return None
        ref = Ref("v1", "configmaps", self.namespace, held["name"])
        (content,) = map(base64.b64decode, self.kept[ref.path]["binaryData"].values())
        if not model["spec"].get("unpack"):
            return _sha256(content)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = {one.name: archive.extractfile(one) for one in archive}
            digests = {name: _sha256(file.read()) for name, file in files.items() if file}
        inner = {name.partition("/")[2]: one for name, one in digests.items()}
        return folder_digest(inner) if all(inner) else next(iter(digests.values()))

    def _make_keys(self, name: str) -> None:
        data = {
            key: base64.b64encode(key.encode()).decode() for key in ("primaryKey", "secondaryKey")
        }
        metadata = {"name": f"{name}-fairlead-keys", "namespace": self.namespace, "labels": {}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
        path = ref_of(secret).path
        self.kept.setdefault(path, {**secret, "metadata": {**metadata, "resourceVersion": "1"}})


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def merged(old: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    found = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found
