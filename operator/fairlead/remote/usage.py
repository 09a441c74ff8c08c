"""Who needs an object: what others are made of is not deleted unseen."""

from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, MODEL, WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Ref
from fairlead.finding import listed
from fairlead.local.errors import refusal
from fairlead.remote.client import Client
from fairlead.remote.rollback import followed
from fairlead.remote.state import mapping, name_in
from fairlead.remote.targets import Target
from fairlead.remote.waiting import references

USERS = {MODEL: INFERENCE_IMAGE, INFERENCE_IMAGE: WEBSERVICE}


def users(client: Client, target: Target) -> list[Target]:
    """The images that have a Model, or the services that follow an image, or will again once
    their rollback is undone."""
    kind = USERS.get(target.kind)
    if kind is None:
        return []
    found = list[Target]()
    for one in client.items(Ref(API_VERSION, kind.plural, target.namespace)):
        named = {**one, "kind": kind.kind}
        rolled_back = kind is WEBSERVICE and followed(one) == target.name
        if rolled_back or target in references(target.namespace, named):
            name = name_in(mapping(one.get("metadata")).get("name"))
            found.append(Target(kind, target.namespace, name))
    return found


def check_unused(client: Client, target: Target, leaving: list[Target]) -> None:
    """Raises ``LocalError`` where something needs it that stays."""
    staying = [one for one in users(client, target) if one not in leaving]
    if not staying:
        return
    kind = staying[0].kind.kind
    names = listed([f"'{one.name}'" for one in staying])
    raise refusal(
        Reason.REJECTED,
        f"{target.words} is needed by {kind} {names}.",
        f"Delete that first (`fairlead delete {staying[0].spoken}`), or give --force: what was "
        "built of it goes on, and says that it is gone.",
    )
