"""``Webservice``: what services of this machine and of the cluster have alike, and v1's calls."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairlead.azureml.exceptions import UnsupportedError, WebserviceException
from fairlead.azureml.tags import has_all

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace

TIPS = (
    "Tips: You can try get_logs(), or a local deployment "
    "(LocalWebservice.deploy_configuration), if this takes longer than 10 minutes.\n"
)


class Webservice:
    """``Webservice(workspace, name)`` is the service of that name, of whichever kind it is.

    Raises ``WebserviceException`` where there is none.
    """

    name: str
    workspace: "Workspace"
    compute_type: str

    def __new__(cls, workspace: "Workspace", name: str, **kwargs: Any) -> "Webservice":
        del kwargs
        if cls is not Webservice:
            return super().__new__(cls)
        return super().__new__(type(_found(workspace, name)))

    def __init__(self, workspace: "Workspace", name: str, **kwargs: Any) -> None:
        del kwargs
        self.workspace, self.name = workspace, name

    @property
    def state(self) -> str:
        """In v1's words."""
        raise NotImplementedError

    @property
    def scoring_uri(self) -> str | None:
        raise NotImplementedError

    @property
    def swagger_uri(self) -> str | None:
        uri = self.scoring_uri
        return f"{uri.removesuffix('/score')}/swagger.json" if uri else None

    @property
    def error(self) -> dict[str, Any] | None:
        """Why it does not work; None where it does."""
        raise NotImplementedError

    def wait_for_deployment(
        self, show_output: bool = False, timeout_sec: float | None = None
    ) -> None:
        raise NotImplementedError

    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        raise NotImplementedError

    def run(self, input_data: Any = None, **kwargs: Any) -> Any:
        """Score, and return what the script answered. v1 named the parameter both ways."""
        raise NotImplementedError

    def delete(self) -> None:
        raise NotImplementedError

    def serialize(self) -> dict[str, Any]:
        """For people and programs."""
        return {
            "name": self.name,
            "computeType": self.compute_type,
            "state": self.state,
            "scoringUri": self.scoring_uri,
            "swaggerUri": self.swagger_uri,
            "error": self.error,
        }

    def get_token(self) -> Any:
        raise UnsupportedError(
            "get_token() (tokens of Entra ID)", "Use key authentication: get_keys()."
        )

    get_access_token = get_token

    @staticmethod
    def list(
        workspace: "Workspace",
        compute_type: str | None = None,
        image_name: str | None = None,
        image_id: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: Sequence[Any] | None = None,
        properties: Sequence[Any] | None = None,
        image_digest: str | None = None,
    ) -> "list[Webservice]":
        """Those of the cluster first, then those of this machine."""
        from fairlead.azureml.local_service import LocalWebservice

        found: list[Webservice] = []
        if workspace.in_cluster:
            from fairlead.azureml.cluster_service import services_of

            found += services_of(workspace)
        if not (image_name or image_id or image_digest):
            found += LocalWebservice.all_of(workspace)
        wanted = compute_type.lower() if compute_type else None
        tag_names = [*(tags or ()), *(properties or ())]
        return [
            one
            for one in found
            if wanted in (None, one.compute_type.lower())
            and one.has(model_name, model_id, image_name or (image_id or "").partition(":")[0])
            and (not tag_names or has_all(one.serialize().get("tags") or {}, tag_names))
        ]

    def has(self, model_name: str | None, model_id: str | None, image: str | None) -> bool:
        """Whether it serves the model and the image; those that are not given are not asked."""
        raise NotImplementedError

    @staticmethod
    def check_for_existing_webservice(
        workspace: "Workspace", name: str, overwrite: bool = False, **kwargs: object
    ) -> None:
        """Raise ``WebserviceException`` where the name is taken and stays so."""
        del kwargs
        if not overwrite and any(one.name == name for one in Webservice.list(workspace)):
            raise taken(workspace, name)

    check_for_existing_name = check_for_existing_webservice

    @staticmethod
    def deploy(
        workspace: "Workspace",
        name: str,
        model_paths: Sequence[str],
        image_config: Any,
        deployment_config: Any = None,
        deployment_target: object = None,
        overwrite: bool = False,
    ) -> "Webservice":
        """Register the files, build an image, and serve it."""
        from fairlead.azureml.deploy import deploy

        return deploy(
            workspace,
            name,
            model_paths,
            image_config,
            deployment_config,
            overwrite=overwrite,
            target=deployment_target,
        )

    @staticmethod
    def deploy_from_model(
        workspace: "Workspace",
        name: str,
        models: Sequence[Any],
        image_config: Any,
        deployment_config: Any = None,
        deployment_target: object = None,
        overwrite: bool = False,
    ) -> "Webservice":
        """Build an image, and serve it."""
        from fairlead.azureml.deploy import deploy

        return deploy(
            workspace,
            name,
            models,
            image_config,
            deployment_config,
            overwrite=overwrite,
            target=deployment_target,
        )

    @staticmethod
    def deploy_from_image(
        workspace: "Workspace",
        name: str,
        image: Any,
        deployment_config: Any = None,
        deployment_target: object = None,
        overwrite: bool = False,
    ) -> "Webservice":
        """Serve an image that was built."""
        from fairlead.azureml.deploy import deploy_image

        del deployment_target  # the cluster is that of the workspace
        return deploy_image(workspace, name, image, deployment_config, overwrite=overwrite)

    @staticmethod
    def deploy_local_from_model(
        workspace: "Workspace",
        name: str,
        models: Sequence[Any],
        image_config: Any,
        deployment_config: Any = None,
        wait: bool = False,
    ) -> "Webservice":
        """Serve on this machine."""
        from fairlead.azureml.deploy import deploy
        from fairlead.azureml.deployment.local import LocalWebserviceDeploymentConfiguration

        config = deployment_config or LocalWebserviceDeploymentConfiguration()
        service = deploy(workspace, name, models, image_config, config, overwrite=True)
        if wait:
            service.wait_for_deployment(show_output=True)
        return service

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workspace={self.workspace!r}, name={self.name!r})"


def taken(workspace: "Workspace", name: str) -> WebserviceException:
    return WebserviceException(
        f"Error, there is already a service with name {name} found in workspace {workspace.name}. "
        "Give overwrite=True to replace it, or change it with service.update(...)."
    )


def answered(body: bytes | str) -> Any:
    """What the script answered: JSON, else text."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    try:
        return json.loads(text)
    except ValueError:
        return text


def body_of(input_data: Any, given: Mapping[str, Any]) -> bytes:
    """The body of a request. v1 named the parameter ``input`` and ``input_data``."""
    data = given.get("input", input_data)
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    return json.dumps(data).encode()


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _found(workspace: "Workspace", name: str) -> Webservice:
    there = Webservice.list(workspace)
    for one in there:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in there) or "none"
    raise WebserviceException(
        f"WebserviceNotFound: Webservice with name {name} not found in provided workspace; there "
        f"is: {names}."
    )


def __getattr__(name: str) -> Any:
    """v1 has these in the module of this name, too."""
    if name in ("AciWebservice", "AksEndpoint", "AksWebservice", "LocalWebservice"):
        import fairlead.azureml

        return getattr(fairlead.azureml, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
