"""``Image`` and ``ContainerImage``: an image of the cluster, and how it gets on."""

import builtins
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fairlead.azureml.exceptions import (
    InvalidConfigurationError,
    UnsupportedError,
    WebserviceException,
)
from fairlead.azureml.image_configuration import ContainerImageConfig
from fairlead.azureml.names import check_image_name, object_name
from fairlead.azureml.tags import has_all
from fairlead.azureml.webservice import say
from fairlead.redact import one_line

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace

SUCCEEDED, FAILED, RUNNING = "Succeeded", "Failed", "Running"


class Image:
    """The newest version of an image, unless ``version`` or ``id`` says another.

    Raises ``WebserviceException`` where there is none.
    """

    def __init__(
        self,
        workspace: "Workspace",
        name: str | None = None,
        id: str | None = None,  # noqa: A002  (v1's name)
        tags: object = None,
        properties: object = None,
        version: int | str | None = None,
        **kwargs: object,
    ) -> None:
        del tags, properties, kwargs
        if id is not None:
            name, _, version = id.partition(":")
        found = [one for one in Image.list(workspace) if one.name == name]
        if not found:
            raise WebserviceException(
                f"ImageNotFound: Image with name {name} not found in provided workspace."
            )
        self._take(workspace, found[0].manifest, int(str(version)) if version else None)
        if self._pinned is not None:
            self._check_version()

    def _take(
        self, workspace: "Workspace", manifest: Mapping[str, Any], pinned: int | None = None
    ) -> None:
        self.workspace, self.manifest = workspace, manifest
        self._pinned = pinned

    @staticmethod
    def of(workspace: "Workspace", manifest: Mapping[str, Any]) -> "ContainerImage":
        image = ContainerImage.__new__(ContainerImage)
        image._take(workspace, manifest)
        return image

    @staticmethod
    def create(
        workspace: "Workspace", name: str, models: Sequence[Any], image_config: Any
    ) -> "ContainerImage":
        """Begin to build; ``wait_for_creation`` waits. Another content makes the next version."""
        from fairlead.azureml.cluster_deployment import build

        check_image_name(name)
        if not isinstance(image_config, ContainerImageConfig):
            raise InvalidConfigurationError(
                "image_config is made by ContainerImage.image_configuration(...)."
            )
        say("Creating image\n")
        about = {
            "tags": image_config.tags,
            "properties": image_config.properties,
            "description": image_config.description,
        }
        return Image.of(workspace, build(workspace, name, models, image_config, about))

    @staticmethod
    def list(
        workspace: "Workspace",
        image_name: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: Sequence[Any] | None = None,
        properties: Sequence[Any] | None = None,
    ) -> "builtins.list[ContainerImage]":
        """The newest version of each. Without a cluster there is none."""
        from fairlead.api.meta import INFERENCE_IMAGE
        from fairlead.azureml.objects import ours

        if not workspace.in_cluster:
            return []
        objects = workspace.objects
        found = [Image.of(workspace, one) for one in objects.items(ours(objects, INFERENCE_IMAGE))]
        asked = (model_id or "").partition(":")[0] or model_name
        wanted = [*(tags or ()), *(properties or ())]
        return [
            one
            for one in found
            if image_name in (None, one.name)
            and (asked is None or object_name(asked) in one.resources)
            and has_all({**one.tags, **one.properties}, wanted)
        ]

    @property
    def resource(self) -> str:
        """The object's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def name(self) -> str:
        return str(self._about.get("name") or self.resource)

    @property
    def version(self) -> int | None:
        """Of the newest inputs, also while they are built; None before the operator has looked."""
        if self._pinned is not None:
            return self._pinned
        newest = self._status.get("version")
        return self._building or (newest if isinstance(newest, int) else None)

    @property
    def id(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._about.get("tags") or {})

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._about.get("properties") or {})

    @property
    def description(self) -> str | None:
        return _text(self._about.get("description"))

    @property
    def service(self) -> str | None:
        """The service that it was made with, in one step; None where it was made by itself."""
        return _text(self._about.get("service"))

    @property
    def created_time(self) -> datetime:
        return datetime.fromisoformat(self.manifest["metadata"]["creationTimestamp"])

    @property
    def creation_state(self) -> str:
        """Of the newest inputs."""
        from fairlead.azureml.status import is_failed, is_ready

        if self._pinned is not None and self._pinned != self._status.get("version"):
            return SUCCEEDED
        if is_failed(self.manifest):
            return FAILED
        return SUCCEEDED if is_ready(self.manifest) else RUNNING

    @property
    def image_location(self) -> str | None:
        """`registry/name:version`; None before it is built."""
        location = self._status.get("imageLocation")
        if location and self._pinned is not None:
            return f"{location.rpartition(':')[0]}:{self._pinned}"
        return str(location) if location else None

    @property
    def image_digest(self) -> str | None:
        if self._pinned is None or self._pinned == self._status.get("version"):
            return _text(self._status.get("imageDigest"))
        return next(
            (one["digest"] for one in self._history if one["version"] == self._pinned), None
        )

    @property
    def image_build_log_uri(self) -> str | None:
        """Of the newest build, from its first second on; `kubectl get --raw` opens what begins
        with a slash."""
        return _text((self._status.get("build") or {}).get("logUri"))

    @property
    def generated_dockerfile_uri(self) -> str | None:
        """None: the build's log begins with it."""
        return None

    @property
    def resources(self) -> "builtins.list[str]":
        """The Models in it, by their objects' names."""
        return [str(one["name"]) for one in self.manifest["spec"].get("models") or ()]

    @property
    def models(self) -> "builtins.list[Any]":
        from fairlead.azureml.model import Model

        return [one for one in Model.list(self.workspace) if one.record.resource in self.resources]

    def update_creation_state(self) -> None:
        """Look again."""
        from fairlead.api.meta import INFERENCE_IMAGE
        from fairlead.azureml.objects import absent, ours

        objects = self.workspace.objects
        found = objects.get(ours(objects, INFERENCE_IMAGE, self.resource))
        if found is None:
            raise absent("Image", self.name, objects)
        self.manifest = found

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Raises ``WebserviceException``, with the address of the log, where it cannot be built."""
        from fairlead.api.meta import INFERENCE_IMAGE
        from fairlead.azureml.objects import ours
        from fairlead.azureml.status import failure_words
        from fairlead.azureml.waiting import FailedError, await_ready, silent

        objects = self.workspace.objects
        ref = ours(objects, INFERENCE_IMAGE, self.resource)
        tell = _told if show_output else silent
        try:
            self.manifest = await_ready(objects, [ref], tell)[0]
        except FailedError as error:
            self.manifest = error.manifest
            uri = self.image_build_log_uri
            where = one_line(uri or "")
            say(f"More information about this error is available here: {where}\n" * bool(where))
            raise WebserviceException(
                "Image creation polling reached non-successful terminal state, current state: "
                f"{FAILED}\n{failure_words(error.manifest)}"
            ) from error
        if show_output:
            say(f"Image creation operation finished for image {self.id}: {SUCCEEDED}\n")

    def delete(self) -> None:
        """Refused while a service has it, of whichever version, and for one version of several."""
        from fairlead.api.meta import INFERENCE_IMAGE, WEBSERVICE
        from fairlead.azureml.objects import ours

        objects = self.workspace.objects
        others = sorted({one["version"] for one in self._history} - {self._pinned})
        if self._pinned is not None and others:
            raise WebserviceException(
                f"Version {self._pinned} of image '{self.name}' cannot be deleted by itself: it "
                f"has version {', '.join(map(str, others))}, too, and they go together. "
                f"Image(ws, '{self.name}').delete() deletes them all."
            )
        services = objects.items(ours(objects, WEBSERVICE))
        users = [str(one["metadata"]["name"]) for one in services if self._is_served_by(one)]
        if users:
            raise WebserviceException(
                f"DeletionRequired: the image '{self.name}' is in use by services: "
                f"{', '.join(sorted(users))}. Delete these first; Webservice.list(ws, image_name="
                f"'{self.name}') finds them.",
                status_code=412,
            )
        objects.delete(ours(objects, INFERENCE_IMAGE, self.resource))

    def run(self, input_data: object) -> Any:
        del input_data
        raise UnsupportedError(
            "Image.run()",
            "Serve it: Webservice.deploy_from_image(...), or run it: docker run -p "
            f"8000:5001 {one_line(self.image_location or '')}.",
        )

    def serialize(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "creationState": self.creation_state,
            "imageLocation": self.image_location,
            "imageDigest": self.image_digest,
            "imageBuildLogUri": self.image_build_log_uri,
            "tags": self.tags,
            "properties": self.properties,
            "description": self.description,
        }

    def _is_served_by(self, service: Mapping[str, Any]) -> bool:
        """By its name, or one of its versions by the digest."""
        spec = service["spec"]
        repository = str(self._status.get("imageLocation") or "").rpartition(":")[0]
        pinned = bool(repository) and str(spec.get("image") or "").startswith(f"{repository}@")
        return pinned or (spec.get("imageRef") or {}).get("name") == self.resource

    def _check_version(self) -> None:
        known = [self._status.get("version"), *(one["version"] for one in self._history)]
        if self._pinned not in known:
            there = ", ".join(sorted({str(one) for one in known if one}))
            raise WebserviceException(
                f"ImageNotFound: Image {self.name} has no version {self._pinned} that was built; "
                f"it has {there or 'none'}."
            )

    @property
    def _status(self) -> dict[str, Any]:
        return dict(self.manifest.get("status") or {})

    @property
    def _history(self) -> "builtins.list[dict[str, Any]]":
        return [dict(one) for one in self._status.get("history") or ()]

    @property
    def _building(self) -> int | None:
        """The version of the newest build."""
        number = str((self._status.get("build") or {}).get("id") or "").partition("-")[0]
        return int(number) if number.isdigit() else None

    @property
    def _about(self) -> dict[str, Any]:
        """What ``create`` kept of it; whatever else stands there is nothing."""
        from fairlead.azureml.manifests import ABOUT

        text = (self.manifest["metadata"].get("annotations") or {}).get(ABOUT)
        try:
            found = json.loads(text or "{}")
        except ValueError:
            return {}
        is_ours = isinstance(found, dict) and object_name(str(found.get("name"))) == self.resource
        return found if is_ours else {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workspace={self.workspace!r}, id={self.id!r})"


class ContainerImage(Image):
    """v1's only kind of image."""

    @staticmethod
    def image_configuration(
        execution_script: str | None = None,
        runtime: str | None = None,
        conda_file: str | None = None,
        docker_file: str | None = None,
        schema_file: str | None = None,
        dependencies: Sequence[str] | None = None,
        enable_gpu: bool | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: Any = None,
        cuda_version: str | None = None,
        *,
        entry_script: str | None = None,
    ) -> ContainerImageConfig:
        """The guide calls the script ``entry_script`` in one place; both names are taken."""
        if (execution_script is None) == (entry_script is None):
            raise InvalidConfigurationError("Give the script, as execution_script.")
        if runtime is None:
            raise InvalidConfigurationError("Give the runtime: 'python'.")
        return ContainerImageConfig(
            execution_script or entry_script or "",
            runtime,
            conda_file,
            docker_file,
            schema_file,
            dependencies,
            enable_gpu,
            tags,
            properties,
            description,
            base_image,
            base_image_registry,
            cuda_version,
        )


def _text(content: object) -> str | None:
    return content if isinstance(content, str) else None


def _told(text: str) -> None:
    say(f"{text}\n")
