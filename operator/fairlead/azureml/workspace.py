"""``Workspace``: a namespace of a cluster, or this machine where there is no cluster."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairlead.azureml.exceptions import (
    InvalidConfigurationError,
    UnsupportedError,
    UserErrorException,
)
from fairlead.azureml.names import NAMESPACE

if TYPE_CHECKING:
    from fairlead.azureml.environment import Environment
    from fairlead.azureml.image import Image
    from fairlead.azureml.model import Model
    from fairlead.azureml.objects import Objects
    from fairlead.azureml.store import Store
    from fairlead.azureml.webservice import Webservice

CONFIG_FILE, CONFIG_FOLDERS = "config.json", (".azureml", "aml_config", "")
PLACE_VARIABLE = "FAIRLEAD_WORKSPACE"  # `local` or `cluster`, where it is not to be found out
REPOSITORY_VARIABLE = "FAIRLEAD_MODEL_REPOSITORY"  # REGISTRY/PATH, for models that no object holds
LOCAL, CLUSTER = "local", "cluster"
MAX_NAMESPACE_CHARS = 63
INSTEAD = {
    "datastores": "Give models by a path of this machine, or by an address such as s3://…",
    "datasets": "Read data where it lies; a web service is given it with the request.",
    "get_default_datastore": "Give models by a path of this machine, or by an address.",
    "get_default_keyvault": "Keep secrets in Secrets of the namespace, and mount them "
    "(spec.volumes of the Webservice).",
    "get_mlflow_tracking_uri": "Register what MLflow wrote as a folder: Model.register.",
    "get_run": "Train wherever you like, and register the file: Model.register.",
    "sync_keys": "Keys are in a Secret of each Webservice; service.regen_key replaces them.",
}


class Workspace:
    """``objects`` and ``store`` are for tests and for those who know better."""

    def __init__(
        self,
        subscription_id: str = "",
        resource_group: str = "",
        workspace_name: str = "",
        auth: object = None,
        _location: str | None = None,
        *,
        namespace: str | None = None,
        expose: str | None = None,
        model_repository: str | None = None,
        objects: "Objects | None" = None,
        store: "Store | None" = None,
        **kwargs: object,
    ) -> None:
        del auth, kwargs  # the kubeconfig says who asks
        if not workspace_name:
            raise InvalidConfigurationError("workspace_name is needed: it names the namespace.")
        self._name = workspace_name
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.location = _location
        self.namespace = checked(namespace or namespace_of(workspace_name))
        self.expose = expose
        self.model_repository = model_repository or os.environ.get(REPOSITORY_VARIABLE, "")
        if objects is not None:
            self.__dict__["objects"] = objects
        if store is not None:
            self.__dict__["store"] = store

    @staticmethod
    def from_config(
        path: str | None = None,
        auth: object = None,
        _logger: object = None,
        _file_name: str | None = None,
    ) -> "Workspace":
        """Of v1's ``config.json``: in ``path``, or in a folder above it.

        Beside v1's fields it may have ``{"fairlead": {"namespace": …, "expose": …}}``. Raises
        ``UserErrorException`` where there is none.
        """
        del auth, _logger
        file = _config_file(Path(path or "."), _file_name or CONFIG_FILE)
        try:
            content = json.loads(file.read_text("utf-8-sig"))
            ours = content.get("fairlead") or {}
            names = (content.get("subscription_id", ""), content.get("resource_group", ""))
            made = Workspace(
                *names,
                content["workspace_name"],
                namespace=ours.get("namespace"),
                expose=ours.get("expose"),
            )
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise UserErrorException(f"{file} is no workspace's config.json: {error}") from error
        sys.stdout.write(f"Found the config file in: {file}\n")
        return made

    @staticmethod
    def get(
        name: str,
        auth: object = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        **kwargs: Any,
    ) -> "Workspace":
        return Workspace(subscription_id or "", resource_group or "", name, auth, **kwargs)

    @staticmethod
    def create(
        name: str,
        auth: object = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        exist_ok: bool = False,
        **kwargs: Any,
    ) -> "Workspace":
        """A namespace, where there is a cluster and it has none of that name."""
        made = Workspace(subscription_id or "", resource_group or "", name, auth, location)
        del kwargs
        if made.in_cluster and not made.objects.make_namespace() and not exist_ok:
            raise UserErrorException(
                f"Namespace '{made.namespace}' exists already: Workspace.get(...), or "
                "exist_ok=True."
            )
        return made

    @staticmethod
    def list(*args: object, **kwargs: object) -> Any:
        del args, kwargs
        raise UnsupportedError(
            "Workspace.list()", "A workspace is a namespace: kubectl get namespaces."
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def in_cluster(self) -> bool:
        """Whether there is a cluster: a kubeconfig, or a pod's own account.

        The variable FAIRLEAD_WORKSPACE says so otherwise, with ``local`` or ``cluster``.
        """
        if "objects" in self.__dict__:
            return True
        return in_cluster(os.environ)

    @cached_property
    def objects(self) -> "Objects":
        """The objects of the namespace. Raises ``UnsupportedError`` where there is no cluster."""
        if not self.in_cluster:
            raise UnsupportedError(
                "This call in a workspace without a cluster",
                "No kubeconfig was found, so that models are kept on this machine and services run "
                "on it (LocalWebservice.deploy_configuration). With a kubeconfig it is the "
                f"namespace '{self.namespace}'.",
            )
        from fairlead.azureml.cluster_objects import ClusterObjects

        return ClusterObjects(self.namespace)

    @cached_property
    def store(self) -> "Store":
        """Where models and environments are kept."""
        if self.in_cluster:
            from fairlead.azureml.cluster_store import ClusterStore

            return ClusterStore(self.objects, self.model_repository)
        from fairlead.azureml.folder_store import FolderStore

        return FolderStore(state_folder() / "workspaces" / self.namespace)

    @property
    def models(self) -> Mapping[str, "Model"]:
        """The newest of each name."""
        from fairlead.azureml.model import Model

        return {model.name: model for model in reversed(Model.list(self))}

    @property
    def images(self) -> Mapping[str, "Image"]:
        from fairlead.azureml.image import Image

        return {image.name: image for image in Image.list(self)}

    @property
    def webservices(self) -> Mapping[str, "Webservice"]:
        """Those of the cluster, and those of this machine."""
        from fairlead.azureml.webservice import Webservice

        return {service.name: service for service in reversed(Webservice.list(self))}

    @property
    def environments(self) -> Mapping[str, "Environment"]:
        from fairlead.azureml.environment import Environment

        return Environment.list(self)

    @property
    def compute_targets(self) -> Mapping[str, object]:
        """None: what runs is the cluster's."""
        return {}

    @property
    def experiments(self) -> Mapping[str, object]:
        """None: training is done elsewhere."""
        return {}

    @property
    def tags(self) -> Mapping[str, str]:
        return {}

    def get_details(self) -> dict[str, Any]:
        return {
            "id": f"namespaces/{self.namespace}",
            "name": self.name,
            "location": self.location,
            "type": "Fairlead",
            "namespace": self.namespace,
            "cluster": self.in_cluster,
        }

    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        """``.azureml/config.json`` in ``path``; ``from_config`` reads it."""
        folder = Path(path or ".") / CONFIG_FOLDERS[0]
        folder.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "workspace_name": self.name,
        }
        ours = {"namespace": self.namespace, "expose": self.expose}
        default = {"namespace": namespace_of(self.name), "expose": None}
        if ours != default:
            content["fairlead"] = {key: value for key, value in ours.items() if value}
        (folder / (file_name or CONFIG_FILE)).write_text(json.dumps(content, indent=4))

    def delete(self, delete_dependent_resources: bool = False, **kwargs: object) -> None:
        del delete_dependent_resources, kwargs
        raise UnsupportedError(
            "Workspace.delete()", f"Delete the namespace: kubectl delete namespace {self.namespace}"
        )

    def __getattr__(self, name: str) -> Any:
        if name in INSTEAD:
            raise UnsupportedError(f"Workspace.{name}", INSTEAD[name])
        raise AttributeError(f"Workspace has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"Workspace(name={self.name!r}, namespace={self.namespace!r})"


def namespace_of(name: str) -> str:
    """The namespace that stands for a workspace: its name in lowercase letters, digits, dashes."""
    found = re.sub(r"[^a-z0-9]+", "-", name.lower())[:MAX_NAMESPACE_CHARS].strip("-")
    if not found:
        raise InvalidConfigurationError(
            f"'{name}' has no letter and no digit: no namespace can be named after it. Give "
            "namespace=…."
        )
    return found


def checked(namespace: str) -> str:
    """It stands in paths of the API and of this machine. Raises ``InvalidConfigurationError``."""
    if NAMESPACE.fullmatch(namespace):
        return namespace
    raise InvalidConfigurationError(
        f"{namespace!r} cannot be the name of a namespace: lowercase letters, digits and dashes, "
        "at most 63."
    )


def in_cluster(environ: Mapping[str, str]) -> bool:
    """Whether a cluster can be asked. Raises ``InvalidConfigurationError``."""
    said = environ.get(PLACE_VARIABLE)
    if said in (LOCAL, CLUSTER):
        return said == CLUSTER
    if said:
        raise InvalidConfigurationError(f"{PLACE_VARIABLE} is {LOCAL} or {CLUSTER}, not {said!r}.")
    if "KUBERNETES_SERVICE_HOST" in environ:
        return True
    given = environ.get("KUBECONFIG")
    files = given.split(os.pathsep) if given else [str(Path.home() / ".kube/config")]
    return any(Path(file).is_file() for file in files if file)


def state_folder() -> Path:
    """What is kept of workspaces without a cluster, and for local services."""
    home = Path(os.environ.get("HOME") or Path.home())
    state = Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state")
    return state / "fairlead/azureml"


def _config_file(start: Path, name: str) -> Path:
    if start.is_file():
        return start
    for file in _candidates(start.absolute(), name):
        if file.is_file():
            return file
    raise UserErrorException(
        f"We could not find {name} in: {start.absolute()} or in its parent directories. Please "
        f"provide the full path to the config file or ensure that {name} exists in the parent "
        'directories. It has a "workspace_name", which names the namespace.'
    )


def _candidates(start: Path, name: str) -> Iterator[Path]:
    for folder in (start, *start.parents):
        yield from (folder / inside / name for inside in CONFIG_FOLDERS)
