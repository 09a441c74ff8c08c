"""The Secret with a Webservice's two keys: created once, mounted, never read by us."""

import base64

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import labels

PRIMARY, SECONDARY = "primaryKey", "secondaryKey"  # v1's names


def keys_name(webservice: Webservice) -> str:
    return f"{webservice.name}-fairlead-keys"


def keys(webservice: Webservice, primary: str, secondary: str) -> Manifest:
    """Return the Secret that holds both keys; each must be random text of the caller's making."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": keys_name(webservice),
            "namespace": webservice.namespace,
            "labels": labels(webservice),
            "ownerReferences": [webservice.owner_reference],
        },
        "type": "Opaque",
        "data": {PRIMARY: _encoded(primary), SECONDARY: _encoded(secondary)},
    }


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
