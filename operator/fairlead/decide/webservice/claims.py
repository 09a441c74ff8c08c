"""Who may have which host: what is granted, and which of several Webservices comes first.

Requests carry keys: a host is never shared between namespaces, whatever the path, for a longer path
of somebody else's would take them away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from fairlead.api.expose import ROOT, Expose, ExposeType, HeldHost
from fairlead.api.objects import Webservice
from fairlead.desired.exposure import NOTHING, Granted, called, v1_path
from fairlead.desired.front import with_front_by_default
from fairlead.evidence import Claim
from fairlead.settings import Settings, pairs

NAMESPACE = "{namespace}"


@dataclass(frozen=True)
class Wanted:
    """Where a host is wanted: what could be granted, and what stands against it, in words."""

    granted: Granted = NOTHING
    off: str = ""
    """Which settings grant nothing at all."""
    refused: tuple[str, ...] = ()
    """What is none of those granted."""
    unserved: str = ""
    """Why the path cannot be served."""

    @property
    def allowed(self) -> bool:
        return not (self.off or self.refused or self.unserved)


def wanted(webservice: Webservice, settings: Settings) -> Wanted:
    """What the settings say to the host that ``webservice`` wants; total."""
    expose = webservice.spec.expose or Expose()
    ingress = expose.type is ExposeType.INGRESS
    choices = pairs(settings.exposure_ingress_classes if ingress else settings.exposure_gateways)
    if off := _off(settings, choices, ingress=ingress):
        return Wanted(off=off)
    asked = expose.ingress_class_name if ingress else expose.gateway
    chosen = asked or next(iter(choices))
    refused = (
        *_refused_choice(chosen, choices, ingress=ingress),
        *_refused_host(expose.host or "", webservice.namespace, settings),
        *_refused_issuer(expose, settings),
    )
    granted = Granted(gateway=chosen)
    if ingress:
        controller = choices.get(chosen, "")
        granted = Granted(chosen, controller, pairs(settings.exposure_annotations))
    return Wanted(granted, refused=refused, unserved=_unserved(webservice, expose))


def claim(webservice: Webservice, settings: Settings) -> Claim | None:
    """What ``webservice`` may have, and wants; None where it wants no host, or none is granted."""
    expose, held = webservice.spec.expose, webservice.status.exposure
    if expose is None or not expose.through_host or not expose.host:
        return None
    # whether there is a front by default its Deployment tells, which is not known of all: it may be
    served = with_front_by_default(webservice, None) if settings.front_default else webservice
    if not wanted(served, settings).allowed:
        return None
    path = expose.path or ROOT
    has = held is not None and (held.host, held.path) == (expose.host, path)
    # a status may be written by others than us; the API server alone says when it was made
    since = max(held.since, webservice.created_at) if held and has else webservice.created_at
    return Claim(
        not has,
        since,
        webservice.namespace,
        webservice.name,
        expose.host,
        path,
        service=service_called(webservice),
    )


def service_called(webservice: Webservice) -> str:
    """What controllers call its Service; empty where it wants no Ingress."""
    expose = webservice.spec.expose
    ingress = expose is not None and expose.type is ExposeType.INGRESS
    return called(webservice.namespace, webservice.name) if ingress else ""


def rival(mine: Claim, claims: Sequence[Claim]) -> Claim | None:
    """Who comes before ``mine``, if anybody does; ``claims`` are all on that host."""
    first = min(claims, default=mine)
    if first < mine and first.namespace != mine.namespace:
        return first
    same = (one for one in claims if (one.namespace, one.path) == (mine.namespace, mine.path))
    return min((one for one in same if one < mine), default=None)


def held(mine: Claim, now: datetime) -> HeldHost:
    """What a Webservice has from now on, or has had."""
    return HeldHost(host=mine.host, path=mine.path, since=now if mine.contends else mine.since)


def hosts_of(namespace: str, settings: Settings) -> tuple[str, ...]:
    """The hosts that Webservices of a namespace may have; ``*`` stands for one name."""
    return tuple(host.replace(NAMESPACE, namespace) for host in settings.exposure_hosts)


def _off(settings: Settings, choices: dict[str, str], *, ingress: bool) -> str:
    """The settings that are empty, as the chart and as the operator call them."""
    kind, value, variable = (
        ("Ingress", "ingressClasses", "INGRESS_CLASSES")
        if ingress
        else ("HTTPRoute", "gateways", "GATEWAYS")
    )
    missing = [] if settings.exposure_hosts else [("hosts", "HOSTS")]
    missing += [] if choices else [(value, variable)]
    if not missing:
        return ""
    chart = " and ".join(f"exposure.{name}" for name, _ in missing)
    names = " and ".join(f"FAIRLEAD_EXPOSURE_{name}" for _, name in missing)
    return f"Type {kind} needs {chart} of the chart ({names})"


def _refused_choice(chosen: str, choices: dict[str, str], *, ingress: bool) -> Iterator[str]:
    if chosen not in choices:
        field, kind = ("ingressClassName", "class") if ingress else ("gateway", "Gateway")
        yield f"{field} '{chosen}' is no {kind} of {', '.join(choices)}"


def _refused_host(host: str, namespace: str, settings: Settings) -> Iterator[str]:
    allowed = hosts_of(namespace, settings)
    above = f"*.{host.partition('.')[2]}"
    if host not in allowed and above not in allowed:
        yield f"host '{host}' is none of {', '.join(allowed)}"


def _refused_issuer(expose: Expose, settings: Settings) -> Iterator[str]:
    issuer, granted = expose.tls and expose.tls.cluster_issuer, settings.exposure_cluster_issuers
    if issuer and issuer not in granted:
        yield f"tls.clusterIssuer '{issuer}' is none of {', '.join(granted) or '(none)'}"


def _unserved(webservice: Webservice, expose: Expose) -> str:
    """An Ingress takes nothing off a path, in a way that all controllers know."""
    path = expose.path or ROOT
    if expose.type is not ExposeType.INGRESS or path == ROOT:
        return ""
    if path == v1_path(webservice) and webservice.spec.fronted is not None:
        return ""
    return (
        f"An Ingress hands paths on as they are, and nothing behind it answers under '{path}': "
        f"remove spec.expose.path, or use '{v1_path(webservice)}' together with spec.front, or "
        "type HTTPRoute."
    )
