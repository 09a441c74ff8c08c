"""The cluster's own local registry, where the settings name none: KEP-1755
(https://kep.k8s.io/1755).

Tools that make clusters for development say in one ConfigMap where it is, under the names by which
the nodes, pods and the machine know it.
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated

import structlog
import yaml
from pydantic import BaseModel, Field, ValidationError

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import Cluster
from fairlead.errors import OperatorError, StalledError, WaitingError
from fairlead.registry.reference import InvalidReferenceError, is_loopback, parse_repository
from fairlead.settings import Settings

logger = structlog.get_logger("fairlead")
HOSTING = Ref("v1", "configmaps", "kube-public", "local-registry-hosting")
KEY = "localRegistryHosting.v1"
KIND_REGISTRY = "kind-registry:5000"  # as kind's own script calls it, which does not say so
MAX_CHARS = 8192
ASK_AGAIN_S = 3.0
REMEDY = "Name the registry in FAIRLEAD_REGISTRY (of the chart: settings.registry)."
Host = Annotated[str, Field(max_length=255)]


class Hosting(BaseModel):
    """What the ConfigMap says. ``host``: for the nodes and for the machine itself."""

    host: Host = ""
    hostFromClusterNetwork: Host = ""  # noqa: N815  (the names are the proposal's)


async def with_local_registry(settings: Settings, cluster: Cluster, *, in_pods: bool) -> Settings:
    """Return the settings with a registry in them. ``in_pods``: tasks run in pods.

    Raises ``StalledError`` where there is none, and none can be assumed.
    """
    if settings.registry and "registry" in settings.model_fields_set:
        return settings
    found = hosting(await _config_map(cluster, settings))
    if found is None:
        return _without(settings)
    located = located_registry(settings, found, in_pods=in_pods)
    told = {"registry": located.registry, "tasks_reach_it_as": located.push_registry}
    logger.info("local registry of the cluster found", **told)
    return located


def hosting(config_map: Manifest | None) -> Hosting | None:
    """What a ConfigMap says of the local registry; None where there is none.

    Raises ``StalledError`` where it cannot be read.
    """
    text = ((config_map or {}).get("data") or {}).get(KEY)
    if not isinstance(text, str):
        return None
    try:
        found = Hosting.model_validate(yaml.safe_load(text[:MAX_CHARS]))
        for host in filter(None, (found.host, found.hostFromClusterNetwork)):
            _check(host)
    except (yaml.YAMLError, ValidationError, InvalidReferenceError, RecursionError) as error:
        said = f"ConfigMap {HOSTING.namespace}/{HOSTING.name} does not say where a registry is"
        raise StalledError(Reason.INVALID_SPEC, f"{said}. {REMEDY}") from error
    return found if found.host else None


def located_registry(settings: Settings, found: Hosting, *, in_pods: bool) -> Settings:
    """The settings with that registry. What a tool made for development has no TLS."""
    inside = found.hostFromClusterNetwork
    if not inside:
        loopback = is_loopback(found.host.partition(":")[0])
        inside = KIND_REGISTRY if loopback else found.host
    push = settings.registry_push or (inside if in_pods else found.host)
    insecure = tuple(dict.fromkeys((*settings.insecure_hosts, push)))
    return settings.model_copy(
        update={"registry": found.host, "registry_push": push, "insecure_hosts": insecure}
    )


def located_variables(settings: Settings) -> Mapping[str, str]:
    """The same as variables, for tasks that inherit the operator's environment."""
    return {
        "FAIRLEAD_REGISTRY": settings.registry,
        "FAIRLEAD_REGISTRY_PUSH": settings.registry_push,
        "FAIRLEAD_INSECURE_HOSTS": " ".join(settings.insecure_hosts),
    }


async def _config_map(cluster: Cluster, settings: Settings) -> Manifest | None:
    while True:
        try:
            return await cluster.get(HOSTING)
        except WaitingError as error:
            logger.warning("local registry not looked for", why=str(error))
            await asyncio.sleep(ASK_AGAIN_S)
        except OperatorError as error:
            if settings.runner == "local":
                logger.warning("local registry not looked for", why=str(error))
                return None
            raise StalledError(Reason.FORBIDDEN, f"{error} {REMEDY}") from error


def _without(settings: Settings) -> Settings:
    default = str(Settings.model_fields["registry"].default)
    if settings.runner == "local":
        logger.info("no local registry of the cluster found", registry=default)
        return settings.model_copy(update={"registry": default})
    where = f"ConfigMap {HOSTING.namespace}/{HOSTING.name}"
    said = f"No registry is named, and the cluster tells of none of its own ({where})."
    raise StalledError(Reason.NOT_FOUND, f"{said} {REMEDY}")


def _check(host: str) -> None:
    if parse_repository(f"{host}/x").registry != host:
        raise InvalidReferenceError(f"{host!r} is no registry")
