"""Images and services of the cluster: made from v1's configurations, and applied."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairlead.api.meta import INFERENCE_IMAGE, WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.azureml.code import code_of, source_of
from fairlead.azureml.deployment.fields import Configuration, service_fields, without_effect
from fairlead.azureml.exceptions import InvalidConfigurationError, WebserviceException
from fairlead.azureml.image import SUCCEEDED, Image
from fairlead.azureml.keys import set_keys
from fairlead.azureml.manifests import (
    PART_OF,
    ImageWanted,
    image_manifests,
    part_of,
    service_manifest,
)
from fairlead.azureml.model_choice import registered
from fairlead.azureml.names import object_name
from fairlead.azureml.objects import ours, put, put_all, remove_former
from fairlead.azureml.waiting import await_seen
from fairlead.azureml.webservice import say, taken
from fairlead.local.errors import LocalError
from fairlead.redact import one_line

if TYPE_CHECKING:
    from fairlead.azureml.cluster_service import ClusterWebservice
    from fairlead.azureml.workspace import Workspace


def build(
    workspace: "Workspace",
    name: str,
    models: Sequence[Any],
    config: Any,
    about: Mapping[str, Any],
    profile: Mapping[str, Any] | None = None,
) -> Manifest:
    """Apply the InferenceImage, and return it once the operator has looked at it.

    Raises ``WebserviceException``.
    """
    objects, code = workspace.objects, code_of(config)
    try:
        files, fields = source_of(code)
    except LocalError as error:
        raise WebserviceException(f"{error.finding.message} {error.finding.remedy}") from error
    chosen = registered(workspace, models)
    wanted = ImageWanted(
        name=name,
        files=files,
        fields=fields,
        models=[(model.record.resource, model.version) for model in chosen],
        base_image=code.base_image,
        registry=code.registry,
        variables=code.variables,
        about=about,
        profile=profile,
    )
    manifests = image_manifests(wanted, objects.namespace)
    put_all(objects, manifests)
    held = next((one["metadata"]["name"] for one in manifests if one["kind"] == "ConfigMap"), None)
    resource = object_name(name)
    remove_former(objects, f"{PART_OF}={part_of(INFERENCE_IMAGE, resource)}", held)
    return await_seen(objects, ours(objects, INFERENCE_IMAGE, resource))


def deploy_image_and_service(
    workspace: "Workspace",
    name: str,
    models: Sequence[Any],
    config: Any,
    knobs: Configuration,
    *,
    overwrite: bool,
) -> "ClusterWebservice":
    """Both are named alike; ``wait_for_deployment`` waits for both."""
    fields = _fields(workspace, name, knobs, overwrite=overwrite)  # refused before anything is made
    if not overwrite:
        _check_image(workspace, name)
    build(workspace, name, models, config, {"description": config.description, "service": name})
    return _served(workspace, name, {"imageRef": {"name": object_name(name)}}, fields, knobs)


def deploy_service(
    workspace: "Workspace", name: str, image: Any, knobs: Configuration, *, overwrite: bool
) -> "ClusterWebservice":
    """Serve an image that is built; a newer version of it is rolled out by itself."""
    fields = _fields(workspace, name, knobs, overwrite=overwrite)
    served = served_image(workspace, image)
    return _served(workspace, name, served, fields, knobs)


def served_image(workspace: "Workspace", image: Any) -> dict[str, Any]:
    """The field of a Webservice that says what is served; an older version is by its digest."""
    found = Image(workspace, id=image) if isinstance(image, str) else image
    if not isinstance(found, Image):
        raise InvalidConfigurationError(f"A {type(image).__name__} is no image.")
    newest = Image(workspace, found.name)
    if found.creation_state != SUCCEEDED:
        found.update_creation_state()
    if found.creation_state != SUCCEEDED:
        raise WebserviceException(
            f'Unable to create service with image {found.id} in non "Succeeded" creation state.'
        )
    if found.version == newest.version:
        return {"imageRef": {"name": found.resource}}
    digest = found.image_digest
    if digest is None or found.image_location is None:
        raise WebserviceException(f"Image {found.id} is not known any more: build it again.")
    secret = found.manifest["spec"].get("pullSecretRef")
    pinned = {"image": f"{found.image_location.rpartition(':')[0]}@{digest}"}
    return {**pinned, **({"pullSecretRef": dict(secret)} if secret else {})}


def _fields(
    workspace: "Workspace", name: str, knobs: Configuration, *, overwrite: bool
) -> dict[str, Any]:
    objects = workspace.objects
    if not overwrite and objects.get(ours(objects, WEBSERVICE, name)) is not None:
        raise taken(workspace, name)
    _check_namespace(workspace, getattr(knobs, "namespace", None))
    exposed = {"expose": {"type": workspace.expose}} if workspace.expose else {}
    fields = {**service_fields(knobs), **exposed}
    service_manifest(name, {"imageRef": {"name": "x"}}, fields, objects.namespace)  # is it valid?
    for sentence in without_effect(knobs):
        say(f"Warning: {sentence}\n")
    return fields


def _check_image(workspace: "Workspace", name: str) -> None:
    """Raise ``WebserviceException`` where the image of this name is anybody else's."""
    objects = workspace.objects
    known = objects.get(ours(objects, INFERENCE_IMAGE, object_name(name)))
    if known is None:
        return
    services = objects.items(ours(objects, WEBSERVICE))
    users = sorted(
        one_line(str(one["metadata"]["name"]))
        for one in services
        if (one["spec"].get("imageRef") or {}).get("name") == object_name(name)
        and one["metadata"]["name"] != name
    )
    if users or Image.of(workspace, known).service != name:
        followed = f", and these services follow it: {', '.join(users)}" if users else ""
        raise WebserviceException(
            f"Error, there is already an image with name {name} found in workspace "
            f"{workspace.name}{followed}. Give overwrite=True to build its next version, or serve "
            "it as it is with Webservice.deploy_from_image(...), or take another name."
        )


def _served(
    workspace: "Workspace",
    name: str,
    image: Mapping[str, Any],
    fields: Mapping[str, Any],
    knobs: Configuration,
) -> "ClusterWebservice":
    from fairlead.azureml.cluster_service import service_of

    objects = workspace.objects
    put(objects, service_manifest(name, image, fields, objects.namespace))
    if knobs.primary_key:
        set_keys(objects, name, knobs.primary_key, knobs.secondary_key)
    found = await_seen(objects, ours(objects, WEBSERVICE, name))
    return service_of(workspace, found)


def _check_namespace(workspace: "Workspace", namespace: str | None) -> None:
    if namespace is not None and namespace != workspace.namespace:
        raise InvalidConfigurationError(
            f"A service lies in its workspace's namespace, '{workspace.namespace}', with its image "
            f"and its models, and not in '{namespace}'. Leave namespace out, or take a workspace "
            f"of that namespace: Workspace.get('{workspace.name}', namespace='{namespace}')."
        )
