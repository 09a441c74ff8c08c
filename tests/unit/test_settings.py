"""Settings that are refused at the start, with what they must be like."""

import signal
import sys

import pytest
from pydantic import ValidationError

from fairlead.operator_program import main
from fairlead.settings import Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task_requests": "cpu memory=1Gi"}, "cpu: must be like cpu=500m memory=1Gi"),
        ({"task_requests": "=1"}, "must be like cpu=500m"),
        ({"task_pod_labels": "team"}, "must be like example.com/use=true team=ml"),
        ({"task_pod_annotations": "=ml"}, "must be like example.com/use=true team=ml"),
        ({"conda_mirrors": "*=https://me:hunter2@m.example/x"}, "must not hold a user name"),
        ({"conda_channels": "https://me:hunter2@m.example/x"}, "belongs into FAIRLEAD_CONDA_MIR"),
        ({"conda_channels": "defaults t/hunter2/x"}, "belongs into FAIRLEAD_CONDA_MIRRORS"),
        ({"exposure_hosts": "*"}, "must be like api.example.com"),
        ({"exposure_hosts": "*.x-{namespace}.example.com"}, "must be like api.example.com"),
        ({"exposure_hosts": "a.*.example.com"}, "must be like api.example.com"),
        ({"exposure_ingress_classes": "public=apache"}, "must be a class and one of nginx"),
        ({"exposure_gateways": "public=https"}, "must be like infra/public=https"),
        ({"exposure_gateways": "infra/public=tcp"}, "must be like infra/public=https"),
        ({"state_folder": ""}, "must not be empty"),
        ({"log_address": "127.0.0.1:65536"}, "the port must be 65535 at the most"),
        ({"health_address": "0.0.0.0:65536"}, "the port must be 65535 at the most"),
        ({"runner": "job"}, "the job runner needs FAIRLEAD_TASK_IMAGE"),
    ],
)
def test_what_cannot_be_meant_so_is_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        Settings.model_validate(settings)
    assert "hunter2" not in str(refused.value)


def test_variables_set_fields_in_either_case_and_arguments_count_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAIRLEAD_REGISTRY", "registry.example.com")
    monkeypatch.setenv("fairlead_insecure_hosts", "a.example, b.example")
    monkeypatch.setenv("FAIRLEAD_SERVICE_PORT_HTTP", "80")  # of a Service that is called fairlead
    monkeypatch.setenv("REGISTRY_PUSH", "somebody-elses.example.com")
    settings = Settings(registry_push="given.example.com")
    assert (settings.registry, settings.registry_push) == (
        "registry.example.com",
        "given.example.com",
    )
    assert settings.insecure_hosts == ("a.example", "b.example")


def test_all_that_is_wrong_is_told_at_once_by_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["fairlead"])
    wrong = {"TASKS_AT_ONCE": "many", "HEALTH_ADDRESS": "8081", "STATE_FOLDER": "", "RUNNER": "Job"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"FAIRLEAD_{name}", value)
    with pytest.raises(SystemExit) as ended:
        main()
    said = str(ended.value).removeprefix("The operator cannot start: ").split("; ")
    assert sorted(one.partition(":")[0] for one in said) == sorted(f"FAIRLEAD_{n}" for n in wrong)


@pytest.mark.parametrize("name", ["CA_BUNDLE", "DOCKER_CONFIG", "LOG_KEY_FILE"])
def test_an_empty_variable_names_no_file(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"FAIRLEAD_{name}", "")
    assert getattr(Settings(), name.lower()) is None
