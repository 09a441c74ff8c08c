"""A deployment in one step: which models, which image, and where it is served."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairlead.azureml.deployment.aci import AciServiceDeploymentConfiguration
from fairlead.azureml.deployment.aks import AksServiceDeploymentConfiguration
from fairlead.azureml.deployment.local import LocalWebserviceDeploymentConfiguration
from fairlead.azureml.exceptions import InvalidConfigurationError, UnsupportedError
from fairlead.azureml.names import check_service_name
from fairlead.azureml.webservice import Webservice, taken

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace


def deploy(
    workspace: "Workspace",
    name: str,
    models: Sequence[Any],
    config: Any,
    deployment: Any,
    *,
    overwrite: bool,
    target: object = None,
) -> Webservice:
    """Raises ``WebserviceException``. Without a deployment configuration it is ACI's, as in v1,
    or AKS' where a target says so."""
    check_service_name(name)
    if isinstance(deployment, LocalWebserviceDeploymentConfiguration):
        from fairlead.azureml.local_service import LocalWebservice, deploy_here

        there = [one.name for one in LocalWebservice.all_of(workspace)]
        if name in there and not overwrite:
            raise taken(workspace, name)
        return deploy_here(workspace, name, models, config, deployment)
    from fairlead.azureml.cluster_deployment import deploy_image_and_service

    knobs = knobs_of(deployment, target)
    return deploy_image_and_service(workspace, name, models, config, knobs, overwrite=overwrite)


def deploy_image(
    workspace: "Workspace", name: str, image: Any, deployment: Any, *, overwrite: bool
) -> Webservice:
    """Raises ``WebserviceException``."""
    from fairlead.azureml.cluster_deployment import deploy_service

    check_service_name(name)
    if isinstance(deployment, LocalWebserviceDeploymentConfiguration):
        raise UnsupportedError(
            "A local web service of an image",
            "Make it from the same files: Model.deploy(ws, name, models, inference_config, "
            "LocalWebservice.deploy_configuration()).",
        )
    return deploy_service(workspace, name, image, knobs_of(deployment, None), overwrite=overwrite)


def knobs_of(
    deployment: Any, target: object
) -> AksServiceDeploymentConfiguration | AciServiceDeploymentConfiguration:
    if deployment is None:
        in_aks = target is not None
        return (
            AksServiceDeploymentConfiguration() if in_aks else AciServiceDeploymentConfiguration()
        )
    if isinstance(
        deployment, (AksServiceDeploymentConfiguration, AciServiceDeploymentConfiguration)
    ):
        deployment.validate_configuration()
        return deployment
    raise InvalidConfigurationError(
        "deployment_config is made by deploy_configuration() of AksWebservice, AciWebservice or "
        f"LocalWebservice; it is a {type(deployment).__name__}."
    )
