"""Webservices of computeType ACI on AKS' virtual nodes, where the administrator has named these.

https://learn.microsoft.com/azure/aks/virtual-nodes-cli: what runs there is chosen by a label, and
puts up with the taint of the virtual kubelet.
"""

from collections.abc import Mapping
from dataclasses import replace

from fairlead.api.objects import Webservice
from fairlead.api.pods import Comparison, Toleration
from fairlead.api.webservice import ComputeType

TAINT = Toleration(key="virtual-kubelet.io/provider", operator=Comparison.EXISTS)


def placed(webservice: Webservice, nodes: Mapping[str, str]) -> Webservice:
    """The same, with the nodes' labels and taint; as it is where it is not meant for them."""
    spec = webservice.spec
    if spec.compute_type is not ComputeType.ACI or not nodes:
        return webservice
    update = {
        "node_selector": {**nodes, **(spec.node_selector or {})},
        "tolerations": (*(spec.tolerations or ()), TAINT),
    }
    return replace(webservice, spec=spec.model_copy(update=update))
