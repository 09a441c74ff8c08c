"""``Model``: a registered model, its files, and the deployment in one step."""

import builtins
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fairlead.azureml.exceptions import (
    InvalidConfigurationError,
    ModelNotFoundException,
    UnsupportedError,
)
from fairlead.azureml.model_files import chosen, existing
from fairlead.azureml.model_path import found_path
from fairlead.azureml.names import check_model_name
from fairlead.azureml.store import ModelRecord, Registration
from fairlead.azureml.tags import has_all, texts

if TYPE_CHECKING:
    from fairlead.azureml.profile import ModelProfile
    from fairlead.azureml.resource_configuration import ResourceConfiguration
    from fairlead.azureml.webservice import Webservice
    from fairlead.azureml.workspace import Workspace

ADDRESSES = ("https://", "s3://", "gs://", "abfss://", "az://", "hf://", "oci://")


class Model:
    """One version of a registered model, the newest unless ``version`` or ``id`` says another.

    Raises ``ModelNotFoundException``.
    """

    class Framework:
        """What a model was trained with: shown, and decides nothing."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        PYTORCH = "PyTorch"
        MULTI = "Multi"

    FRAMEWORKS: ClassVar = tuple(value for name, value in vars(Framework).items() if name.isupper())

    def __init__(
        self,
        workspace: "Workspace",
        name: str | None = None,
        id: str | None = None,  # noqa: A002  (v1's name)
        tags: builtins.list[Any] | None = None,
        properties: builtins.list[Any] | None = None,
        version: int | str | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        **kwargs: object,
    ) -> None:
        del run_id, kwargs
        if id is not None:
            name, _, version = id.partition(":")
        asked = (name, tags, properties, model_framework)
        found = [one for one in workspace.store.models() if _meets(one, *asked)]
        if version not in (None, ""):
            found = [one for one in found if one.version == int(str(version))]
        if not found:
            raise ModelNotFoundException(_not_found(workspace, name, version))
        self._take(workspace, found[-1])
        self._whole = version in (None, "")

    def _take(self, workspace: "Workspace", record: ModelRecord) -> None:
        self.workspace, self.record, self._whole = workspace, record, False
        self.name, self.version = record.name, record.version
        self.tags, self.properties = dict(record.tags), dict(record.properties)
        self.description = record.description
        self.model_framework = record.framework
        self.model_framework_version = record.framework_version
        self.created_time = record.created_at
        self.resource_configuration: ResourceConfiguration | None = None
        self.run_id: str | None = None

    @property
    def id(self) -> str:
        return f"{self.name}:{self.version}"

    @staticmethod
    def of(workspace: "Workspace", record: ModelRecord) -> "Model":
        model = Model.__new__(Model)
        model._take(workspace, record)
        return model

    @staticmethod
    def register(
        workspace: "Workspace",
        model_path: str,
        model_name: str,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        datasets: Sequence[object] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: object = None,
        sample_output_dataset: object = None,
        resource_configuration: "ResourceConfiguration | None" = None,
    ) -> "Model":
        """A file, a folder, or an address such as s3://…; the next version of the name.

        Raises ``WebserviceException``.
        """
        check_model_name(model_name)
        _check_framework(model_framework, model_framework_version)
        if datasets or sample_input_dataset is not None or sample_output_dataset is not None:
            _say("Datasets are not kept with a model.")
        is_address = str(model_path).startswith(ADDRESSES)
        path = None if is_address else existing(str(model_path))
        wanted = Registration(
            name=model_name,
            path=path,
            uri=str(model_path) if is_address else None,
            framework=model_framework,
            framework_version=model_framework_version,
            description=description,
            tags=texts(tags),
            properties=texts(properties),
        )
        _say(f"Registering model {model_name}")
        with chosen(wanted, child_paths or ()) as whole:
            model = Model.of(workspace, workspace.store.register(whole))
        model.resource_configuration = resource_configuration
        return model

    @staticmethod
    def list(
        workspace: "Workspace",
        name: str | None = None,
        tags: builtins.list[Any] | None = None,
        properties: builtins.list[Any] | None = None,
        run_id: str | None = None,
        latest: bool = False,
        **kwargs: object,
    ) -> "builtins.list[Model]":
        """The newest version of each name first; with ``latest`` no other ones."""
        del run_id, kwargs
        found = [one for one in workspace.store.models() if _meets(one, name, tags, properties)]
        if latest:
            found = list({one.name: one for one in found}.values())
        return [Model.of(workspace, one) for one in reversed(found)]

    @staticmethod
    def get_model_path(
        model_name: str, version: int | None = None, _workspace: "Workspace | None" = None
    ) -> str:
        """Where the model is: in a service's container, below the working directory, or, with a
        workspace, fetched from there. Raises ``ModelNotFoundException``."""
        try:
            return found_path(model_name, version)
        except ModelNotFoundException:
            if _workspace is None:
                raise
        folder = Path("azureml-models") / model_name
        model = Model(_workspace, model_name, version=version)
        return model.download(str(folder / str(model.version)), exist_ok=True)

    def download(
        self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None
    ) -> str:
        """Into ``target_dir``; return the path of the one file or folder."""
        replace = bool(exist_ok or exists_ok)
        return str(self.workspace.store.fetch(self.record, Path(target_dir), replace=replace))

    def update(
        self,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        sample_input_dataset: object = None,
        sample_output_dataset: object = None,
        resource_configuration: "ResourceConfiguration | None" = None,
    ) -> None:
        """Tags are replaced as a whole."""
        del sample_input_dataset, sample_output_dataset
        if tags is not None:
            self.tags = texts(tags) or {}
        if description is not None:
            self.description = description
        if resource_configuration is not None:
            self.resource_configuration = resource_configuration
        self._describe()

    def update_tags_properties(
        self,
        add_tags: Mapping[str, Any] | None = None,
        remove_tags: Iterable[str] | None = None,
        add_properties: Mapping[str, Any] | None = None,
    ) -> None:
        removed = {remove_tags} if isinstance(remove_tags, str) else set(remove_tags or ())
        kept = {name: value for name, value in self.tags.items() if name not in removed}
        self.tags = {**kept, **(texts(add_tags) or {})}
        self.properties = {**self.properties, **(texts(add_properties) or {})}
        self._describe()

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        self.update_tags_properties(add_tags=tags)

    def remove_tags(self, tags: Iterable[str]) -> None:
        self.update_tags_properties(remove_tags=tags)

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """What is set once cannot be changed."""
        changed = [
            one for one in properties if self.properties.get(one) not in (None, properties[one])
        ]
        if changed:
            raise InvalidConfigurationError(
                f"Properties cannot be changed once set, and {', '.join(sorted(changed))} is: use "
                "tags for what changes."
            )
        self.update_tags_properties(add_properties=properties)

    def delete(self) -> None:
        """Refused while an image has it, and where a cluster has more versions than this one:
        only ``Model(ws, name)``, which names none, stands for all of them."""
        self.workspace.store.forget(self.record, whole=self._whole)

    def serialize(self) -> dict[str, Any]:
        created = self.created_time.isoformat() if self.created_time else None
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "createdTime": created,
            "description": self.description,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "tags": dict(self.tags),
            "properties": dict(self.properties),
        }

    @staticmethod
    def deploy(
        workspace: "Workspace",
        name: str,
        models: Sequence[Any],
        inference_config: Any = None,
        deployment_config: Any = None,
        deployment_target: object = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> "Webservice":
        """Build an image and serve it; in a container of this machine with a
        ``LocalWebservice.deploy_configuration``."""
        from fairlead.azureml.deploy import deploy

        if inference_config is None:
            raise _no_code_deploy(models)
        service = deploy(
            workspace,
            name,
            models,
            inference_config,
            deployment_config,
            overwrite=overwrite,
            target=deployment_target,
        )
        if show_output:
            service.wait_for_deployment(show_output=True)
        return service

    @staticmethod
    def package(workspace: "Workspace", models: Sequence[Any], *args: object, **kw: object) -> Any:
        del workspace, models, args, kw
        raise UnsupportedError(
            "Model.package()",
            "Image.create(...) builds the image; its image_location can be pulled and run.",
        )

    @staticmethod
    def profile(
        workspace: "Workspace",
        profile_name: str,
        models: Sequence[Any],
        inference_config: Any,
        input_dataset: object = None,
        cpu: float | None = None,
        memory_in_gb: float | None = None,
        description: str | None = None,
        input_data: object = None,
    ) -> "ModelProfile":
        """Measure how much cpu and memory the models and their script need: in a pod of the
        cluster, with ``input_dataset`` (before SDK 1.6: ``input_data``) as the body of requests.

        Raises ``WebserviceException``.
        """
        from fairlead.azureml.profile import profile

        sample = input_data if input_dataset is None else input_dataset
        size = (cpu, memory_in_gb)
        return profile(workspace, profile_name, models, inference_config, sample, size, description)

    def _describe(self) -> None:
        text = self.description or ""
        self.workspace.store.describe(self.record, self.tags, self.properties, text)

    def __repr__(self) -> str:
        return f"Model(workspace={self.workspace!r}, name={self.name!r}, id={self.id!r})"

    def __str__(self) -> str:
        return json.dumps(self.serialize(), indent=2)


def _meets(
    one: ModelRecord,
    name: str | None,
    tags: Sequence[Any] | None,
    properties: Sequence[Any] | None,
    framework: str | None = None,
) -> bool:
    """``tags`` and ``properties``: names, or pairs of a name and a value."""
    if name is not None and one.name != name:
        return False
    if framework is not None and one.framework != framework:
        return False
    return has_all(one.tags, tags) and has_all(one.properties, properties)


def _check_framework(framework: str | None, version: str | None) -> None:
    if framework is not None and framework not in Model.FRAMEWORKS:
        known = ", ".join(Model.FRAMEWORKS)
        raise InvalidConfigurationError(f"Model framework {framework!r} is none of {known}.")
    if version is not None and framework is None:
        raise InvalidConfigurationError(
            "Model framework version cannot be provided without a valid framework"
        )


def _no_code_deploy(models: Sequence[Any]) -> Exception:
    if len(models) != 1:
        return InvalidConfigurationError(
            "You must provide an InferenceConfig when deploying zero or multiple models."
        )
    framework = getattr(models[0], "model_framework", None) or "Custom"
    return UnsupportedError(
        f"A deployment without a script (model_framework {framework})",
        f"You must provide an InferenceConfig when deploying a model with model_framework set to "
        f"{framework}. Write a score.py with init() and run(), and a conda file.",
    )


def _not_found(workspace: "Workspace", name: str | None, version: object) -> str:
    known = workspace.store.models()
    of_name = [str(one.version) for one in known if one.name == name]
    if of_name:
        has = f"it has {', '.join(of_name)}"
        return f"ModelNotFound: Model {name} has no version {version} in {workspace.name}; {has}."
    there = ", ".join(sorted({one.name for one in known})[:10]) or "none"
    return f"ModelNotFound: There is no model {name} in {workspace.name}; there is: {there}."


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def __getattr__(name: str) -> Any:
    """v1 has these in the module of this name, too."""
    if name in ("InferenceConfig",):
        import fairlead.azureml

        return getattr(fairlead.azureml, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
