"""Who may read a log: whoever has its key, or a token of somebody who may read its object."""

import re
from collections.abc import Mapping

from fairlead.api.meta import GROUP, INFERENCE_IMAGE
from fairlead.api.refs import Manifest
from fairlead.cluster import Cluster
from fairlead.log_address import ENVIRONMENTS, LogKeys, LogName

_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/=-]{1,8192})")
REVIEWED = {"authentication.k8s.io": "tokenreviews", "authorization.k8s.io": "subjectaccessreviews"}
"""What is created to ask about tokens and rights: nothing is stored."""


class Permission:
    """``tokens``: whether the operator may ask about tokens."""

    def __init__(self, cluster: Cluster, keys: LogKeys, *, tokens: bool) -> None:
        self._cluster, self._keys, self._tokens = cluster, keys, tokens

    def by_key(self, name: LogName, keys: list[str]) -> bool:
        """Whether exactly one key is shown, and it is the log's."""
        return len(keys) == 1 and self._keys.opens(name, keys[0])

    async def by_token(self, name: LogName, authorization: str) -> bool:
        """Whether a bearer token is shown of somebody who may get the object, or all images of the
        namespace where the log is an environment's. Raises ``OperatorError``."""
        found = _BEARER.fullmatch(authorization) if self._tokens else None
        if found is None:
            return False
        answer = await self._cluster.review(token_review(found[1]))
        user = _user(answer)
        if user is None:
            return False
        answer = await self._cluster.review(access_review(name, user))
        return _status(answer).get("allowed") is True


def token_review(token: str) -> Manifest:
    head = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
    return {**head, "spec": {"token": token}}


def access_review(name: LogName, user: Mapping[str, object]) -> Manifest:
    """Whether a user, as a TokenReview has told, may read what the log is about."""
    shared = name.collection == ENVIRONMENTS
    attributes = {
        "verb": "get",
        "group": GROUP,
        "resource": INFERENCE_IMAGE.plural if shared else name.collection,
        "namespace": name.namespace,
        **({} if shared else {"name": name.owner}),
    }
    known = {key: user[key] for key in ("uid", "groups", "extra") if user.get(key)}
    spec = {"user": user["username"], **known, "resourceAttributes": attributes}
    head = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    return {**head, "spec": spec}


def _user(review: Manifest) -> Mapping[str, object] | None:
    """Whose token it is; None where it is nobody's."""
    status = _status(review)
    user = status.get("user")
    known = status.get("authenticated") is True and isinstance(user, dict) and user.get("username")
    return user if known and isinstance(user, dict) else None


def _status(review: Manifest) -> Manifest:
    status = review.get("status")
    return status if isinstance(status, dict) else {}
