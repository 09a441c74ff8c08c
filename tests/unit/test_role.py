"""The operator's role is what its code asks for: no right is missing, none is left over.

Rights on our own kinds and on children follow from the tables in the code; what is only read
stands here, and is compared with the places in the code that name it.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

import fairlead
from fairlead.api.meta import GROUP, KINDS, WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import ConditionStatus, Truth
from fairlead.desired.autoscaler import DEMAND
from fairlead.desired.child_kinds import CHILD_KINDS, HTTP_ROUTE, INGRESS, ChildKind, Known
from fairlead.desired.event import event
from fairlead.desired.keys import keys
from fairlead.inputs.bounded_yaml import LOADER
from fairlead.log_address import image_log
from fairlead.logs.permission import REVIEWED, access_review, token_review
from fairlead.observe.local_registry import HOSTING
from fairlead.observe.measures import API_VERSION as MEASURED_BY
from fairlead.observe.measures import MEASURES
from fairlead.observe.metrics_api import REGISTRATION
from tests.unit.objects import NOW, body, webservice

Resource = tuple[str, str]  # API group, and plural with the subresource
Rights = Mapping[Resource, frozenset[str]]

CHECKOUT = Path(__file__).parents[2]
GOLDEN = CHECKOUT / "tests/golden/children"
READS: Rights = {
    ("", "configmaps"): frozenset({"get", "list", "watch"}),  # users' files; metadata is watched
    ("", "namespaces"): frozenset({"get"}),  # those with objects of ours: is it being deleted?
    ("", "pods"): frozenset({"list", "watch"}),  # of services and tasks, by our labels
    ("", "pods/log"): frozenset({"get"}),  # of what crashed
    ("", "events"): frozenset({"list"}),  # of a pod or a Job that does not start
}
TASKS: Rights = {  # what runners/job does to Jobs, and to the requests that they own
    ("batch", "jobs"): frozenset({"list", "watch", "create", "patch", "delete"}),
    ("", "configmaps"): frozenset({"create"}),
}
IN_ITS_NAMESPACE: Rights = {
    ("coordination.k8s.io", "leases"): frozenset({"get", "create", "patch"}),
    ("", "configmaps"): frozenset({"create", "patch"}),  # the echo
}
EXPOSURE_RULES = {"ingress-rules": INGRESS, "route-rules": HTTP_ROUTE}
NEVER = {"*", "escalate", "bind", "impersonate", "deletecollection"}


def group_of(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def needed() -> Rights:
    """What the code asks for, from its tables."""
    rights = defaultdict[Resource, frozenset[str]](frozenset, READS)
    for kind in KINDS:
        rights[GROUP, kind.plural] |= {"get", "list", "watch", "patch"}  # patch: our finalizer
        rights[GROUP, f"{kind.plural}/status"] |= {"patch"}
        rights[GROUP, f"{kind.plural}/finalizers"] |= {"update"}  # blockOwnerDeletion
    for child in CHILD_KINDS:
        unwanted = {"delete"} if is_unwanted_somewhere(child) else set()
        verbs = {"get", "list", "watch", "create", "patch", *unwanted}
        rights[group_of(child.api_version), child.plural] |= verbs
    for resource, of_tasks in TASKS.items():
        rights[resource] |= of_tasks
    for manifest in made_once():
        plural = f"{manifest['kind'].lower()}s"
        rights[group_of(manifest["apiVersion"]), plural] |= {"create"}
    return rights


def is_unwanted_somewhere(child: ChildKind) -> bool:
    """There are Webservices without this child: one that has it may become one of them."""
    specs = (yaml.safe_load(file.read_text()) for file in GOLDEN.glob("*/webservice.yaml"))
    return any(child.wanted(webservice(**spec), Known("image")) is None for spec in specs)


def made_once() -> Iterator[Manifest]:
    """What is created and never looked at again."""
    yield keys(webservice(), "primary", "secondary")
    condition = ConditionStatus(
        type="Ready", status=Truth.TRUE, reason=Reason.SERVING, message="", last_transition_time=NOW
    )
    yield event(WEBSERVICE.kind, body(WEBSERVICE, {})["metadata"], condition, "", NOW, "operator")


def rules(kind: str = "ClusterRole") -> list[Manifest]:
    """The rules of ``deploy/rbac.yaml``, everywhere or in the operator's own namespace."""
    documents = yaml.load_all((CHECKOUT / "deploy/rbac.yaml").read_text(), Loader=LOADER)
    [role] = [document for document in documents if document["kind"] == kind]
    return list(role["rules"])


def granted(kind: str = "ClusterRole") -> Rights:
    """What they give to the operator."""
    rights = defaultdict[Resource, frozenset[str]](frozenset)
    for rule in rules(kind):
        assert rule.keys() == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                rights[group, resource] |= set(rule["verbs"])
    return rights


def test_the_role_gives_what_the_code_needs_and_nothing_else() -> None:
    assert granted() == needed()


def test_in_its_own_namespace_it_holds_a_lease_and_writes_an_echo() -> None:
    assert granted("Role") == IN_ITS_NAMESPACE


@pytest.mark.parametrize(
    ("kind", "template"), [("ClusterRole", "rules"), ("Role", "own-namespace-rules")]
)
def test_the_chart_gives_the_same(kind: str, template: str) -> None:
    """Its rules are templates without any action but their names."""
    assert yaml.safe_load(rules_of_chart(template)) == rules(kind)


def rules_of_chart(template: str) -> str:
    text = (CHECKOUT / "charts/fairlead/templates/_rules.tpl").read_text()
    begin = f'{{{{- define "fairlead.{template}" -}}}}'
    body = text.partition(begin)[2].partition("{{- end -}}")[0]
    assert body
    assert "{{" not in body
    return body


def test_what_is_asked_about_tokens_is_what_the_code_asks() -> None:
    """In a role of its own, which the chart makes only for an operator of the whole cluster."""
    rules = yaml.safe_load(rules_of_chart("log-token-rules"))
    assert {(rule["apiGroups"][0], rule["resources"][0]) for rule in rules} == set(REVIEWED.items())
    assert all(rule["verbs"] == ["create"] for rule in rules)
    name, user = image_log("demo", "diabetes", "1-1"), {"username": "jane"}
    asked = (token_review("token"), access_review(name, user))
    assert {(group_of(one["apiVersion"]), f"{one['kind'].lower()}s") for one in asked} == set(
        REVIEWED.items()
    )
    assert not set(REVIEWED.items()) & granted().keys()


def test_where_it_builds_it_does_what_its_tasks_need_and_all_of_that_elsewhere_too() -> None:
    rules = yaml.safe_load(rules_of_chart("builds-rules"))
    given = {
        (rule["apiGroups"][0], rule["resources"][0]): frozenset(rule["verbs"]) for rule in rules
    }
    read = {one: READS[one] for one in READS if one[1] not in ("configmaps", "namespaces")}
    assert given == {**read, **TASKS}


def test_the_metrics_api_sees_webservices_and_pods_and_the_operator_whose_it_is() -> None:
    """No Secret, no right to write; and of API services the one."""
    rules = yaml.safe_load(rules_of_chart("metrics-api-rules"))
    given = {(r["apiGroups"][0], r["resources"][0]): set(r["verbs"]) for r in rules}
    assert given == {
        (GROUP, WEBSERVICE.plural): {"list", "watch"},
        ("", "pods"): {"list", "watch"},
    }
    rule, *numbers = yaml.safe_load(rules_of_chart("metrics-reader-rules"))
    assert (rule["resources"], rule["resourceNames"]) == (
        [REGISTRATION.plural],
        [REGISTRATION.name],
    )
    assert (rule["apiGroups"], rule["verbs"]) == ([group_of(REGISTRATION.api_version)], ["get"])
    asked = [f"{WEBSERVICE.crd_name}/{one}" for one in (MEASURES.removeprefix("*/"), DEMAND)]
    assert [(one["resources"], one["verbs"]) for one in numbers] == [
        ([one], ["get"]) for one in asked
    ]
    assert {one["apiGroups"][0] for one in numbers} == {group_of(MEASURED_BY)}


@pytest.mark.parametrize(("template", "kind"), EXPOSURE_RULES.items(), ids=list(EXPOSURE_RULES))
def test_what_exposes_may_be_written_only_where_that_is_granted(
    template: str, kind: ChildKind
) -> None:
    [rule] = yaml.safe_load(rules_of_chart(template))
    assert (rule["apiGroups"], rule["resources"]) == ([group_of(kind.api_version)], [kind.plural])
    assert set(rule["verbs"]) == {"get", "list", "watch", "create", "patch", "delete"}
    assert (group_of(kind.api_version), kind.plural) not in granted()


def test_in_kube_public_it_may_read_which_registry_the_cluster_has() -> None:
    text = (CHECKOUT / "charts/fairlead/templates/_rules.tpl").read_text()
    _, _, body = text.partition('{{- define "fairlead.local-registry-rules" -}}')
    [rule] = yaml.safe_load(body.partition("{{- end -}}")[0])
    assert (rule["resources"], rule["resourceNames"]) == ([HOSTING.plural], [HOSTING.name])
    assert (rule["apiGroups"], rule["verbs"]) == ([""], ["get"])


def test_the_role_gives_nothing_that_reaches_beyond_a_service() -> None:
    assert not {verb for verbs in granted().values() for verb in verbs} & NEVER
    assert granted()["", "secrets"] == {"create"}
    assert {group for group, _ in granted()} == {
        *("", "apps", "policy", "autoscaling", "batch", "events.k8s.io"),
        GROUP,
    }
    resources = {resource.partition("/")[0] for _, resource in granted()}
    assert not resources & {"nodes", "serviceaccounts", "roles", "clusterroles", "*"}
    assert not {f"pods/{way_in}" for way_in in ("exec", "attach", "portforward", "proxy")} & {
        resource for _, resource in granted()
    }


def test_what_is_only_read_is_what_the_code_names() -> None:
    read = {resource.partition("/")[0] for _, resource in READS}
    assert named_in_code() == read | {"jobs", REGISTRATION.plural}


def test_what_is_done_to_jobs_is_what_their_runner_asks_for() -> None:
    """Creating a Job gives no more than creating the Deployment of a service: pods in a namespace
    whose objects ask for them. Nothing of a request is ever changed or deleted: it goes with its
    Job."""
    act = (Path(fairlead.__file__).parent / "runners/job/act.py").read_text()
    verbs = {
        node.func.attr
        for node in ast.walk(ast.parse(act))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "cluster"
    }
    assert verbs == {"create", "merge", "delete"}


def named_in_code() -> set[str]:
    """The plurals in ``Ref("v1", "pods", …)`` and its like; other kinds come from tables. What the
    command line asks for, it asks for as whoever types it."""
    package = Path(fairlead.__file__).parent
    files = (file for file in package.rglob("*.py") if package / "remote" not in file.parents)
    trees = (ast.parse(file.read_text()) for file in files)
    return {
        str(plural) for tree in trees for node in ast.walk(tree) for plural in literal_plural(node)
    }


def literal_plural(node: ast.AST) -> Iterator[object]:
    match node:
        case ast.Call(func=ast.Name("Ref" | "Collection"), args=[_, ast.Constant(plural), *_]):
            yield plural


def documented(heading: str) -> Rights:
    """The rights in the first table behind a line of ``docs/security.md``."""
    text = (CHECKOUT / "docs/security.md").read_text().partition(heading)[2]
    lines = text.partition("| Resource |")[2].partition("\n\n")[0].splitlines()
    rights = {}
    for line in lines[2:]:
        resource, verbs, why = (cell.strip() for cell in line.strip("|").split(" | "))
        plural, _, group = resource.strip("`").partition(".")
        assert why
        rights[group, plural] = frozenset(verb.strip("`") for verb in verbs.split())
    return rights


@pytest.mark.parametrize(
    ("kind", "heading"),
    [("ClusterRole", "## The operator's rights"), ("Role", "In its own namespace, besides:")],
)
def test_the_rights_that_are_documented_are_those_that_are_given(kind: str, heading: str) -> None:
    assert documented(heading) == granted(kind)


@pytest.mark.parametrize(
    ("template", "heading"),
    [
        ("log-token-rules", "For bearer tokens on logs"),
        ("local-registry-rules", "In `kube-public`, where"),
        ("builds-rules", "In the namespace of the `buildkit` engine"),
        ("metrics-reader-rules", "Where there is a metrics API"),
        ("ingress-rules", "Where Webservices may have Ingresses"),
        ("route-rules", "Where they may have HTTPRoutes"),
        ("metrics-api-rules", "The metrics API has a ServiceAccount"),
    ],
)
def test_what_the_chart_gives_besides_is_documented(template: str, heading: str) -> None:
    rules = yaml.safe_load(rules_of_chart(template))
    given = {
        (rule["apiGroups"][0], rule["resources"][0]): frozenset(rule["verbs"]) for rule in rules
    }
    assert documented(heading) == {
        (group, resource.removeprefix(f"{WEBSERVICE.crd_name}/")): verbs
        for (group, resource), verbs in given.items()
    }


def test_no_rules_of_the_chart_are_left_out_here() -> None:
    text = (CHECKOUT / "charts/fairlead/templates/_rules.tpl").read_text()
    templates = {"rules", "own-namespace-rules", "log-token-rules", "local-registry-rules"}
    templates |= {"builds-rules", "metrics-api-rules", "metrics-reader-rules"}
    templates |= set(EXPOSURE_RULES)
    assert set(re.findall(r'define "fairlead\.([\w-]+)"', text)) == templates
