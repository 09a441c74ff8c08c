"""The chart on the test cluster."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster import Cluster
from tests.cluster.operator_image import name as image_name
from tests.integration.chart.administrator import (
    NAMESPACES,
    RESTRICTED,
    Administrator,
    remove_all,
)


@pytest.fixture(scope="module")
def administrator(
    cluster: Cluster,
    helm: Path,
    operator_image: str,
    front: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Administrator]:
    """A cluster without anything of ours, before and after."""
    settings = tmp_path_factory.mktemp("values") / "cluster.yaml"
    values = {
        "image": {"repository": operator_image.rpartition(":")[0]},
        "taskImage": {"repository": image_name("tasks").rpartition(":")[0]},
        "settings": {
            "registry": cluster.registry,
            "registryPush": cluster.registry_from_pods,
            "insecureHosts": cluster.registry_from_pods,
            "defaultBaseImage": cluster.base_image,
            "frontImage": front,
        },
    }
    settings.write_text(yaml.safe_dump(values))
    one = Administrator(cluster, helm, settings)
    remove_all(one)
    for namespace in NAMESPACES:
        one.kubectl("create", "namespace", namespace)
        one.kubectl("label", "namespace", namespace, RESTRICTED)
    yield one
    for release in json.loads(one.helm("list", "--all-namespaces", "--output", "json")):
        one.helm("uninstall", release["name"], "--namespace", release["namespace"])
    remove_all(one)
