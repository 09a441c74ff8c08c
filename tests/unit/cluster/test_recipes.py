from tests.cluster.programs import BUILDKIT_PACKAGES, PACKAGES, linker_flags
from tests.cluster.recipes import (
    RECIPES,
    image_key,
    names_in_the_node,
    order,
    storage_manifest,
)

GO_SOURCE = """package nodeimage
const storageProvisionerImage = "docker.io/kindest/local-path-provisioner:v1"
const storageHelperImage = "docker.io/kindest/local-path-helper:v2"
const defaultStorageManifest = `
image: ` + storageProvisionerImage + `
helper: ` + storageHelperImage + `
`
"""
MANIFEST = """
image: docker.io/kindest/local-path-provisioner:v1
helper: docker.io/kindest/local-path-helper:v2
"""


def test_an_image_is_built_after_everything_it_needs() -> None:
    roles = order(["node", "python"], present=set())
    assert roles == [
        "debian",
        "node-packages",
        "control-plane-packages",
        "control-plane",
        "coredns",
        "pause",
        "node",
        "python",
    ]


def test_nothing_is_built_for_what_is_there() -> None:
    assert order(["node", "python"], present={"node", "debian"}) == ["python"]


def test_other_certificates_make_another_base_image_but_the_same_node() -> None:
    assert image_key("python", "one bundle") != image_key("python", "another bundle")
    assert image_key("node", "one bundle") == image_key("node", "another bundle")


def test_every_program_has_a_recipe_to_go_into_or_runs_on_the_machine() -> None:
    used = {program for recipe in RECIPES.values() for program in recipe.programs}
    assert used | {"kind", "kubectl"} == {*PACKAGES, *BUILDKIT_PACKAGES}


def test_kinds_storage_manifest_is_read_from_its_source() -> None:
    assert storage_manifest(GO_SOURCE) == MANIFEST


def test_a_node_finds_our_images_under_the_names_it_asks_for() -> None:
    tags = {role: f"fairlead/{role}:1" for role in RECIPES["node"].preloaded}
    lines = names_in_the_node(tags, MANIFEST).splitlines()
    assert "docker.io/fairlead/control-plane:1 registry.k8s.io/kube-proxy:v1.36.3" in lines
    assert "docker.io/fairlead/pause:1 registry.k8s.io/pause:3.10" in lines
    assert "docker.io/fairlead/control-plane:1 docker.io/kindest/local-path-helper:v2" in lines


def test_kubernetes_learns_its_version_from_the_linker() -> None:
    flags = linker_flags("kubectl")
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "-X k8s.io/client-go/pkg/version.gitMinor=36" in flags
    assert linker_flags("coredns") == "-s -w"
