"""What happened to an object, as Events tell it."""

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.local.errors import LocalError
from fairlead.remote.client import Client
from fairlead.remote.targets import Target


def events_of(client: Client, target: Target) -> list[Manifest] | None:
    """None where this person may not read them."""
    about = f"involvedObject.kind={target.kind.kind},involvedObject.name={target.name}"
    try:
        return client.items(Ref("v1", "events", target.namespace), fieldSelector=about)
    except LocalError as error:
        if error.finding.reason == Reason.FORBIDDEN:
            return None
        raise
