"""The Job of each kind of task and its request, compared whole with a file.

To accept a change that is meant: ``UPDATE_GOLDEN=1 pytest tests/golden``, then read the diff.
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import fairlead
from fairlead.contract import Access, Task
from fairlead.desired.task_job import (
    TASK_SETTINGS,
    RequestTooLargeError,
    task_draft,
    task_variables,
)
from fairlead.inputs.bounded_yaml import LOADER
from fairlead.job_request import MAX_REQUEST_BYTES, request_digest
from fairlead.settings import Settings
from tests.unit.tasks_of import (
    OWNER,
    assemble_task,
    environment_task,
    ingest_task,
    profile_task,
    resolve_task,
    smoke_task,
    source_task,
)

FILES = Path(__file__).parent / "tasks"
IMAGE = f"localhost:5000/fairlead/tasks@sha256:{'ab' * 32}"
OPERATOR = Path(fairlead.__file__).parent
READERS = ("tasks", "images", "sources", "registry", "engines")
MODEL = {"model.pkl": b"\x80\x05\x00\xff", "LICENSE": b"MIT"}
CASES = {
    "ingest-uri": ingest_task(uri="https://models.example.com/diabetes.pkl"),
    "ingest-config-map": ingest_task(config_map="diabetes-model", files=MODEL),
    "ingest-secret": ingest_task(
        uri="s3://models/diabetes", access=Access(source_secret="bucket", service_account="store")
    ),
    "ingest-volume": ingest_task(claim="models", access=Access(source_claim="models")),
    "source-secret": source_task(access=Access(source_secret="bucket", push_secret="pushes")),
    "resolve": resolve_task(),
    "resolve-secrets": replace(
        resolve_task(),
        access=Access(push_secret="team-push", pull_secret="base-pull", service_account="builder"),
    ),
    "assemble-inline": assemble_task(files={"score.py": b"def init(): ...\n", "lib/x.py": b""}),
    "environment": environment_task(),
    "environment-with-resources": environment_task(
        requests={"cpu": "2", "memory": "4Gi"},
        limits={"ephemeral-storage": "512Mi"},
        access=Access(
            pull_secret="reads",
            push_secret="pushes",
            service_account="builder",
            package_secret="channel",
        ),
    ),
    "environment-conda": environment_task(conda_file=True),
    "environment-buildkit": environment_task(
        engine="buildkit",
        steps="RUN make\nCOPY tool /opt/tool\n",
        apart="fairlead-builds",
        files={"tool": b"\x7fELF\xff"},
    ),
    "smoke": smoke_task(),
    "smoke-everywhere": smoke_task(
        requests={"cpu": "1", "memory": "4Gi"},
        limits={"memory": "8Gi", "nvidia.com/gpu": "1"},
        access=Access(pull_secret="reads", push_secret="pushes", service_account="builder"),
    ),
    "profile": profile_task(),
    "assemble-config-map": assemble_task(config_map="code", files={"score.py": b""}, attempt=3),
}


EVERYWHERE = {
    "registry_secret": "fairlead-registry",
    "task_service_account": "tasks",
    "task_pod_labels": "azure.workload.identity/use=true component=mine",
    "task_pod_annotations": "example.com/note=x",
}
SETTINGS = {"resolve-secrets": EVERYWHERE, "smoke-everywhere": EVERYWHERE}


def settings(**others: Any) -> Settings:
    return Settings(task_image=IMAGE, runner="job", **others)


@pytest.mark.parametrize("name", CASES)
def test_the_job_and_its_request_are_what_the_file_says(name: str) -> None:
    draft = task_draft(CASES[name], OWNER, settings(**SETTINGS.get(name, {})))
    made = [draft.job, draft.config_map("uid-of-the-job")]
    file = FILES / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(yaml.safe_dump_all(made, sort_keys=False, width=100))
    assert made == list(yaml.load_all(file.read_text(), Loader=LOADER))


def test_no_clouds_webhook_gives_an_identity_to_foreign_code() -> None:
    chosen = {**EVERYWHERE, "task_pod_annotations": "eks.amazonaws.com/skip-containers=task"}
    template = task_draft(CASES["environment"], OWNER, settings(**chosen)).job["spec"]["template"]
    annotations = template["metadata"]["annotations"]
    for webhook in ("azure.workload.identity", "eks.amazonaws.com"):
        assert annotations[f"{webhook}/skip-containers"] == "install"


def test_settings_for_all_tasks_change_no_label_of_ours_and_yield_to_the_object() -> None:
    chosen = settings(**EVERYWHERE)
    chosen = chosen.model_copy(update={"task_pod_labels": "app.kubernetes.io/name=mine"})
    template = task_draft(CASES["resolve"], OWNER, chosen).job["spec"]["template"]
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "task"
    assert template["spec"]["serviceAccountName"] == "tasks"
    assert template["spec"]["automountServiceAccountToken"] is False
    named = task_draft(CASES["resolve-secrets"], OWNER, chosen).job["spec"]["template"]["spec"]
    assert named["serviceAccountName"] == "builder"


def test_only_the_secret_of_every_namespace_may_be_missing() -> None:
    draft = task_draft(CASES["resolve-secrets"], OWNER, settings(**EVERYWHERE))
    volumes = draft.job["spec"]["template"]["spec"]["volumes"]
    secrets = {one["name"]: one["secret"] for one in volumes if "secret" in one}
    assert {name: secret.get("optional", False) for name, secret in secrets.items()} == {
        "registry-push": False,
        "registry-pull": False,
        "registry-shared": True,
    }
    assert all(secret["items"][0]["key"] == ".dockerconfigjson" for secret in secrets.values())


@pytest.mark.parametrize("name", CASES)
def test_credentials_are_mounted_into_our_own_container_alone_and_are_in_no_variable(
    name: str,
) -> None:
    access = Access(push_secret="team-push", pull_secret="base-pull")
    draft = task_draft(replace(CASES[name], access=access), OWNER, settings(**EVERYWHERE))
    pod = draft.job["spec"]["template"]["spec"]
    containers = [*pod.get("initContainers", []), *pod["containers"]]
    mounts = {one["name"]: one.get("volumeMounts", []) for one in containers}
    with_credentials = {
        container
        for container, its in mounts.items()
        if any(mount["name"].startswith("registry-") for mount in its)
    }
    # its container is the image's, and nothing of ours
    users_own = name.startswith(("smoke", "profile"))
    assert with_credentials == (set() if users_own else {"task"})
    assert not users_own or not any("secret" in one for one in pod["volumes"])
    variables = {one["name"] for container in containers for one in container.get("env", [])}
    assert not {name for name in variables if re.search("PASSW|TOKEN|SECRET_|AUTH", name)}
    assert not any("envFrom" in container for container in containers)


def test_the_settings_arrive_as_variables_of_the_job(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    chosen = settings(
        registry="registry.example.com",
        insecure_hosts=("a:5000", "b"),
        ca_bundle=bundle,
        model_max_bytes=7,
        task_limits="memory=8Gi",
    )
    draft = task_draft(CASES["resolve"], OWNER, chosen, bundle.read_text())
    container = draft.job["spec"]["template"]["spec"]["containers"][0]
    assert {one["name"]: one["value"] for one in container["env"]} == {
        "FAIRLEAD_CA_BUNDLE": "/var/run/fairlead/request/ca-bundle.pem",
        "FAIRLEAD_INSECURE_HOSTS": "a:5000 b",
        "FAIRLEAD_MODEL_MAX_BYTES": "7",
        "FAIRLEAD_REGISTRY": "registry.example.com",
        "HOME": "/var/run/fairlead/work",
        "PYTHONUNBUFFERED": "1",
    }
    assert container["resources"]["limits"] == {"memory": "8Gi"}
    assert draft.data["ca-bundle.pem"] == "certificates"


def test_what_tasks_read_of_the_settings_is_handed_to_them() -> None:
    sources = [path.read_text() for name in READERS for path in (OPERATOR / name).rglob("*.py")]
    sources.append((OPERATOR / "connection.py").read_text())
    read = {name for text in sources for name in re.findall(r"settings\.([a-z_]+)", text)}
    fields = {name.replace("push_registry", "registry_push") for name in read}
    of_the_operators_own = {"docker_config"}  # in a Job, Secrets are mounted
    assert fields & Settings.model_fields.keys() <= set(TASK_SETTINGS) | of_the_operators_own
    assert set(TASK_SETTINGS) <= Settings.model_fields.keys()


def test_the_variables_give_the_same_settings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(registry="r:5000", insecure_hosts=("a", "b:1"), build_logs_max=3)
    for name, value in task_variables(chosen).items():
        monkeypatch.setenv(name, value)
    again = Settings()
    assert [getattr(again, name) for name in TASK_SETTINGS] == [
        getattr(chosen, name) for name in TASK_SETTINGS
    ]


def test_the_same_attempt_at_the_same_work_is_the_same_job() -> None:
    first, second = (
        task_draft(ingest_task(uri="https://m.example.com/m", attempt=2), OWNER, settings())
        for _ in range(2)
    )
    assert first == second
    other = task_draft(ingest_task(uri="https://m.example.com/m", attempt=3), OWNER, settings())
    assert (first.name[:-1], first.name[-1], other.name[-1]) == (other.name[:-1], "2", "3")


def test_the_longest_name_is_a_name() -> None:
    task = ingest_task(uri="https://m.example.com/m", attempt=999_999_999)
    longest = task_draft(Task(**{**vars(task), "program": "environment"}), OWNER, settings())
    assert len(longest.name) <= 52  # with what the Job controller puts behind it


def test_every_byte_of_the_request_counts_in_its_digest() -> None:
    data = dict(task_draft(CASES["assemble-inline"], OWNER, settings()).data)
    changed = {key: data | {key: f"{value} "} for key, value in data.items()}
    digests = {request_digest(each) for each in (data, *changed.values())}
    assert len(digests) == len(data) + 1


def test_the_largest_inline_source_fits() -> None:
    files = {f"{'f' * 250}{number}": b"\n" * 131_072 for number in range(2)}
    draft = task_draft(assemble_task(files=files), OWNER, settings())
    assert len(json.dumps(draft.config_map("uid"))) < 1_500_000  # what etcd takes


def test_a_request_that_no_config_map_holds_is_refused_with_its_size() -> None:
    files = {"big": b"x" * MAX_REQUEST_BYTES}
    with pytest.raises(RequestTooLargeError, match=r"1,000,\d+ bytes are to be handed"):
        task_draft(assemble_task(files=files), OWNER, settings())


def test_jobs_need_an_image() -> None:
    with pytest.raises(ValidationError, match="the job runner needs FAIRLEAD_TASK_IMAGE"):
        Settings(runner="job")


@pytest.mark.parametrize("value", ["cpu", "cpu=", "=1", "cpu=a lot", "cpu=1 memory=-1"])
def test_what_is_no_quantity_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_TASK_REQUESTS", value)
    with pytest.raises(ValidationError, match="must be like cpu=500m"):
        Settings()
