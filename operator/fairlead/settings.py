"""How this operator is set up: environment variables with the prefix ``FAIRLEAD_``, read once.

``docs/settings.md`` shows the same table; a test keeps the two equal.
"""

import hashlib
import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

from fairlead.from_environment import FromEnvironment

MIB, GIB = 1024**2, 1024**3
MAX_PORT = 65_535
QUANTITY = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?([mkMGT]|[KMGT]i)?")


def _words(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def quantities(text: str) -> dict[str, str]:
    """``cpu=1 memory=1Gi`` as a mapping. Raises ``ValueError``."""
    pairs = [word.partition("=")[::2] for word in text.replace(",", " ").split()]
    wrong = [name for name, value in pairs if not name or not QUANTITY.fullmatch(value)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: must be like cpu=500m memory=1Gi")
    return dict(pairs)


def _checked(text: str) -> str:
    quantities(text)
    return text


def pairs(text: str) -> dict[str, str]:
    """``team=ml example.com/use=true`` as a mapping. Raises ``ValueError``."""
    found = [word.partition("=")[::2] for word in text.replace(",", " ").split()]
    if any(not name or not value for name, value in found):
        raise ValueError("must be like example.com/use=true team=ml")
    return dict(found)


def _checked_pairs(text: str) -> str:
    pairs(text)
    return text


def _checked_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    if any(not HOSTS.fullmatch(host) for host in hosts):
        raise ValueError("must be like api.example.com *.{namespace}.example.com")
    return hosts


def _checked_classes(text: str) -> str:
    if any(controller not in CONTROLLERS for controller in pairs(text).values()):
        raise ValueError(f"must be a class and one of {', '.join(CONTROLLERS)}, like public=nginx")
    return text


def _checked_gateways(text: str) -> str:
    found = pairs(text).items()
    if any(not GATEWAY.fullmatch(name) or said not in SCHEMES for name, said in found):
        raise ValueError("must be like infra/public=https, or =http")
    return text


def _checked_address(address: str) -> str:
    if address and int(address.rpartition(":")[2]) > MAX_PORT:
        raise ValueError(f"the port must be {MAX_PORT} at the most")
    return address


def _named(value: object) -> object:
    if value == "":
        raise ValueError("must not be empty")  # it would be the folder that we are started in
    return value


CONTROLLERS = ("nginx", "haproxy", "haproxy-ingress", "application-gateway", "traefik", "other")
SCHEMES = ("https", "http")
GATEWAY = re.compile(r"[a-z0-9-]{1,63}/[a-z0-9][a-z0-9.-]{0,252}")
HOST_LABEL = r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?|\{namespace\})"
HOSTS = re.compile(rf"(\*\.)?({HOST_LABEL}\.)+{HOST_LABEL}")
DOMAIN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$"
ObjectName = Annotated[str, Field(pattern=r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$", max_length=253)]
Pairs = Annotated[str, AfterValidator(_checked_pairs)]
Quantities = Annotated[str, AfterValidator(_checked)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
LogBytes = Annotated[int, Field(ge=64 * 1024)]
OptionalFile = Annotated[FilePath | None, BeforeValidator(lambda value: value or None)]
BelowMaxPort = AfterValidator(_checked_address)
Address = Annotated[str, Field(pattern=r"^[^:]+:[0-9]{1,5}$"), BelowMaxPort]
OptionalAddress = Annotated[str, Field(pattern=r"^([^:]+:[0-9]{1,5})?$"), BelowMaxPort]


class Settings(FromEnvironment):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # the address of a mirror may hold a password
    )
    prefix: ClassVar[str] = "FAIRLEAD_"

    registry: str = "localhost:5000"
    """Registry as the nodes name it: images are pulled from here, and status shows it. Where none
    is named it is the cluster's own local registry, which ConfigMap `local-registry-hosting` in
    `kube-public` tells of (KEP-1755), under both names."""
    registry_push: str = ""
    """The same registry as the tasks reach it. Default: `FAIRLEAD_REGISTRY`."""
    insecure_hosts: Words = ()
    """Hosts (`host` or `host:port`, separated by spaces) that may be spoken to without TLS, and
    that tasks may connect to although their address is loopback, link-local or a cloud's metadata
    service. The hosts of the other settings need no entry; what an object names never counts."""
    default_base_image: str = "python:3.11-slim"
    """Base image of an InferenceImage that names none."""
    base_image_mirrors: Pairs = ""
    """Where base images really are, as `beginning=other`, separated by spaces:
    `mcr.microsoft.com/azureml/=registry.example.com/azureml/`. Of several the longest counts."""
    package_index: str = ""
    """Package index for pip (a PEP 503 address). Default: pip's own."""
    conda_channels: Words = ("conda-forge",)
    """Channels of a conda file that names none, that says `defaults`, or (as conda does it, after
    its own) that does not say `nodefaults`: names or addresses, separated by spaces."""
    conda_mirrors: Pairs = ""
    """Where channels really are, as `name=address`, separated by spaces:
    `conda-forge=https://mirror.example.com/conda-forge`; `*` stands before all that are named by
    one word or path. Never shown in a status or log, but whoever may read the Jobs of tasks reads
    it. Default: `https://conda.anaconda.org`."""
    conda_cuda: Annotated[str, Field(pattern=r"^([0-9]+(\.[0-9]+){0,2})?$")] = ""
    """Version of the CUDA driver on the nodes (`12.4`), for conda's `__cuda`. Default: none."""
    azureml_packages: Literal["provided", "asked"] = "provided"
    """What becomes of `azureml-defaults`, `azureml-core`, `azureml-sdk` and their kin in users'
    lists: `provided` = they are left out where the runtime has all that the script imports of
    them; `asked` = they are installed as asked."""
    front_python: Annotated[str, Field(pattern=r"^(\S+#sha256=[0-9a-f]{64})?$")] = ""
    """Python that the scoring server runs on where neither the environment's nor, beside one of
    conda's, the base image's is 3.11 or newer: the address, or the path where tasks run, of an
    archive with such a CPython that runs wherever it is unpacked, and `#sha256=` with its digest.
    Default: a release of python-build-standalone, from GitHub."""
    ca_bundle: OptionalFile = None
    """PEM file of extra certificate authorities, trusted by every task and by pip in builds; it is
    never left in an image."""
    docker_config: OptionalFile = None
    """Docker config file with credentials for registries, for this operator itself: it reads build
    logs of its registry with it and, with the `local` runner, its tasks log in with it, in the
    place of what objects name. Credential helpers are not run."""
    task_image: str = ""
    """Image that the `job` runner starts tasks from; needed there."""
    runner: Literal["local", "job"] = "local"
    """Where tasks run: `local` = child processes of the operator; `job` = Kubernetes Jobs in the
    namespace of the object that wants them."""
    task_requests: Quantities = "cpu=250m memory=512Mi ephemeral-storage=1Gi"
    """What a task's Job asks for, as `name=quantity`, separated by spaces."""
    task_limits: Quantities = "memory=2Gi ephemeral-storage=50Gi"
    """What a task's Job may use, written alike. A model lies on the node's disk while it is
    fetched, twice where it is unpacked."""
    registry_secret: ObjectName = ""
    """Secret of type `kubernetes.io/dockerconfigjson` that is looked for in every namespace: where
    it is there, tasks log in to registries with it (after what their object names), and nodes pull
    with it."""
    task_service_account: ObjectName = ""
    """With the `job` runner: the ServiceAccount of the tasks of objects that name none. Default:
    the namespace's `default`."""
    task_pod_labels: Pairs = ""
    """With the `job` runner: further labels of the pods of tasks, as `name=value`, separated by
    spaces. AKS injects workload identity where it sees `azure.workload.identity/use=true`."""
    task_pod_annotations: Pairs = ""
    """Further annotations of the pods of tasks, written alike."""
    namespace_tasks_at_once: PositiveInt = 2
    """With the `job` runner: the most tasks of one namespace that run at the same time in each of
    the four lanes below, where that is less than what a namespace may have anyway."""
    task_jobs_kept_seconds: PositiveInt = 86_400
    """How long the Job of a task that has failed stays, with its log. What failed for good is tried
    again after that."""
    engine: Literal["Auto", "docker", "pod", "buildkit"] = "Auto"
    """What builds environments where `spec.build.engine` does not say: `docker` = the Docker Engine
    that `DOCKER_HOST` names, with the `local` runner; `pod` = a container in the user's base image,
    with the `job` runner; `buildkit` = a rootless BuildKit in a namespace of its own, with the
    `job` runner; `Auto` = `docker` or `pod`, whichever goes with the runner, and `buildkit` in the
    place of `pod` where a `Dockerfile.steps` has RUN and the setting below names a namespace."""
    buildkit_namespace: ObjectName = ""
    """With the `job` runner: the namespace in which the `buildkit` engine builds, for all
    namespaces. Its pods run the users' RUN steps, and are let in by Pod Security `privileged` only:
    nothing else should be in it. Default: none, and no such engine."""
    buildkit_image: str = "moby/buildkit:v0.31.1-rootless"
    """Image of a rootless BuildKit: `buildkitd`, `buildctl`, `rootlesskit`, and user 1000 with
    further user ids to map."""
    front_image: str = "haproxy:3.2.18"
    """Image of fronts: HAProxy 2.6 or newer as `haproxy` in its path, and SIGUSR1 as its stop
    signal, as in the official one."""
    front_default: bool = False
    """Whether a Webservice that says nothing of `front` has one. It is decided when it is first
    deployed: what serves without a front goes on without, whatever this says. Where this is false
    again such fronts go."""
    front_handover_seconds: Annotated[int, Field(ge=0, le=300)] = 5
    """How long a new replica behind a front is ready until one of the revision before is ended: as
    long as the cluster's DNS may answer from a cache. CoreDNS does so for 5 s unless it is told
    otherwise; on AKS for 30 s, on kind and other clusters of kubeadm since 1.32 not at all."""
    cluster_domain: Annotated[str, Field(pattern=DOMAIN, max_length=128)] = "cluster.local"
    """The cluster's DNS domain, in which fronts find the replicas."""
    metrics_api: Annotated[str, Field(pattern=r"^([a-z0-9.-]{1,253}/[a-z0-9-]{1,63})?$")] = ""
    """Service (`namespace/name`) of Fairlead's metrics API, by which Webservices scale on requests.
    Default: none, and they scale on CPU."""
    virtual_nodes: Pairs = ""
    """Labels of the nodes that Webservices of computeType ACI run on, as `name=value`, separated by
    spaces; on AKS `type=virtual-kubelet`. The taint of these is put up with. Default: any node."""
    state_folder: Annotated[Path, BeforeValidator(_named)] = Path("~/.local/state/fairlead")
    """Where the `local` runner keeps requests, results and logs of its tasks."""
    log_address: Address = "127.0.0.1:8082"
    """Where build logs are served, without authentication: keep it on the loopback."""
    log_key_file: OptionalFile = None
    """File with the secret (at least 16 bytes) that the keys of logs are made from. With it, and
    the `job` runner, logs are served to whoever has a log's key, wherever `FAIRLEAD_LOG_ADDRESS`
    is; the chart makes it once. Default: none, and no keys."""
    log_uri_base: str = ""
    """What the address of a log in status begins with, where logs have keys. The chart sets the
    path of its Service through the API server. Default: `http://` and `FAIRLEAD_LOG_ADDRESS`."""
    log_tokens: bool = False
    """Whether a log opens with a bearer token, too, if who shows it may get InferenceImages in its
    namespace. The operator then needs the right to ask about tokens and about rights."""
    watch_namespaces: Words = ()
    """Namespaces to watch, separated by spaces; with names here the operator needs rights there
    and in its own, and nowhere else. Default: all."""
    external_host: str = ""
    """Host name in the scoring URI of a NodePort service. Default: the address of a node that runs
    a replica."""
    exposure_hosts: Annotated[Words, AfterValidator(_checked_hosts)] = ()
    """Hosts that Webservices of type Ingress or HTTPRoute may have, separated by spaces:
    `api.example.com`, `*.apps.example.com` (one name before it), `*.{namespace}.example.com` (the
    Webservice's namespace). Default: none, and nothing is exposed so."""
    exposure_ingress_classes: Annotated[Pairs, AfterValidator(_checked_classes)] = ""
    """IngressClasses that these may have, the first of them if they name none, each with its
    controller: `public=nginx internal=other`. Known are `nginx` (ingress-nginx), `haproxy` (of
    HAProxy Technologies), `haproxy-ingress`, `application-gateway` (of AKS), which are told how
    long a request may take, and `traefik`, which is told where a host has TLS. Default: none, and
    no Ingress."""
    exposure_gateways: Annotated[Pairs, AfterValidator(_checked_gateways)] = ""
    """Gateways that these may have, each with what its listener speaks: `infra/public=https`.
    Default: none, and no HTTPRoute. The operator needs the right to write HTTPRoutes."""
    exposure_cluster_issuers: Words = ()
    """ClusterIssuers of cert-manager that these may have a certificate of. Default: none."""
    exposure_annotations: Pairs = ""
    """Annotations of every such Ingress, as `name=value`, separated by spaces."""
    namespace: str = "fairlead-system"
    """Namespace that this operator runs in: of its Lease, and of the ConfigMap
    `fairlead-operator-echo` that it writes to see whether events still arrive."""
    leader_election: bool = False
    """Whether to wait for the Lease `fairlead-operator`, so that of several operators one works."""
    health_address: OptionalAddress = ""
    """Where `/healthz`, `/readyz` and `/metrics` are served (`0.0.0.0:8081`). Default: nowhere."""
    resync_seconds: PositiveInt = 600
    """Longest time until an object is reconciled although nothing about it was seen to change."""
    tasks_at_once: PositiveInt = 3
    """Builds (`environment` and `assemble` tasks) that run at the same time. Namespaces take turns,
    and one namespace has all of them but one at the most: so it cannot hold up the others, unless
    this is 1."""
    ingests_at_once: PositiveInt = 3
    """Models and sources of code that are fetched at the same time, shared out in the same way."""
    profiles_at_once: PositiveInt = 1
    """Profiles of images (`spec.profile`) that run at the same time, shared out in the same way:
    what runs beside one on its node is measured, too."""
    resolves_at_once: PositiveInt = 4
    """Short questions to registries (`resolve` tasks) at the same time, shared out in the same
    way."""
    task_log_max_bytes: LogBytes = 32 * MIB
    """Most bytes of the log of one attempt at a task that are kept on disk: its beginning, and its
    end."""
    task_folders_max: PositiveInt = 200
    """Folders of ended attempts that are kept in the state folder, the newest; of one task the last
    three."""
    task_folders_max_bytes: PositiveInt = 2 * GIB
    """Most bytes in the folders of ended attempts."""
    task_folders_max_days: PositiveInt = 14
    """Longest time that the folder of an ended attempt is kept."""
    build_logs_max: PositiveInt = 20
    """Build logs (`log-<version>-<attempt>`) that a repository keeps, the newest; where a registry
    deletes nothing, all of them stay."""
    model_max_bytes: PositiveInt = 20 * GIB
    """Largest model, as fetched and as unpacked."""
    model_max_files: PositiveInt = 10_000
    """Most files in one model."""
    ingest_timeout_seconds: PositiveInt = 3600
    """Longest time to fetch and store a model."""
    code_max_bytes: PositiveInt = 300 * MIB
    """Largest source of an image that is fetched, as fetched and as unpacked."""
    code_max_files: PositiveInt = 5_000
    """Most files in such a source."""
    code_timeout_seconds: PositiveInt = 600
    """Longest time to fetch and store such a source."""
    build_timeout_seconds: PositiveInt = 3600
    """Longest time to build an environment or to assemble an image, where
    `spec.build.timeoutSeconds` does not say."""
    log_format: Literal["text", "json"] = "text"
    """Form of the operator's own log."""

    @field_validator("conda_channels")
    @classmethod
    def _channels_hold_no_key(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        if any("@" in channel or "/t/" in f"/{channel}" for channel in channels):
            raise ValueError("a channel's address with a key belongs into FAIRLEAD_CONDA_MIRRORS")
        return channels

    @field_validator("conda_mirrors")
    @classmethod
    def _mirrors_have_no_password(cls, text: str) -> str:
        hosts = (one.partition("://")[2].partition("/")[0] for one in pairs(text).values())
        if any("@" in host for host in hosts):
            raise ValueError("a mirror's address must not hold a user name or password")
        return text

    @field_validator("runner")
    @classmethod
    def _jobs_have_an_image(cls, runner: str, info: ValidationInfo) -> str:
        if runner == "job" and not info.data.get("task_image"):
            raise ValueError("the job runner needs FAIRLEAD_TASK_IMAGE")
        return runner

    @property
    def fingerprint(self) -> str:
        """Stands for all settings: what failed under others says nothing about today."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]

    @property
    def push_registry(self) -> str:
        return self.registry_push or self.registry

    def mirrored(self, base_image: str) -> str:
        """Where a base image really is; itself where no mirror is set for it."""
        mirrors = pairs(self.base_image_mirrors)
        begins = max((each for each in mirrors if base_image.startswith(each)), key=len, default="")
        return mirrors[begins] + base_image.removeprefix(begins) if begins else base_image

    def model_repository(self, namespace: str, name: str) -> str:
        """Where the versions of a Model object lie, as the tasks reach it."""
        return f"{self.push_registry}/{namespace}/fairlead/models/{name}"

    def code_repository(self, namespace: str, name: str) -> str:
        """Where the sources of an InferenceImage lie that were fetched, as the tasks reach it."""
        return f"{self.push_registry}/{namespace}/fairlead/code/{name}"

    @property
    def keyed_log_base(self) -> str:
        """What the address of a log that has a key begins with."""
        return self.log_uri_base.rstrip("/") or f"http://{self.log_address}"
