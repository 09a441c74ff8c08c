"""What a deployment configuration may say: one row for each, with its names in v1.

``name`` is the SDK's, ``path`` where `deploymentconfig.json` has it, ``options`` how
`az ml model deploy` spells it.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class ComputeType(StrEnum):
    """v1's words; the file may write them in any case."""

    AKS = "aks"
    ACI = "aci"
    LOCAL = "local"
    AKS_ENDPOINT = "aksendpoint"


class Holds(Enum):
    FLAG = auto()
    NUMBER = auto()
    WHOLE = auto()
    TEXT = auto()
    SECRET = auto()


AKS = frozenset((ComputeType.AKS, ComputeType.AKS_ENDPOINT))
ACI = frozenset((ComputeType.ACI,))
LOCAL = frozenset((ComputeType.LOCAL,))
ENDPOINT = frozenset((ComputeType.AKS_ENDPOINT,))


@dataclass(frozen=True)
class Knob:
    name: str
    path: tuple[str, ...]
    holds: Holds
    types: frozenset[ComputeType]
    options: tuple[str, ...] = ()


_SCALER, _PROBE = "autoScaler", "livenessProbeRequirements"
_ROOM = "containerResourceRequirements"
KNOBS = (
    Knob("autoscale_enabled", (_SCALER, "autoscaleEnabled"), Holds.FLAG, AKS,
         ("--autoscale-enabled", "--as")),
    Knob("autoscale_min_replicas", (_SCALER, "minReplicas"), Holds.WHOLE, AKS,
         ("--autoscale-min-replicas", "--mi", "--min-replicas")),
    Knob("autoscale_max_replicas", (_SCALER, "maxReplicas"), Holds.WHOLE, AKS,
         ("--autoscale-max-replicas", "--ma", "--max-replicas")),
    Knob("autoscale_refresh_seconds", (_SCALER, "refreshPeriodInSeconds"), Holds.WHOLE, AKS,
         ("--autoscale-refresh-seconds", "--ar")),
    Knob("autoscale_target_utilization", (_SCALER, "targetUtilization"), Holds.WHOLE, AKS,
         ("--autoscale-target-utilization", "--at")),
    Knob("collect_model_data", ("dataCollection", "storageEnabled"), Holds.FLAG, AKS | ACI,
         ("--collect-model-data", "--md")),
    Knob("auth_enabled", ("authEnabled",), Holds.FLAG, AKS | ACI, ("--auth-enabled", "--ae")),
    Knob("cpu_cores", (_ROOM, "cpu"), Holds.NUMBER, AKS | ACI, ("--cpu-cores", "--cc")),
    Knob("memory_gb", (_ROOM, "memoryInGB"), Holds.NUMBER, AKS | ACI, ("--memory-gb", "--gb")),
    Knob("cpu_cores_limit", (_ROOM, "cpuLimit"), Holds.NUMBER, AKS, ("--cpu-cores-limit", "--ccl")),
    Knob("memory_gb_limit", (_ROOM, "memoryInGBLimit"), Holds.NUMBER, AKS,
         ("--memory-gb-limit", "--gbl")),
    Knob("gpu_cores", ("gpuCores",), Holds.WHOLE, AKS, ("--gpu-cores", "--gc")),
    Knob("gpu_cores", (_ROOM, "gpu"), Holds.WHOLE, AKS),
    Knob("enable_app_insights", ("appInsightsEnabled",), Holds.FLAG, AKS | ACI,
         ("--enable-app-insights", "--ai")),
    Knob("scoring_timeout_ms", ("scoringTimeoutMs",), Holds.WHOLE, AKS,
         ("--scoring-timeout-ms", "--tm")),
    Knob("replica_max_concurrent_requests", ("maxConcurrentRequestsPerContainer",), Holds.WHOLE,
         AKS, ("--replica-max-concurrent-requests", "--rm")),
    Knob("max_request_wait_time", ("maxQueueWaitMs",), Holds.WHOLE, AKS,
         ("--max-request-wait-time", "--mr")),
    Knob("num_replicas", ("numReplicas",), Holds.WHOLE, AKS, ("--num-replicas", "--nr")),
    Knob("primary_key", ("keys", "primaryKey"), Holds.SECRET, AKS | ACI, ("--primary-key", "--kp")),
    Knob("secondary_key", ("keys", "secondaryKey"), Holds.SECRET, AKS | ACI,
         ("--secondary-key", "--ks")),
    Knob("period_seconds", (_PROBE, "periodSeconds"), Holds.WHOLE, AKS,
         ("--period-seconds", "--ps")),
    Knob("initial_delay_seconds", (_PROBE, "initialDelaySeconds"), Holds.WHOLE, AKS,
         ("--initial-delay-seconds", "--id")),
    Knob("timeout_seconds", (_PROBE, "timeoutSeconds"), Holds.WHOLE, AKS,
         ("--timeout-seconds", "--ts")),
    Knob("success_threshold", (_PROBE, "successThreshold"), Holds.WHOLE, AKS,
         ("--success-threshold", "--st")),
    Knob("failure_threshold", (_PROBE, "failureThreshold"), Holds.WHOLE, AKS,
         ("--failure-threshold", "--ft")),
    Knob("namespace", ("namespace",), Holds.TEXT, AKS, ("--namespace", "--nm")),
    Knob("token_auth_enabled", ("tokenAuthEnabled",), Holds.FLAG, AKS, ("--token-auth-enabled",)),
    Knob("token_auth_enabled", ("aadAuthEnabled",), Holds.FLAG, AKS),
    Knob("compute_target_name", ("computeTargetName",), Holds.TEXT, AKS,
         ("--compute-target", "--ct")),
    Knob("compute_target_name", ("ComputeTarget",), Holds.TEXT, AKS),
    Knob("version_name", ("versionName",), Holds.TEXT, ENDPOINT, ("--version-name", "--vn")),
    Knob("traffic_percentile", ("trafficPercentile",), Holds.NUMBER, ENDPOINT,
         ("--traffic-percentile", "--tp")),
    Knob("location", ("location",), Holds.TEXT, ACI, ("--location", "--lo")),
    Knob("ssl_enabled", ("sslEnabled",), Holds.FLAG, ACI, ("--ssl-enabled", "--se")),
    Knob("ssl_cert_pem_file", ("sslCertificate",), Holds.SECRET, ACI,
         ("--ssl-cert-pem-file", "--sp")),
    Knob("ssl_key_pem_file", ("sslKey",), Holds.SECRET, ACI, ("--ssl-key-pem-file", "--sk")),
    Knob("ssl_cname", ("cname",), Holds.TEXT, ACI, ("--ssl-cname", "--sc")),
    Knob("dns_name_label", ("dnsNameLabel",), Holds.TEXT, ACI, ("--dns-name-label", "--dn")),
    Knob("cmk_vault_base_url", ("vaultBaseUrl",), Holds.TEXT, ACI, ("--vault-base-url",)),
    Knob("cmk_key_name", ("keyName",), Holds.TEXT, ACI, ("--key-name",)),
    Knob("cmk_key_version", ("keyVersion",), Holds.TEXT, ACI, ("--key-version",)),
    Knob("vnet_name", ("vnetName",), Holds.TEXT, ACI, ("--vnet-name",)),
    Knob("subnet_name", ("subnetName",), Holds.TEXT, ACI, ("--subnet-name",)),
    Knob("port", ("port",), Holds.WHOLE, LOCAL, ("--port", "--po")),
)  # fmt: skip
