"""What a Git repository applies: kustomize with names that have a hash of their content."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairlead.api.refs import Manifest
from tests.cluster import Cluster
from tests.cluster.places import places
from tests.e2e.scene import Scene, score

EXAMPLE = places().checkout / "examples/kustomize"
HEAD = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
EVERY_REFERENCE = """\
apiVersion: fairlead.dev/v1alpha1
kind: InferenceImage
metadata: {name: greeter}
spec:
  baseImage: python
  pushSecretRef: {name: login}
  pullSecretRef: {name: login}
  build: {serviceAccountName: builder}
---
apiVersion: fairlead.dev/v1alpha1
kind: Model
metadata: {name: greeter}
spec: {serviceAccountName: builder}
"""
PLAIN_SERVICE = """\
apiVersion: fairlead.dev/v1alpha1
kind: Webservice
metadata: {name: plain}
spec: {image: registry.example.com/greeter, pullSecretRef: {name: login}}
"""
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: builder}\n"
EXPOSED = {"type": "NodePort"}
NODE_PORT = [{"op": "add", "path": "/spec/expose", "value": EXPOSED}]


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """A folder beside a copy of the example."""
    shutil.copytree(EXAMPLE, tmp_path / "greeter")
    folder = tmp_path / "overlay"
    folder.mkdir()
    return folder


def write(folder: Path, **fields: Any) -> None:
    text = yaml.safe_dump({**HEAD, "resources": ["../greeter"], **fields})
    (folder / "kustomization.yaml").write_text(text)


def built(cluster: Cluster, folder: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(cluster.run_kubectl("kustomize", str(folder))))


def one(manifests: Iterable[Manifest], kind: str, name: str = "") -> Manifest:
    [found] = [m for m in manifests if m["kind"] == kind and name in m["metadata"]["name"]]
    return found


def test_kustomize_rewrites_every_reference(cluster: Cluster, overlay: Path) -> None:
    for name, text in (("every", EVERY_REFERENCE), ("plain", PLAIN_SERVICE), ("account", ACCOUNT)):
        (overlay / f"{name}.yaml").write_text(text)
    login = {"name": "login", "type": "kubernetes.io/dockerconfigjson"}
    images = [
        {"name": "python", "newTag": "3.12-slim"},
        {"name": "registry.example.com/greeter", "newTag": "7"},
    ]
    write(
        overlay,
        namePrefix="dev-",
        resources=["../greeter", "plain.yaml", "account.yaml"],
        patches=[{"path": "every.yaml"}],
        secretGenerator=[{**login, "literals": [".dockerconfigjson={}"]}],
        images=images,
    )
    made = built(cluster, overlay)
    secret = one(made, "Secret")["metadata"]["name"]
    files = {part: one(made, "ConfigMap", part)["metadata"]["name"] for part in ("code", "model")}
    assert secret.startswith("dev-login-")
    assert files["code"].startswith("dev-greeter-code-")
    image, model = one(made, "InferenceImage")["spec"], one(made, "Model")
    assert image["source"] == {"configMap": {"name": files["code"]}}
    assert model["spec"]["source"] == {"configMap": {"name": files["model"]}}
    assert image["models"] == [{"name": model["metadata"]["name"]}] == [{"name": "dev-greeter"}]
    assert image["pushSecretRef"] == image["pullSecretRef"] == {"name": secret}
    accounts = [image["build"]["serviceAccountName"], model["spec"]["serviceAccountName"]]
    assert accounts == ["dev-builder", "dev-builder"]
    assert image["baseImage"] == "python:3.12-slim"
    assert one(made, "Webservice", "greeter")["spec"]["imageRef"] == {"name": "dev-greeter"}
    plain = one(made, "Webservice", "plain")["spec"]
    assert (plain["image"], plain["pullSecretRef"]) == (
        "registry.example.com/greeter:7",
        {"name": secret},
    )


def test_without_our_configuration_the_names_would_be_wrong(
    cluster: Cluster, overlay: Path
) -> None:
    write(overlay, namePrefix="dev-")
    below = overlay.parent / "greeter/kustomization.yaml"
    below.write_text(below.read_text().replace("configurations: [fairlead.yaml]\n", ""))
    image = one(built(cluster, overlay), "InferenceImage")
    assert image["spec"]["models"] == [{"name": "greeter"}]


def test_a_changed_file_gets_a_new_name_and_is_served(scene: Scene, overlay: Path) -> None:
    target = {"kind": "Webservice", "name": "greeter"}
    write(overlay, patches=[{"target": target, "patch": yaml.safe_dump(NODE_PORT)}])
    scene.kubectl("apply", "-k", str(overlay))
    scene.reason("webservice", "Serving", "greeter")
    address = scene.address("greeter")
    assert score(address, {"name": "Ada"}).json() == "Hello, Ada!"
    before = scene.get("inferenceimage", "greeter")
    script = overlay.parent / "greeter/score.py"
    script.write_text(script.read_text().replace("!", "?"))
    scene.kubectl("apply", "-k", str(overlay))
    scene.until(lambda: score(address, {"name": "Ada"}).json(), lambda said: said == "Hello, Ada?")
    after = scene.get("inferenceimage", "greeter")
    assert after["spec"]["source"] != before["spec"]["source"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    scene.reason("webservice", "Serving", "greeter")
    script.write_text(script.read_text().replace("?", "!"))
    scene.kubectl("apply", "-k", str(overlay))  # a revert: built before
    scene.until(lambda: score(address, {"name": "Ada"}).json(), lambda said: said == "Hello, Ada!")
    assert scene.get("inferenceimage", "greeter")["status"]["version"] == 1
