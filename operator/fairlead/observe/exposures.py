"""Which hosts Webservices want, all namespaces together, and which kinds of way in are watched."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from fairlead.api.expose import ExposeType
from fairlead.api.meta import MANAGED_BY, WEBSERVICE
from fairlead.api.objects import read_webservice
from fairlead.api.refs import Manifest
from fairlead.decide.webservice.claims import claim, rival
from fairlead.desired.child_kinds import HTTP_ROUTE, INGRESS, ChildKind
from fairlead.errors import OperatorError
from fairlead.evidence import Claim
from fairlead.observe.references import Key
from fairlead.settings import Settings

THROUGH_HOSTS = (str(ExposeType.INGRESS), str(ExposeType.HTTP_ROUTE))


def exposure_kinds(settings: Settings) -> tuple[ChildKind, ...]:
    """The kinds that the settings let Webservices have: of others there may be no right."""
    granted = (
        (settings.exposure_ingress_classes, INGRESS),
        (settings.exposure_gateways, HTTP_ROUTE),
    )
    return tuple(kind for given, kind in granted if given)


def hosts_led(child: Mapping[str, Any]) -> frozenset[str]:
    """The hosts from which an Ingress or HTTPRoute of ours, as it is kept, leads on; none where it
    has not our label: nothing tells when such a one goes."""
    manifest = child.get("manifest") or {}
    labels = manifest.get("metadata", {}).get("labels", {})
    if labels.get(MANAGED_BY) != "fairlead":
        return frozenset()
    spec = manifest.get("spec", {})
    rules = (rule.get("host", "") for rule in spec.get("rules", ()))
    return frozenset((*rules, *spec.get("hostnames", ())))


class Claims:
    """By host, and by what controllers call a Service: a host has a dot, that has none. What the
    settings do not grant stands in nobody's way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._claims: dict[Key, Claim] = {}
        self._keys: defaultdict[str, dict[Key, None]] = defaultdict(dict)

    def on(self, host: str) -> Sequence[Claim]:
        """All that want ``host``, and may have it."""
        return tuple(self._claims[key] for key in self._keys.get(host, ()))

    def of(self, service: str) -> Sequence[Claim]:
        """All that want an Ingress, and may have it, and whose Service is called so."""
        return self.on(service) if service else ()

    def put(self, key: Key, body: Manifest | None) -> Iterable[Key]:
        """Take in what a Webservice wants now, None: it is gone; return whom that concerns.

        Only those that come after it: whoever has a host is not woken by others that want it.
        """
        if key.kind is not WEBSERVICE:
            return ()
        before, now = self._forget(key), self._claim(body)
        if now is not None:
            self._claims[key] = now
            for handle in _handles(now):
                self._keys[handle][key] = None
        if _whole(before) == _whole(now):
            return ()
        after = (self._after(one) for one in (before, now) if one)
        return dict.fromkeys(chain.from_iterable(after))

    def _after(self, one: Claim) -> Iterable[Key]:
        """Whoever might have it but for this one; nobody on a host that it has, or had, not."""
        hosts = () if rival(one, self.on(one.host)) else (one.host,)
        near = chain.from_iterable(self._keys.get(at, ()) for at in (*hosts, one.service))
        return [key for key in near if self._claims[key] > one]

    def _forget(self, key: Key) -> Claim | None:
        before = self._claims.pop(key, None)
        for handle in _handles(before) if before is not None else ():
            del self._keys[handle][key]
            if not self._keys[handle]:
                del self._keys[handle]
        return before

    def _claim(self, body: Manifest | None) -> Claim | None:
        if not _names_a_host(body):
            return None
        try:
            return claim(read_webservice(body or {}), self._settings)
        except OperatorError:  # its own reconcile tells what is wrong
            return None


def _handles(one: Claim) -> tuple[str, ...]:
    return (one.host, one.service) if one.service else (one.host,)


def _whole(one: Claim | None) -> tuple[object, ...]:
    """Claims are compared by who comes first; this has what is wanted, too."""
    return (one, one.host, one.path, one.service) if one else ()


def _names_a_host(body: Manifest | None) -> bool:
    """Whether it is worth reading: most Webservices want no host."""
    spec = (body or {}).get("spec")
    expose = spec.get("expose") if isinstance(spec, Mapping) else None
    return isinstance(expose, Mapping) and expose.get("type") in THROUGH_HOSTS
