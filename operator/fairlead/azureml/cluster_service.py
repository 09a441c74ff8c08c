"""``AksWebservice`` and ``AciWebservice``: services of the cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fairlead.azureml.absent import Absent
from fairlead.azureml.deployment.aci import AciServiceDeploymentConfiguration
from fairlead.azureml.deployment.aks import AksServiceDeploymentConfiguration
from fairlead.azureml.exceptions import InvalidConfigurationError, WebserviceException
from fairlead.azureml.names import OBJECT_NAME
from fairlead.azureml.webservice import TIPS, Webservice, answered, body_of, say
from fairlead.redact import one_line

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace

TRANSITIONING, UNREACHABLE = "Transitioning", "Error attempting to call webservice, scoring_uri"


class ClusterWebservice(Webservice):
    """``manifest`` is the Webservice as it was read last; ``state`` and the like read it anew."""

    def __init__(self, workspace: "Workspace", name: str, **kwargs: Any) -> None:
        super().__init__(workspace, name, **kwargs)
        self.manifest: Mapping[str, Any] = {}
        self.update_deployment_state()

    @property
    def state(self) -> str:
        from fairlead.azureml.status import is_seen

        self.update_deployment_state()
        if not is_seen(self.manifest):
            return TRANSITIONING
        return str(self._status.get("state") or TRANSITIONING)

    @property
    def scoring_uri(self) -> str | None:
        uri = self._status.get("scoringUri")
        return str(uri) if uri else None

    @property
    def swagger_uri(self) -> str | None:
        uri = self._status.get("swaggerUri")
        return str(uri) if uri else super().swagger_uri

    @property
    def error(self) -> dict[str, Any] | None:
        failure = self._status.get("failure")
        return dict(failure) if isinstance(failure, Mapping) else None

    @property
    def image(self) -> Any:
        """The image that it serves; None where that is named by an address."""
        from fairlead.azureml.image import Image

        name = (self.manifest["spec"].get("imageRef") or {}).get("name")
        found = [one for one in Image.list(self.workspace) if one.resource == name]
        return found[0] if found else None

    @property
    def tags(self) -> dict[str, str]:
        return dict(self.manifest["spec"].get("tags") or {})

    @property
    def description(self) -> str | None:
        text = self.manifest["spec"].get("description")
        return str(text) if text else None

    @property
    def properties(self) -> dict[str, str]:
        """None: they are kept as tags."""
        return {}

    @property
    def created_time(self) -> datetime:
        return datetime.fromisoformat(self.manifest["metadata"]["creationTimestamp"])

    @property
    def models(self) -> list[Any]:
        """What is in its image."""
        return list(self.image.models) if self.image else []

    @property
    def auth_enabled(self) -> bool:
        enabled = (self.manifest["spec"].get("auth") or {}).get("enabled")
        return bool(self.compute_type != "ACI" if enabled is None else enabled)

    def update_deployment_state(self) -> None:
        """Look again. Raises ``WebserviceException`` where it is gone."""
        from fairlead.api.meta import WEBSERVICE
        from fairlead.azureml.objects import absent, ours

        objects = self.workspace.objects
        known = OBJECT_NAME.fullmatch(self.name)  # it stands in a path
        found = objects.get(ours(objects, WEBSERVICE, self.name)) if known else None
        if found is None:
            raise absent("Webservice", self.name, objects)
        self.manifest = found

    def wait_for_deployment(
        self, show_output: bool = False, timeout_sec: float | None = None
    ) -> None:
        """Until it serves; or ``WebserviceException`` with the cause, and where to look."""
        from fairlead.azureml.waiting import FailedError, TooLateError, await_ready, silent

        say(TIPS if show_output else "")
        tell = _told if show_output else silent
        try:
            found = await_ready(self.workspace.objects, self._refs(), tell, timeout_sec)
        except FailedError as error:
            self.update_deployment_state()
            raise self._failed(error.manifest) from error
        except TooLateError as error:
            raise WebserviceException(
                f"Deployment polling exceeded timeout override of {timeout_sec}s. Current status: "
                f"{one_line(self.state)}. {error.message}"
            ) from error
        self.manifest = found[-1]
        if show_output:
            said = one_line(f'Service "{self.name}" is {self.state} at {self.scoring_uri}')
            say(f"Succeeded\n{said}\n")

    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        """The last lines of each replica."""
        return self.workspace.objects.logs(self.name, num_lines, init=init)

    def run(self, input_data: Any = None, **kwargs: Any) -> Any:
        self.update_deployment_state()
        if self.scoring_uri is None:
            raise WebserviceException(
                f"{UNREACHABLE} unavailable. This could be due to a failed deployment, or the "
                f"service is not ready yet: it is {one_line(self.state)}. "
                "service.wait_for_deployment(True) "
                "tells more."
            )
        body = body_of(input_data, kwargs)
        return answered(self.workspace.objects.score(self.name, body))

    def get_keys(self) -> tuple[str, str]:
        from fairlead.azureml.keys import read_keys

        return read_keys(self.workspace.objects, self.name)

    def regen_key(self, key: str, set_key: str | None = None) -> None:
        """Returns when every replica takes the new one, within minutes; the other stays valid."""
        from fairlead.azureml.keys import replace_key

        replace_key(self.workspace.objects, self.name, key, set_key)

    def delete(self) -> None:
        """Its image and models stay."""
        from fairlead.api.meta import WEBSERVICE
        from fairlead.azureml.objects import ours

        objects = self.workspace.objects
        objects.delete(ours(objects, WEBSERVICE, self.name))

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        self._change_tags({str(name): str(value) for name, value in tags.items()})

    def remove_tags(self, tags: Sequence[str]) -> None:
        self._change_tags(dict.fromkeys({tags} if isinstance(tags, str) else tags))

    add_properties = add_tags

    def serialize(self) -> dict[str, Any]:
        image = self.image
        return {
            **super().serialize(),
            "tags": self.tags,
            "description": self.description,
            "authEnabled": self.auth_enabled,
            "imageId": image.id if image else self.manifest["spec"].get("image"),
        }

    def has(self, model_name: str | None, model_id: str | None, image: str | None) -> bool:
        served = self.image if model_name or model_id or image else None
        if image and (served is None or served.name != image):
            return False
        asked = (model_id or "").partition(":")[0] or model_name
        return not asked or (served is not None and asked in [one.name for one in served.models])

    @property
    def _status(self) -> Mapping[str, Any]:
        return self.manifest.get("status") or {}

    def _refs(self) -> list[Any]:
        """The image, where it is one of ours, and the service."""
        from fairlead.api.meta import INFERENCE_IMAGE, WEBSERVICE
        from fairlead.azureml.objects import ours

        objects = self.workspace.objects
        image = (self.manifest["spec"].get("imageRef") or {}).get("name")
        before = [ours(objects, INFERENCE_IMAGE, str(image))] if image else []
        return [*before, ours(objects, WEBSERVICE, self.name)]

    def _failed(self, manifest: Mapping[str, Any]) -> WebserviceException:
        from fairlead.azureml.status import failure_words, mapping

        status = mapping(manifest.get("status"))
        where = "More information can be found using '.get_logs()'"
        if manifest["kind"] != "Webservice":
            uri = mapping(status.get("build")).get("logUri")
            where = f"More information can be found here: {one_line(str(uri))}" if uri else ""
        return WebserviceException(
            "Service deployment polling reached non-successful terminal state, current service "
            f"state: {one_line(str(self._status.get('state') or TRANSITIONING))}\n"
            f"{where}\nError:\n{failure_words(manifest)}"
        )

    def _change_tags(self, tags: Mapping[str, str | None]) -> None:
        """These alone, None for one that goes: whatever else others write meanwhile stays."""
        from fairlead.api.meta import WEBSERVICE
        from fairlead.azureml.objects import ours

        objects = self.workspace.objects
        objects.merge(ours(objects, WEBSERVICE, self.name), {"spec": {"tags": dict(tags)}})
        self.update_deployment_state()

    def _apply(self, spec: Mapping[str, Any]) -> None:
        """The whole spec."""
        from fairlead.azureml.manifests import service_manifest
        from fairlead.azureml.objects import put
        from fairlead.azureml.update import image_of

        image, rest = image_of(spec)
        objects = self.workspace.objects
        made = service_manifest(self.name, image, rest, objects.namespace)
        put(objects, made, self.manifest["metadata"]["generation"])
        self.update_deployment_state()

    def _update(self, config: Any, image: Any, models: Any, inference_config: Any) -> None:
        from fairlead.azureml.cluster_deployment import build, served_image
        from fairlead.azureml.deployment.fields import without_effect
        from fairlead.azureml.update import check_update, image_of, updated_spec

        check_update(config, image, models, inference_config)
        self.update_deployment_state()
        spec = updated_spec(self.manifest["spec"], config, self.compute_type)
        if image is not None:
            spec = {**image_of(spec)[1], **served_image(self.workspace, image)}
        served = self.image
        if inference_config is not None and served is None:
            raise InvalidConfigurationError(
                "Error, unable to use Environment object to update Webservice created with Image "
                "object."
            )
        for sentence in without_effect(config):
            say(f"Warning: {sentence}\n")
        self._apply(spec)
        if inference_config is not None:
            own = {"service": self.name} if served.service == self.name else {}
            about = {"description": inference_config.description, **own}
            build(self.workspace, served.name, models, inference_config, about)
        self.update_deployment_state()


class AksWebservice(ClusterWebservice):
    """Replicas of the cluster."""

    compute_type = "AKS"

    deploy_configuration = AksServiceDeploymentConfiguration

    def update(
        self, image: Any = None, *, models: Any = None, inference_config: Any = None, **knobs: Any
    ) -> None:
        """What is not given stays. ``knobs`` are those of ``deploy_configuration``."""
        from fairlead.azureml.update import Changes

        known = {one.name for one in fields(AksServiceDeploymentConfiguration)}
        _check_known(knobs, known)
        self._update(Changes(**knobs), image, models, inference_config)


class AciWebservice(ClusterWebservice):
    """One replica, and no key unless one is asked for."""

    compute_type = "ACI"

    deploy_configuration = AciServiceDeploymentConfiguration

    def update(
        self,
        image: Any = None,
        tags: Any = None,
        properties: Any = None,
        description: str | None = None,
        auth_enabled: bool | None = None,
        enable_app_insights: bool | None = None,
        *,
        models: Any = None,
        inference_config: Any = None,
        **knobs: Any,
    ) -> None:
        """What is not given stays; CPU and memory cannot be changed, as in v1."""
        from fairlead.azureml.update import Changes

        _check_known(knobs, set())
        changes = Changes(
            tags=tags,
            properties=properties,
            description=description,
            auth_enabled=auth_enabled,
            enable_app_insights=enable_app_insights,
        )
        self._update(changes, image, models, inference_config)


AksEndpoint = Absent(
    "AksEndpoint (several versions behind one address)",
    "Deploy each version as a Webservice, and share the traffic out with an Ingress or a Gateway.",
)
KINDS: dict[str, type[ClusterWebservice]] = {"AKS": AksWebservice, "ACI": AciWebservice}


def services_of(workspace: "Workspace") -> list[ClusterWebservice]:
    from fairlead.api.meta import WEBSERVICE
    from fairlead.azureml.objects import ours

    objects = workspace.objects
    return [service_of(workspace, one) for one in objects.items(ours(objects, WEBSERVICE))]


def service_of(workspace: "Workspace", manifest: Mapping[str, Any]) -> ClusterWebservice:
    """Of the kind that its spec says."""
    type_ = KINDS[str(manifest["spec"].get("computeType") or "AKS")]
    made: ClusterWebservice = object.__new__(type_)
    made.workspace, made.name = workspace, str(manifest["metadata"]["name"])
    made.manifest = manifest
    return made


def _check_known(given: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise InvalidConfigurationError(
            f"update() takes no {', '.join(unknown)}; of the rest: {', '.join(sorted(known))}."
        )


def _told(text: str) -> None:
    say(f"{text}\n")
