"""The HorizontalPodAutoscaler: CPU use against ``targetUtilization``."""

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import child

SCALE_DOWN_WINDOW_S = 60  # seconds; azureml-fe scales down after about a minute


def autoscaler(webservice: Webservice) -> Manifest | None:
    """Return the autoscaler, or None where the number of replicas is fixed."""
    wanted = webservice.spec.autoscaled
    if wanted is None:
        return None
    target = {"type": "Utilization", "averageUtilization": wanted.target_utilization}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": webservice.name},
        "minReplicas": wanted.min_replicas,
        "maxReplicas": wanted.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": SCALE_DOWN_WINDOW_S}},
    }
    return child(webservice, "autoscaling/v2", "HorizontalPodAutoscaler", spec)
