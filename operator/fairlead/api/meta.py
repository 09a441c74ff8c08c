"""Names that never change: the API group, the three kinds, our labels."""

from dataclasses import dataclass

GROUP = "fairlead.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "fairlead"

FIELD_MANAGER = "fairlead-operator"
REPLICAS_MANAGER = "fairlead-replicas"  # holds spec.replicas while an autoscaler takes it over
FINALIZER = f"{GROUP}/finalizer"
CONTROLLER = "fairlead"  # reportingController of our Events

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY_US = f"{MANAGED_BY}=fairlead"  # the server-side selector of every watch on children
OWNED_BY_WEBSERVICE = f"{GROUP}/webservice"
FRONTED = f"{GROUP}/front"  # annotation of a Deployment whose replicas were made for a front
APPLIED = f"{GROUP}/applied"  # annotation: fingerprint of the manifest that was applied last
COMPONENT = "app.kubernetes.io/component"
SCORING, FRONT = "scoring", "front"

TASK_LABEL = f"{GROUP}/task"  # on Jobs of tasks and their pods, which carry no label of a child
TASK_ID, TASK_PROGRAM = f"{GROUP}/task-id", f"{GROUP}/task-program"  # annotations of such a Job
TASK_ATTEMPT, TASK_BUILD = f"{GROUP}/task-attempt", f"{GROUP}/task-build"
TASK_REQUEST = f"{GROUP}/task-request"  # digest of the request that it was made with
LOG_LABEL = f"{GROUP}/log"  # on such a Job: which log it writes
TASK_LOG = f"{GROUP}/task-log"  # where the operator keeps the end of its log: that it is to, or has
LOG_TO_KEEP, LOG_KEPT, LOG_IF_FAILED = "to-keep", "kept", "if-failed"
TASK_NAMESPACE = f"{GROUP}/task-namespace"  # on a Job apart: the namespace that it works for
TASK_OWNER = f"owner.{GROUP}/"  # and with the uid of each owner: its kind and name
TASK_TAKEN = f"{GROUP}/task-taken"  # "true": a status holds its result


@dataclass(frozen=True)
class Kind:
    """A kind, as kubectl knows it."""

    kind: str
    plural: str
    short: str

    @property
    def crd_name(self) -> str:
        return f"{self.plural}.{GROUP}"


MODEL = Kind("Model", "models", "mdl")
INFERENCE_IMAGE = Kind("InferenceImage", "inferenceimages", "infimg")
WEBSERVICE = Kind("Webservice", "webservices", "wsvc")
CONFIG_MAP = Kind("ConfigMap", "configmaps", "cm")
KINDS = (MODEL, INFERENCE_IMAGE, WEBSERVICE)
