"""The PodDisruptionBudget: a drained node takes one replica at a time."""

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import child, selector


def disruption_budget(webservice: Webservice) -> Manifest:
    """At most one replica may be missing by choice, so that a single one can still be moved."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(webservice)}}
    return child(webservice, "policy/v1", "PodDisruptionBudget", spec)
