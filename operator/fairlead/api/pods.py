"""What a Webservice's pods are given besides their containers: where they run, as whom, with what.

The shapes are those of Kubernetes' own fields, without what names another namespace.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from fairlead.api.fields import ClaimName, ConfigMapName, SecretName
from fairlead.api.quantity import Quantity
from fairlead.api.shape import Shape
from fairlead.api.wire import Wire, rules

_PREFIX = "([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?/)?"
_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = "must be a key of Kubernetes, such as team or example.com/team"
LabelKey = Annotated[str, Field(min_length=1, max_length=317), Shape(_PREFIX + _NAME, _KEY)]
LabelValue = Annotated[
    str,
    Field(max_length=63),
    Shape(
        f"({_NAME})?",
        "must be at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter "
        "or digit",
    ),
]
PodKey = Annotated[
    str,
    Field(min_length=1, max_length=317),
    Shape(
        _PREFIX + _NAME,
        f"{_KEY}, and not begin with fairlead.dev/ or app.kubernetes.io/: those are Fairlead's",
        never="^(fairlead[.]dev|app[.]kubernetes[.]io)/",
    ),
]
AnnotationKey = Annotated[
    str,
    Field(min_length=1, max_length=317),
    Shape(
        _PREFIX + _NAME,
        f"{_KEY}, and neither Fairlead's (fairlead.dev/, app.kubernetes.io/) nor one that takes a "
        "restriction from the pods or names networks of other namespaces",
        never="^(fairlead[.]dev|app[.]kubernetes[.]io|v1[.]multus-cni[.]io|iam[.]amazonaws[.]com|"
        "cni[.]projectcalico[.]org|k8s[.]ovn[.]org|([-.a-z0-9]*[.])?cni[.]cncf[.]io|"
        "([-.a-z0-9]*[.])?(alpha|beta)[.]kubernetes[.]io)/|^io[.](katacontainers|kubernetes)[.]",
    ),
]
PodLabels = Annotated[dict[PodKey, LabelValue], Field(max_length=16)]
PodAnnotations = Annotated[
    dict[AnnotationKey, Annotated[str, Field(max_length=4096)]], Field(max_length=16)
]
NodeSelector = Annotated[dict[LabelKey, LabelValue], Field(max_length=16)]
PriorityClassName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Shape(
        "[a-z0-9]([-.a-z0-9]*[a-z0-9])?",
        "must be the name of a PriorityClass, and not one of the system's own",
        never="^system-",
    ),
]
MountPath = Annotated[
    str,
    Field(min_length=2, max_length=255),
    Shape(
        "(/[A-Za-z0-9_.-]+)+",
        "must be an absolute path such as /mnt/data, without '..', not a folder of the system and "
        "not one that Fairlead needs: /tmp, /var/azureml-app, its azureml-models, /opt/fairlead",
        never="(^|/)[.][.]?(/|$)|"
        "^/(dev|proc|sys|run|var/run|opt/fairlead|var/azureml-app/azureml-models)(/|$)|"
        "^/(bin|etc|home|lib|lib64|opt|root|sbin|tmp|usr|var|var/azureml-app)$",
    ),
]


class Effect(StrEnum):
    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Comparison(StrEnum):
    EQUAL = "Equal"
    EXISTS = "Exists"


class Toleration(Wire):
    """A taint of nodes that the pods put up with."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.key) || self.operator == 'Exists'",
                "a toleration without a key tolerates every taint: that needs operator Exists",
            ),
            (
                "!has(self.value) || self.operator == 'Equal'",
                "operator Exists compares no value: remove value",
            ),
            (
                "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
                "tolerationSeconds needs effect NoExecute",
            ),
        )
    )

    key: LabelKey | None = None
    """Key of the taint; none for all keys, with operator Exists."""
    operator: Comparison = Comparison.EQUAL
    """Equal: the taint has this value. Exists: it may have any."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: Effect | None = None
    """Effect of the taint; none for all effects."""
    toleration_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    """How long a pod stays on a node that gets this taint. With effect NoExecute."""


class NodeOperator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


class NodeRequirement(Wire):
    """What is asked of one label of a node."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(self.operator in ['Exists', 'DoesNotExist']) == "
                "(!has(self.values) || size(self.values) == 0)",
                "operators Exists and DoesNotExist take no values, and all others need some",
            ),
        )
    )

    key: LabelKey
    """Key of the label."""
    operator: NodeOperator
    """How values are compared; Exists and DoesNotExist take none, Gt and Lt one number."""
    values: Annotated[tuple[LabelValue, ...], Field(max_length=16)] | None = None
    """What the label's value is compared with."""


class NodeTerm(Wire):
    """Nodes that fulfil all of it."""

    match_expressions: Annotated[tuple[NodeRequirement, ...], Field(min_length=1, max_length=8)]
    """All of these."""


class NodeTerms(Wire):
    """Nodes that fulfil one of the terms."""

    node_selector_terms: Annotated[tuple[NodeTerm, ...], Field(min_length=1, max_length=4)]
    """One of these."""


Weight = Annotated[int, Field(ge=1, le=100)]


class PreferredNodes(Wire):
    """Nodes that are better than others."""

    weight: Weight
    """How much better, from 1 to 100."""
    preference: NodeTerm
    """Which nodes."""


class NodeAffinity(Wire):
    """Which nodes the pods run on."""

    required_during_scheduling_ignored_during_execution: NodeTerms | None = None
    """Nodes on which pods may be put."""
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[tuple[PreferredNodes, ...], Field(max_length=4)] | None
    ) = None
    """Nodes that are better than others."""


class PodSelector(Wire):
    """Pods of the same namespace, by their labels."""

    match_labels: Annotated[dict[LabelKey, LabelValue], Field(min_length=1, max_length=8)]
    """All of these labels."""


class PodTerm(Wire):
    """Pods, and how near to them is meant."""

    label_selector: PodSelector
    """Which pods. Those of a Webservice have the label fairlead.dev/webservice with its name."""
    topology_key: LabelKey
    """The label by whose value nodes belong together, such as kubernetes.io/hostname."""


class PreferredPods(Wire):
    """Pods that it is better to be near to, or apart from."""

    weight: Weight
    """How much better, from 1 to 100."""
    pod_affinity_term: PodTerm
    """Which pods, and how near."""


class PodAffinity(Wire):
    """Pods to be near to, or apart from."""

    required_during_scheduling_ignored_during_execution: (
        Annotated[tuple[PodTerm, ...], Field(max_length=4)] | None
    ) = None
    """What must be so."""
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[tuple[PreferredPods, ...], Field(max_length=4)] | None
    ) = None
    """What is better so."""


class Affinity(Wire):
    """Nodes and other pods that the pods are put on, near to, or apart from."""

    node_affinity: NodeAffinity | None = None
    """Which nodes."""
    pod_affinity: PodAffinity | None = None
    """Pods of the same namespace to be near to."""
    pod_anti_affinity: PodAffinity | None = None
    """Pods of the same namespace to be apart from."""


class Unsatisfiable(StrEnum):
    DO_NOT_SCHEDULE = "DoNotSchedule"
    SCHEDULE_ANYWAY = "ScheduleAnyway"


class TopologySpread(Wire):
    """Replicas, spread evenly."""

    topology_key: LabelKey
    """The label by whose value nodes belong together, such as topology.kubernetes.io/zone."""
    max_skew: Annotated[int, Field(ge=1, le=100)] = 1
    """How many replicas more than in the emptiest place there may be in another."""
    when_unsatisfiable: Unsatisfiable = Unsatisfiable.SCHEDULE_ANYWAY
    """ScheduleAnyway: rather unevenly than not at all. DoNotSchedule: a replica waits."""


class NamedConfigMap(Wire):
    name: ConfigMapName
    """Name of a ConfigMap in the same namespace."""


class NamedSecret(Wire):
    name: SecretName
    """Name of a Secret in the same namespace."""


class NamedClaim(Wire):
    claim_name: ClaimName
    """Name of a PersistentVolumeClaim in the same namespace."""
    read_only: bool = False
    """True: nothing is written to it."""


class EmptyFolder(Wire):
    size_limit: Quantity | None = None
    """Bytes that may lie in it, such as 1Gi; without it, what the node has."""


KINDS = ("configMap", "secret", "persistentVolumeClaim", "emptyDir")
_COUNT = " + ".join(f"(has(self.{kind}) ? 1 : 0)" for kind in KINDS)


class Volume(Wire):
    """Something that the script finds in a folder."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"{_COUNT} == 1",
                "exactly one of configMap, secret, persistentVolumeClaim and emptyDir must be "
                "given",
            )
        )
    )

    mount_path: MountPath
    """The folder where the script finds it."""
    config_map: NamedConfigMap | None = None
    """The keys of a ConfigMap, as files."""
    secret: NamedSecret | None = None
    """The keys of a Secret, as files."""
    persistent_volume_claim: NamedClaim | None = None
    """A volume that outlives the pods; several replicas need one that several nodes can mount."""
    empty_dir: EmptyFolder | None = None
    """An empty folder of each pod's own, which ends with it."""


Volumes = Annotated[
    tuple[Volume, ...],
    Field(
        max_length=16,
        json_schema_extra=rules(
            (
                "self.all(one, self.exists_one(other, other.mountPath == one.mountPath))",
                "two volumes have the same mountPath",
            )
        ),
    ),
]
Tolerations = Annotated[tuple[Toleration, ...], Field(max_length=16)]
TopologySpreads = Annotated[tuple[TopologySpread, ...], Field(max_length=4)]
