"""`fairlead doctor`: what a person needs to work with Fairlead in a cluster, one check after the
other, each with its remedy."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fairlead.api.meta import API_VERSION, GROUP, INFERENCE_IMAGE, KINDS, WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.finding import listed
from fairlead.local.errors import LocalError
from fairlead.remote.client import Client
from fairlead.remote.state import State, failure_fields, line, mapping, state_of, word

MAX_FIELDS = 6  # of one definition, that are named
OPERATOR = "app.kubernetes.io/name=fairlead"
VERSION_LABEL = "app.kubernetes.io/version"
UPGRADE = (
    "Upgrade with this release's chart (`helm upgrade`, crds.enabled=true), or use the program of "
    "the cluster's release."
)
ASK = "Ask who runs the cluster; docs/security.md has a role for people."


class Outcome(StrEnum):
    """``UNKNOWN``: it cannot be told from here, which is no failure."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """``name``: what was looked at; ``message``: what was seen."""

    name: str
    outcome: Outcome
    message: str
    remedy: str = ""

    def to_wire(self) -> dict[str, str]:
        found = {"name": self.name, "outcome": str(self.outcome), "message": self.message}
        return {**found, **({"remedy": self.remedy} if self.remedy else {})}


def checks(client: Client, namespace: str, version: str) -> Iterator[Check]:
    """One after the other; without a cluster the first is the last."""
    first = _cluster(client)
    yield first
    if first.outcome is Outcome.FAILED:
        return
    definitions = _asked("definitions", lambda: _definitions(client))
    yield definitions
    yield _asked("operator", lambda: _operator(client, version))
    if definitions.outcome is not Outcome.FAILED:
        states = _states(client, namespace)
        yield _registry(states)
        yield _nodes(states)
    yield _asked("metrics", lambda: _metrics(client))
    yield from _rights(client, namespace)


def _asked(name: str, look: Callable[[], Check]) -> Check:
    """A check whose questions may be refused."""
    try:
        return look()
    except LocalError as error:
        found = error.finding
        refused = found.reason == Reason.FORBIDDEN
        outcome = Outcome.UNKNOWN if refused else Outcome.FAILED
        return Check(name, outcome, found.message, found.remedy or "")


def _cluster(client: Client) -> Check:
    begun = time.monotonic()

    def look() -> Check:
        found = client.json("GET", "/version", "Asking for the version")
        took_ms = (time.monotonic() - begun) * 1000
        said = f"Kubernetes {word(found.get('gitVersion'))} at {client.access.server}"
        return Check("cluster", Outcome.OK, f"{said}, answers in {took_ms:.0f} ms.")

    return _asked("cluster", look)


def _definitions(client: Client) -> Check:
    from fairlead.api.published import missing_fields

    path = f"/openapi/v3/apis/{API_VERSION}"
    try:
        document = client.json("GET", path, "Reading the schemas")
        schemas = mapping(mapping(document.get("components")).get("schemas"))
    except LocalError as error:
        if error.finding.reason != Reason.NOT_FOUND:
            raise
        schemas = {}
    missing = missing_fields(schemas)
    absent = [name for name, fields in missing.items() if not fields]
    if absent:
        message = f"The cluster does not know {listed(absent)}."
        return Check("definitions", Outcome.FAILED, message, "Install Fairlead's chart.")
    if missing:
        told = [f"{name} has no {listed(fields, MAX_FIELDS)}" for name, fields in missing.items()]
        message = f"The definitions are older than this program: {'; '.join(told)}."
        return Check("definitions", Outcome.FAILED, message, UPGRADE)
    names = listed([kind.plural for kind in KINDS])
    return Check("definitions", Outcome.OK, f"{names} are there, as this program knows them.")


def _operator(client: Client, version: str) -> Check:
    found = client.items(Ref("apps/v1", "deployments", ""), labelSelector=OPERATOR)
    if not found:
        message = "No Deployment of the operator is in the cluster."
        remedy = "Install the chart; one that runs elsewhere cannot be seen from here."
        return Check("operator", Outcome.FAILED, message, remedy)
    alive = [one for one in found if mapping(one.get("status")).get("readyReplicas")]
    if not alive:
        place = _place(found[0])
        message = f"The operator ({place}) has no ready replica."
        return Check(
            "operator", Outcome.FAILED, message, f"See: kubectl describe deployment {place}"
        )
    return _version_of(alive[0], version)


def _version_of(deployment: Manifest, version: str) -> Check:
    labels = mapping(mapping(deployment.get("metadata")).get("labels"))
    theirs, place = word(labels.get(VERSION_LABEL)), _place(deployment)
    if theirs and _numbers(theirs) < _numbers(version):
        message = f"The operator ({place}) is {theirs}, older than this program ({version})."
        return Check("operator", Outcome.FAILED, message, UPGRADE)
    ready = line(mapping(deployment.get("status")).get("readyReplicas"))
    message = f"It runs ({place}, version {theirs or 'unknown'}, {ready} ready)."
    return Check("operator", Outcome.OK, message)


def _place(deployment: Manifest) -> str:
    metadata = mapping(deployment.get("metadata"))
    return f"--namespace {word(metadata.get('namespace'))} {word(metadata.get('name'))}"


def _numbers(version: str) -> tuple[int, ...]:
    """Of `1.2.3-rc.1`: 1, 2, 3."""
    plain = version.removeprefix("v").partition("-")[0].partition("+")[0]
    return tuple(int(part) if part.isdecimal() else 0 for part in plain.split("."))


def _states(client: Client, namespace: str) -> list[State]:
    """Of all images and services here; none where they may not be read."""
    found = list[State]()
    for kind in (INFERENCE_IMAGE, WEBSERVICE):
        try:
            items = client.items(Ref(API_VERSION, kind.plural, namespace))
        except LocalError:
            continue
        found += [state_of({**one, "kind": kind.kind}) for one in items]
    return found


def _registry(states: Sequence[State]) -> Check:
    """As the operator's tasks found it: they alone talk to it."""
    images = [one for one in states if one.kind == INFERENCE_IMAGE.kind]
    return _told("registry", images, ("Registry", "Repository"), "Built", "was built and pushed")


def _nodes(states: Sequence[State]) -> Check:
    services = [one for one in states if one.kind == WEBSERVICE.kind]
    return _told("nodes", services, ("ImagePull",), "Serving", "serves: nodes pull its image")


def _told(
    name: str, states: Sequence[State], prefixes: tuple[str, ...], good: str, words: str
) -> Check:
    for state in states:
        failure = failure_fields(state.failure)
        if failure.get("reason", "").startswith(prefixes):
            message = f"{state.kind} '{state.name}': {failure['message']}"
            return Check(name, Outcome.FAILED, message, failure.get("remedy", ""))
    fine = [one for one in states if one.ready.reason == good]
    if fine:
        message = f"{fine[0].kind} '{fine[0].name}' {words}."
        return Check(name, Outcome.OK, message)
    message = "Nothing of this namespace tells (yet)."
    return Check(name, Outcome.UNKNOWN, message, "Deploy something, or name another: --namespace.")


def _metrics(client: Client) -> Check:
    remedy = "Install metrics-server: services that scale by CPU need it. A fixed number does not."
    try:
        client.json("GET", "/apis/metrics.k8s.io/v1beta1", "Asking for the metrics API")
    except LocalError as error:
        if error.finding.reason == Reason.FORBIDDEN:
            raise
        message = "metrics.k8s.io is not served."
        return Check("metrics", Outcome.FAILED, message, remedy)
    return Check("metrics", Outcome.OK, "metrics.k8s.io is served.")


@dataclass(frozen=True)
class Right:
    """A verb on a resource, and which commands need it."""

    verb: str
    resource: str
    group: str
    command: str

    @property
    def words(self) -> str:
        return f"{self.verb} {self.resource}"


RIGHTS = (
    *(Right("list", kind.plural, GROUP, "get, describe, wait") for kind in KINDS),
    *(Right("create", kind.plural, GROUP, "deploy") for kind in KINDS),
    *(Right("patch", kind.plural, GROUP, "deploy, scale") for kind in KINDS),
    Right("delete", "webservices", GROUP, "delete"),
    Right("list", "pods", "", "logs, run"),
    Right("get", "pods/log", "", "logs"),
    Right("create", "pods/portforward", "", "run without an address"),
    Right("list", "events", "", "describe"),
    Right("get", "secrets", "", "run and keys"),
    Right("patch", "configmaps", "", "deploy of plain files"),
)


def _rights(client: Client, namespace: str) -> Iterator[Check]:
    missing = list[Right]()
    for right in RIGHTS:
        try:
            allowed = may(client, namespace, right)
        except LocalError as error:
            yield Check("rights", Outcome.UNKNOWN, error.finding.message, ASK)
            return
        if not allowed:
            missing.append(right)
    if not missing:
        yield Check("rights", Outcome.OK, f"You may do all of it in namespace '{namespace}'.")
        return
    needs = [f"{one.words} ({one.command})" for one in missing]
    message = f"In namespace '{namespace}' you may not: {'; '.join(needs)}."
    whole = any(one.group == GROUP for one in missing)
    yield Check("rights", Outcome.FAILED if whole else Outcome.UNKNOWN, message, ASK)


def may(client: Client, namespace: str, right: Right) -> bool:
    """Ask the API server. Raises ``LocalError``."""
    resource, _, subresource = right.resource.partition("/")
    attributes: Mapping[str, Any] = {
        "namespace": namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        **({"subresource": subresource} if subresource else {}),
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = client.create(path, review, "Asking for your rights")
    return bool(mapping(answer.get("status")).get("allowed"))


def failures(found: Sequence[Check]) -> int:
    return sum(one.outcome is Outcome.FAILED for one in found)
