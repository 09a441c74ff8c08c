"""What is said twice, in files of different kinds, is the same."""

from pathlib import Path

import pytest
import yaml

from tests.cluster import golang
from tests.cluster.addons import MANIFESTS
from tests.cluster.engine import configuration
from tests.cluster.places import PACKAGE, Places, places
from tests.cluster.programs import MODULE
from tests.cluster.versions import (
    BASE_IMAGE,
    CLUSTER,
    KUBERNETES,
    METRICS_SERVER_IMAGE,
    NODES,
    REGISTRY,
    REGISTRY_FROM_PODS,
    SCORING_PORT,
    UV,
)


def test_kind_config_is_the_cluster_that_the_program_expects() -> None:
    config = yaml.safe_load(places().kind_config.read_text())
    mapping = {
        "containerPort": SCORING_PORT,
        "hostPort": SCORING_PORT,
        "listenAddress": "127.0.0.1",
    }
    assert config["name"] == CLUSTER
    assert [f"{CLUSTER}-{node['role']}" for node in config["nodes"]] == list(NODES)
    assert config["nodes"][0]["extraPortMappings"] == [mapping]


def test_bootstrap_installs_the_uv_that_the_program_uses() -> None:
    assert f"\nuv_version={UV} " in (PACKAGE / "bootstrap.sh").read_text()


def test_the_manifests_name_our_images_and_our_registry() -> None:
    assert f"image: {METRICS_SERVER_IMAGE}\n" in (MANIFESTS / "metrics-server.yaml").read_text()
    assert f"image: {BASE_IMAGE}\n" in (MANIFESTS / "probe.yaml").read_text()
    announced = (MANIFESTS / "registry.yaml").read_text()
    assert f'host: "{REGISTRY}"' in announced
    assert f'hostFromClusterNetwork: "{REGISTRY_FROM_PODS}"' in announced


def test_what_is_compiled_is_the_kubernetes_that_the_node_image_is_made_for() -> None:
    assert f"\tk8s.io/kubernetes {KUBERNETES}\n" in (MODULE / "go.mod").read_text()


@pytest.mark.parametrize(
    ("environment", "cache"),
    [
        pytest.param({"FAIRLEAD_CACHE": "/big/disk", "XDG_CACHE_HOME": "/x"}, "/big/disk"),
        pytest.param({"XDG_CACHE_HOME": "/x"}, "/x/fairlead"),
        pytest.param({}, str(Path.home() / ".cache/fairlead")),
    ],
)
def test_the_cache_is_where_the_environment_says(environment: dict[str, str], cache: str) -> None:
    assert places(environment).cache == Path(cache)


def test_our_engine_wraps_runc_only_where_it_must() -> None:
    here = Places(Path("/checkout"), Path("/cache"))
    plain = {
        "data-root": "/cache/docker",
        "exec-root": "/run/fairlead/docker",
        "pidfile": "/run/fairlead/docker.pid",
    }
    wrapped = {"runtimes": {"bounded": {"path": "/wrap"}}, "default-runtime": "bounded"}
    assert configuration(here, None) == plain
    assert configuration(here, Path("/wrap")) == plain | wrapped


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("go version go1.26.6 linux/amd64", (1, 26, 6)),
        ("go version go1.27 darwin/arm64", (1, 27, 0)),
        ("no Go at all", ()),
    ],
)
def test_gos_version_is_read(told: str, version: tuple[int, ...]) -> None:
    assert golang.version(told) == version
