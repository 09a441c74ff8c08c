"""Deployment configurations: v1's checks in v1's words, and the fields they become."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from fairlead.api.webservice import WebserviceSpec
from fairlead.azureml.code import code_of
from fairlead.azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice
from fairlead.azureml.deployment.fields import cores, memory, service_fields, without_effect
from fairlead.azureml.exceptions import UnsupportedError, WebserviceException
from fairlead.azureml.manifests import service_spec

ORDER = """
autoscale_enabled autoscale_min_replicas autoscale_max_replicas autoscale_refresh_seconds
autoscale_target_utilization collect_model_data auth_enabled cpu_cores memory_gb
enable_app_insights scoring_timeout_ms replica_max_concurrent_requests max_request_wait_time
num_replicas primary_key secondary_key tags properties description gpu_cores period_seconds
initial_delay_seconds timeout_seconds success_threshold failure_threshold namespace
token_auth_enabled compute_target_name cpu_cores_limit memory_gb_limit blobfuse_enabled
"""


def spec(**fields: Any) -> WebserviceSpec:
    return service_spec("credit", {"imageRef": {"name": "credit"}}, fields)


def test_the_parameters_come_in_v1s_order() -> None:
    assert list(inspect.signature(AksWebservice.deploy_configuration).parameters) == ORDER.split()


def test_all_that_is_wrong_is_told_at_once_and_in_order() -> None:
    with pytest.raises(WebserviceException) as caught:
        AksWebservice.deploy_configuration(
            cpu_cores=0,
            cpu_cores_limit=-1,
            memory_gb=2,
            memory_gb_limit=1,
            gpu_cores=-1,
            failure_threshold=0,
            namespace="No_Namespace",
            scoring_timeout_ms=0,
            num_replicas=0,
            autoscale_enabled=True,
            autoscale_min_replicas=5,
            autoscale_max_replicas=4,
            autoscale_target_utilization=0,
            auth_enabled=True,
            token_auth_enabled=True,
        )
    problems = (
        "cpu_cores must be greater than zero.",
        "cpu_cores_limit must be greater than or equal to cpu_cores.",
        "memory_gb_limit must be greater than or equal to memory_gb.",
        "gpu_cores must be greater than or equal to zero.",
        "failure_threshold must be greater than zero.",
        "namespace must be a valid Kubernetes namespace. Regex for validation is "
        "^[a-z0-9]([a-z0-9-]{,61}[a-z0-9])?$",
        "scoring_timeout_ms must be greater than zero.",
        "num_replicas must be greater than zero.",
        "autoscale enabled and num_replicas provided.",
        "autoscale_min_replicas cannot be greater than autoscale_max_replicas.",
        "autoscale_target_utilization must be greater than zero.",
        "auth_enabled and token_auth_enabled cannot both be true.",
    )
    assert caught.value.message == "".join(f"Invalid configuration, {one}\n" for one in problems)


@pytest.mark.parametrize("enabled", [None, False])
def test_autoscaling_is_to_be_enabled_before_it_is_set(enabled: bool | None) -> None:  # noqa: FBT001
    with pytest.raises(WebserviceException) as caught:
        AksWebservice.deploy_configuration(autoscale_enabled=enabled, autoscale_min_replicas=1)
    first = "Invalid configuration, autoscale disabled but num_replicas not provided.\n"
    rest = "Invalid configuration, autoscale_min_replicas provided without enabling autoscaling.\n"
    assert caught.value.message == (first if enabled is False else "") + rest


def test_every_knob_has_its_field() -> None:
    config = AksWebservice.deploy_configuration(
        autoscale_enabled=True,
        autoscale_min_replicas=2,
        autoscale_max_replicas=4,
        autoscale_target_utilization=30,
        auth_enabled=False,
        cpu_cores=0.1,
        memory_gb=0.5,
        scoring_timeout_ms=5000,
        replica_max_concurrent_requests=2,
        max_request_wait_time=300,
        tags={"a": 1},
        properties={"b": "c"},
        description="words",
        gpu_cores=0,
        period_seconds=11,
        initial_delay_seconds=311,
        timeout_seconds=3,
        success_threshold=2,
        failure_threshold=4,
        cpu_cores_limit=1,
        memory_gb_limit=1,
    )
    fields = service_fields(config)
    assert spec(**fields).to_wire() == {
        "imageRef": {"name": "credit"},
        "autoscale": {
            "enabled": True,
            "minReplicas": 2,
            "maxReplicas": 4,
            "targetUtilization": 30,
            "fastLane": False,
        },
        "resources": {
            "cpu": "100m",
            "memory": "512Mi",
            "gpu": 0,
            "limits": {"cpu": "1", "memory": "1024Mi"},
        },
        "auth": {"enabled": False},
        "probes": {
            "initialDelaySeconds": 311,
            "periodSeconds": 11,
            "timeoutSeconds": 3,
            "successThreshold": 2,
            "failureThreshold": 4,
        },
        "concurrency": {"maxConcurrentRequests": 2, "maxQueueWaitMilliseconds": 300},
        "scoringTimeoutMilliseconds": 5000,
        "tags": {"a": "1", "b": "c"},
        "description": "words",
    }


def test_what_is_not_given_is_left_to_fairlead() -> None:
    assert service_fields(AksWebservice.deploy_configuration()) == {}
    assert service_fields(AciWebservice.deploy_configuration()) == {"computeType": "ACI"}


def test_a_fixed_number_of_replicas() -> None:
    config = AksWebservice.deploy_configuration(autoscale_enabled=False, num_replicas=3)
    assert spec(**service_fields(config)).fixed_replicas == 3


def test_the_guides_aci() -> None:
    fields = service_fields(AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1))
    assert fields == {"computeType": "ACI", "resources": {"cpu": "1", "memory": "1024Mi"}}
    assert spec(**fields).fixed_replicas == 1


def test_what_has_no_effect_is_told() -> None:
    config = AksWebservice.deploy_configuration(
        autoscale_enabled=True,
        autoscale_refresh_seconds=1,
        enable_app_insights=True,
        compute_target_name="aks",
        properties={"a": "b"},
    )
    assert len(list(without_effect(config))) == 4
    aci = AciWebservice.deploy_configuration(location="eastus", dns_name_label="x")
    assert [one.split()[0] for one in without_effect(aci)] == ["location", "dns_name_label"]
    assert not list(without_effect(AciWebservice.deploy_configuration(cpu_cores=1)))


def test_what_cannot_be_left_out_is_refused() -> None:
    token = AksWebservice.deploy_configuration(token_auth_enabled=True)
    with pytest.raises(UnsupportedError, match="oauth2-proxy"):
        service_fields(token)
    cmk = AciWebservice.deploy_configuration(
        cmk_vault_base_url="u", cmk_key_name="n", cmk_key_version="v"
    )
    with pytest.raises(UnsupportedError, match="customer-managed"):
        service_fields(cmk)


def test_ssl_of_aci(tmp_path: Path) -> None:
    with pytest.raises(WebserviceException, match="you must provide a SSL certificate"):
        AciWebservice.deploy_configuration(ssl_enabled=True)
    (tmp_path / "c.pem").touch()
    given: dict[str, Any] = {
        "ssl_enabled": True,
        "ssl_cname": "x",
        "ssl_cert_pem_file": str(tmp_path / "c.pem"),
    }
    with pytest.raises(WebserviceException, match="unable to find SSL key pem file"):
        AciWebservice.deploy_configuration(**given, ssl_key_pem_file="/nowhere")
    with pytest.raises(WebserviceException, match="unable to find SSL cert pem file"):
        AciWebservice.deploy_configuration(
            **{**given, "ssl_cert_pem_file": "/nowhere"}, ssl_key_pem_file="/nowhere"
        )
    config = AciWebservice.deploy_configuration(**given, ssl_key_pem_file=str(tmp_path / "c.pem"))
    with pytest.raises(UnsupportedError, match=r"spec\.expose\.tls"):
        service_fields(config)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cpu_cores": 0}, "Invalid configuration, cpu_cores must be positive."),
        ({"memory_gb": -1}, "Invalid configuration, memory_gb must be positive."),
        ({"cmk_key_name": "x"}, "customer-managed key values"),
        ({"vnet_name": "x"}, "vnet_name and subnet_name must all have values"),
    ],
)
def test_the_first_mistake_of_aci_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(WebserviceException, match=said):
        AciWebservice.deploy_configuration(**given)


@pytest.mark.parametrize("port", [0, 65536, -1, "8890", 1.5, True])
def test_ports_that_are_none(port: Any) -> None:
    with pytest.raises(WebserviceException) as caught:
        LocalWebservice.deploy_configuration(port=port)
    assert caught.value.message == (
        "Invalid configuration, port must be an integer in range [1, 65535]"
    )


def test_ports_that_are() -> None:
    assert LocalWebservice.deploy_configuration().port is None
    assert LocalWebservice.deploy_configuration(8890).port == 8890


@pytest.mark.parametrize(
    ("number", "quantity"), [(None, None), (0.1, "100m"), (1, "1"), (2.5, "2500m"), (1e-9, "1m")]
)
def test_cores(number: float | None, quantity: str | None) -> None:
    assert cores(number) == quantity


@pytest.mark.parametrize(("number", "quantity"), [(None, None), (0.5, "512Mi"), (1e-9, "1Mi")])
def test_memory(number: float | None, quantity: str | None) -> None:
    assert memory(number) == quantity


def test_what_is_set_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    AksWebservice.deploy_configuration(cpu_cores=1).print_deploy_configuration()
    assert capsys.readouterr().out == "{'cpu_cores': 1}\n"


@pytest.mark.parametrize("kind", [AksWebservice, AciWebservice])
def test_keys_are_shown_nowhere(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    config = kind.deploy_configuration(primary_key="KEY1", secondary_key="KEY2", description="d")
    assert "KEY" not in repr(config)
    assert "description='d'" in repr(config)
    with pytest.raises(WebserviceException, match=f"not a {type(config).__name__}") as caught:
        code_of(config)
    assert "KEY" not in caught.value.message
    if kind is AksWebservice:
        config.print_deploy_configuration()
        assert capsys.readouterr().out == (
            "{'primary_key': '***', 'secondary_key': '***', 'description': 'd'}\n"
        )
