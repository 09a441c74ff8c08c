"""Where a Webservice's pods run, as whom, and what of the user's is mounted into them."""

from fairlead.api.objects import Webservice
from fairlead.api.pods import TopologySpread, Volume
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import selector


def scheduling(webservice: Webservice) -> Manifest:
    """The fields of a pod's spec that say where it runs, and as whom; none that was not given."""
    spec = webservice.spec
    given = {
        "nodeSelector": spec.node_selector,
        "tolerations": [one.to_wire() for one in spec.tolerations or ()],
        "affinity": spec.affinity.to_wire() if spec.affinity else None,
        "topologySpreadConstraints": [
            _spread(webservice, one) for one in spec.topology_spread_constraints or ()
        ],
        "priorityClassName": spec.priority_class_name,
        "serviceAccountName": spec.service_account_name,
    }
    return {name: value for name, value in given.items() if value}


def volumes(webservice: Webservice) -> list[Manifest]:
    return [_volume(place, one) for place, one in enumerate(webservice.spec.volumes or ())]


def mounts(webservice: Webservice) -> list[Manifest]:
    return [_mount(place, one) for place, one in enumerate(webservice.spec.volumes or ())]


def _spread(webservice: Webservice, spread: TopologySpread) -> Manifest:
    """Each revision for itself: in a rollout the old pods, which go, count for nothing."""
    ours = {"matchLabels": selector(webservice)}
    return {**spread.to_wire(), "labelSelector": ours, "matchLabelKeys": ["pod-template-hash"]}


def _volume(place: int, volume: Volume) -> Manifest:
    """One name each that nothing of ours has, in the order of the spec.

    A claim's ``readOnly: false`` is left out: the server does not keep it, which would look as if
    somebody had taken it away.
    """
    given = volume.to_wire()
    del given["mountPath"]
    claim = given.get("persistentVolumeClaim", {})
    if not claim.get("readOnly"):
        claim.pop("readOnly", None)
    if volume.secret:
        given["secret"] = {"secretName": volume.secret.name}
    return {"name": f"volume-{place}", **given}


def _mount(place: int, volume: Volume) -> Manifest:
    read_only = volume.config_map or volume.secret
    whole = {"name": f"volume-{place}", "mountPath": volume.mount_path}
    return {**whole, "readOnly": True} if read_only else whole
