"""The program ``resolve``: everything the registry knows, asked before anything expensive."""

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRecipe, ResolveRequest
from fairlead.images.build_log import append_log
from fairlead.images.hashes import environment_hash
from fairlead.registry.client import Registry
from fairlead.registry.oci import EMPTY, OCI_EMPTY, OCI_MANIFEST, Manifest, descriptor, written
from fairlead.registry.reference import Repository, parse_repository
from fairlead.requirement import Requirement
from tests.cluster import Cluster
from tests.integration.registry.images import push_environment, push_image
from tests.integration.registry.server import WebServer, replies
from tests.integration.registry.task import Tasks


def request_for(namespace: str, base_image: str) -> ResolveRequest:
    return ResolveRequest(
        repository=f"{namespace}/credit",
        environments=f"{namespace}/fairlead/environments",
        recipe=EnvironmentRecipe(
            base_image=base_image, requirements=(Requirement(text="numpy", line=1),)
        ),
    )


@pytest.fixture
def base(registry: Registry, namespace: str) -> str:
    """A base image in the registry; its digest is that of ``digest_of``."""
    push_image(registry, parse_repository(f"{namespace}/python"), "3.11", {"bin/python3": b"#!"})
    return f"{namespace}/python:3.11"


def push_version(registry: Registry, repository: Repository, tag: str, **about: str) -> str:
    manifest = Manifest(
        config=descriptor(OCI_EMPTY, EMPTY),
        layers=(),
        annotations={f"dev.fairlead.image.{name}": value for name, value in about.items()},
    )
    registry.upload_bytes(repository, EMPTY)
    return registry.put_manifest(repository, tag, written(manifest), OCI_MANIFEST)


def test_a_new_image_has_a_base_and_nothing_else(
    tasks: Tasks, registry: Registry, namespace: str, base: str
) -> None:
    request = request_for(namespace, base)
    digest = registry.digest_of(parse_repository(f"{namespace}/python"), "3.11")
    assert digest
    assert tasks.run("resolve", request).ok == {
        "baseDigest": digest,
        "environmentHash": environment_hash(request.recipe, digest),
        "lastVersion": 0,
        "versions": [],
    }


def test_an_environment_that_is_there_is_found_with_its_python(
    tasks: Tasks, registry: Registry, namespace: str, base: str
) -> None:
    request = request_for(namespace, base)
    wanted = tasks.run("resolve", request).ok["environmentHash"]
    environments = parse_repository(request.environments)
    push_environment(registry, environments, wanted, python=None)
    assert "environmentDigest" not in tasks.run("resolve", request).ok, "it has no label of ours"
    digest = push_environment(registry, environments, wanted)
    found = tasks.run("resolve", request).ok
    assert (found["environmentDigest"], found["environmentPython"]) == (digest, "3.11.2")


def test_versions_are_counted_by_images_and_by_logs_of_builds_that_failed(
    tasks: Tasks, registry: Registry, namespace: str, base: str
) -> None:
    repository = parse_repository(f"{namespace}/credit")
    digests = {
        n: push_version(registry, repository, str(n), hash=f"{n:064x}") for n in range(1, 13)
    }
    push_version(registry, repository, "99x", hash="h")
    push_version(registry, repository, "latest", hash="h")
    append_log(registry, repository, "log-14-2", "demo/credit", "failed")
    found = tasks.run("resolve", request_for(namespace, base)).ok
    assert found["lastVersion"] == 14
    assert found["versions"] == [
        {"version": n, "digest": digests[n], "hash": f"{n:064x}"} for n in range(12, 2, -1)
    ]


def test_an_image_that_somebody_else_pushed_counts_and_is_never_adopted(
    tasks: Tasks, registry: Registry, namespace: str, base: str
) -> None:
    push_version(registry, parse_repository(f"{namespace}/credit"), "1")
    found = tasks.run("resolve", request_for(namespace, base)).ok
    assert (found["lastVersion"], found["versions"]) == (1, [])


def test_the_base_image_may_have_the_name_that_nodes_know(
    tasks: Tasks, cluster: Cluster, namespace: str, base: str
) -> None:
    """Nodes pull from another host than tasks push to; the user knows the former."""
    tasks.settings |= {
        "FAIRLEAD_REGISTRY": "registry.example.com",
        "FAIRLEAD_REGISTRY_PUSH": cluster.registry,
    }
    known = base.replace(cluster.registry, "registry.example.com")
    assert tasks.run("resolve", request_for(namespace, known)).ok["baseDigest"]


def test_a_base_image_that_does_not_exist_is_said_with_its_registry(
    tasks: Tasks, cluster: Cluster, namespace: str
) -> None:
    failure = tasks.run("resolve", request_for(namespace, f"{namespace}/nope:1")).failure
    assert (failure.reason, failure.class_) == (Reason.BASE_IMAGE_NOT_FOUND, FailureClass.USER)
    path = namespace.partition("/")[2]
    assert failure.message.startswith(
        f"The base image {namespace}/nope:1 was not found. The registry {cluster.registry} "
        f"could not read {path}/nope:1: 404 MANIFEST_UNKNOWN"
    )
    assert failure.remedy == "Correct spec.baseImage, or push the image."


def test_a_base_image_whose_name_is_none_is_not_asked_for(tasks: Tasks, namespace: str) -> None:
    failure = tasks.run("resolve", request_for(namespace, "localhost:5000/a//b")).failure
    assert failure.reason is Reason.BASE_IMAGE_NOT_FOUND
    assert failure.message == ("'localhost:5000/a//b' is not the name of an image repository.")


def test_a_base_image_that_is_not_for_us_is_denied(
    tasks: Tasks, web: WebServer, namespace: str
) -> None:
    web.otherwise = replies(401)
    failure = tasks.run("resolve", request_for(namespace, f"{web.host}/secret/x:1")).failure
    assert (failure.reason, failure.class_) == (Reason.BASE_IMAGE_DENIED, FailureClass.AUTH)
    assert f"The registry {web.host} does not let us read secret/x:1: 401" in failure.message


def test_a_base_image_is_no_way_to_what_only_this_machine_reaches(
    tasks: Tasks, web: WebServer, namespace: str
) -> None:
    tasks.settings["FAIRLEAD_INSECURE_HOSTS"] = ""
    failure = tasks.run("resolve", request_for(namespace, f"{web.host}/x:1")).failure
    assert (failure.reason, failure.class_) == (Reason.REGISTRY_REFUSED, FailureClass.USER)
    assert failure.message == (
        f"The base image {web.host}/x:1 could not be looked up. The registry {web.host} is at "
        "127.0.0.1, an address that only the operator's own machine, its network link or its cloud "
        "uses."
    )
    assert not failure.retryable
    assert web.requests == []


def test_a_repository_is_no_way_to_what_only_this_machine_reaches(
    tasks: Tasks, web: WebServer, namespace: str, base: str
) -> None:
    tasks.settings["FAIRLEAD_INSECURE_HOSTS"] = ""
    request = request_for(namespace, base).model_copy(update={"repository": f"{web.host}/x"})
    assert tasks.run("resolve", request).failure.reason is Reason.REGISTRY_REFUSED
    assert web.requests == []


def test_a_base_registry_that_is_down_is_not_the_users_fault(tasks: Tasks, namespace: str) -> None:
    failure = tasks.run("resolve", request_for(namespace, "localhost:1/x:1")).failure
    assert (failure.reason, failure.retryable) == (Reason.REGISTRY_UNREACHABLE, True)
    assert failure.message == (
        "The base image localhost:1/x:1 could not be looked up. The registry localhost:1 does "
        "not answer (Connection refused)."
    )


def test_the_right_to_push_is_asked_for_first(tasks: Tasks, web: WebServer) -> None:
    web.otherwise = replies(403)
    failure = tasks.run("resolve", request_for(f"{web.host}/demo", "localhost:1/x:1")).failure
    assert failure.reason is Reason.REGISTRY_AUTH
    assert failure.message == (
        f"The registry {web.host} does not let us push to demo/credit: 403 Forbidden. Fairlead has "
        "no credentials for it."
    )
    assert f"a Secret with credentials for {web.host}" in str(failure.remedy)
    assert web.requests == ["POST /v2/demo/credit/blobs/uploads/"]
