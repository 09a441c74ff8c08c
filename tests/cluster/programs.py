"""Our programs, built from Go modules; kept by a key over everything that went in.

They are packages of one module, which pins every version, so that what they share is compiled once;
what makes and checks the chart, what judges objects as GitOps tools do, or alerts as Prometheus
does, BuildKit and Traefik have modules of their own, so that none rebuilds another.
Nothing is linked against a C library, so a program built here runs in any image.
"""

import fcntl
from collections.abc import Iterable
from pathlib import Path

from tests.cluster import golang
from tests.cluster.command import read, run
from tests.cluster.fingerprint import fingerprint
from tests.cluster.places import PACKAGE, Places
from tests.cluster.steps import Steps
from tests.cluster.versions import KUBERNETES

MODULE = PACKAGE / "go"
CHART_MODULE = PACKAGE / "go-charts"
GITOPS_MODULE = PACKAGE / "go-gitops"
MONITORING_MODULE = PACKAGE / "go-monitoring"
BUILDKIT_MODULE = PACKAGE / "go-buildkit"
INGRESS_MODULE = PACKAGE / "go-ingress"
BUILD_SETTINGS = {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
COMMON_FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")


PACKAGES = {
    "kubernetes": "./kubernetes",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "etcd": "./etcd",
    "coredns": "./coredns",
    "crictl": "sigs.k8s.io/cri-tools/cmd/crictl",
    "local-path-provisioner": "github.com/rancher/local-path-provisioner",
    "kind": "sigs.k8s.io/kind",
    "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server",
    "pause": "./pause",
    "runc-wrap": "./runc-wrap",
}
CONTROL_PLANE = ("etcd", "kubernetes", "kubectl")  # all that an API server without nodes needs
CHART_PACKAGES = {
    "helm": "helm.sh/helm/v4/cmd/helm",
    "helm-docs": "github.com/norwoodj/helm-docs/cmd/helm-docs",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
}
GITOPS_PACKAGES = {"health": "./health"}
MONITORING_PACKAGES = {"promtool": "github.com/prometheus/prometheus/cmd/promtool"}
TAGS = {"promtool": "remove_all_sd"}  # of what finds targets, which rules never do
BUILDKIT_PACKAGES = {
    "buildkitd": "github.com/moby/buildkit/cmd/buildkitd",
    "buildctl": "github.com/moby/buildkit/cmd/buildctl",
    "rootlesskit": "github.com/rootless-containers/rootlesskit/v2/cmd/rootlesskit",
}
INGRESS_PACKAGES = {"traefik": "github.com/traefik/traefik/v3/cmd/traefik"}


def program_path(places: Places, name: str) -> Path:
    """Where the program lies once it is built."""
    return places.programs / f"{name}-{program_key(name)}" / name


def program_key(name: str) -> str:
    module, package = _source(name)
    own = [module / package] if package.startswith("./") else []
    own += [module] if module == INGRESS_MODULE else []  # with what it puts in others' place
    versions = (module / "go.mod", module / "go.sum")
    return fingerprint(*versions, *own, package, *flags_of(name), linker_flags(name))


def compile_program(places: Places, steps: Steps, go: Path, name: str) -> Path:
    """Build the program unless it is there. A build cut short leaves nothing in its place."""
    path = program_path(places, name)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    module, package = _source(name)
    flags = (*flags_of(name), "-ldflags", linker_flags(name))
    with steps.step(f"Program {name} compiled"):
        run(
            [go, "build", *flags, "-o", fresh, package],
            folder=module,
            environment=BUILD_SETTINGS,
        )
    return fresh.rename(path)


def build_on_demand(places: Places, steps: Steps, names: Iterable[str]) -> None:
    """All are there when this returns; of two runs at a time one waits for the other."""
    missing = [name for name in names if not program_path(places, name).exists()]
    if not missing:
        return
    places.programs.mkdir(parents=True, exist_ok=True)
    with (places.programs / "on-demand.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        go = golang.located(places) or golang.install(places)
        for name in missing:
            compile_program(places, steps, go, name)


def _source(name: str) -> tuple[Path, str]:
    """The module that a program belongs to, and its package."""
    if name in CHART_PACKAGES:
        return CHART_MODULE, CHART_PACKAGES[name]
    if name in GITOPS_PACKAGES:
        return GITOPS_MODULE, GITOPS_PACKAGES[name]
    if name in MONITORING_PACKAGES:
        return MONITORING_MODULE, MONITORING_PACKAGES[name]
    if name in BUILDKIT_PACKAGES:
        return BUILDKIT_MODULE, BUILDKIT_PACKAGES[name]
    if name in INGRESS_PACKAGES:
        return INGRESS_MODULE, INGRESS_PACKAGES[name]
    return MODULE, PACKAGES[name]


def flags_of(name: str) -> tuple[str, ...]:
    """Those of all programs, and the tags of this one."""
    tags = ("-tags", TAGS[name]) if name in TAGS else ()
    return (*COMMON_FLAGS, *tags)


def linker_flags(name: str) -> str:
    """Without debug tables; Kubernetes' programs learn their version from here and nowhere else."""
    if name not in ("kubernetes", "kubectl"):
        return "-s -w"
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    values = {
        "gitVersion": KUBERNETES,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    settings = (f"-X {package}.{key}={values[key]}" for package in packages for key in values)
    return " ".join(["-s -w", *settings])


def source_of(go: Path, dependency: str, module: Path = MODULE) -> Path:
    """The source of a dependency, as Go keeps it."""
    inside = (go, "-C", module)
    run([*inside, "mod", "download", dependency], environment=BUILD_SETTINGS)
    listing = ("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", dependency)
    return Path(read([*inside, *listing], environment=BUILD_SETTINGS).strip())
