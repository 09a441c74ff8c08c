"""v1's compute targets: the cluster is that of the workspace, and is there already."""

from typing import TYPE_CHECKING, Any

from fairlead.azureml.absent import TRAIN_ELSEWHERE, Absent
from fairlead.azureml.exceptions import UnsupportedError

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace


class ComputeTarget:
    """A name for the workspace's cluster; nothing is created and nothing deleted."""

    type = "AKS"
    provisioning_state = "Succeeded"
    provisioning_errors: Any = None

    def __init__(self, workspace: "Workspace", name: str) -> None:
        self.workspace, self.name = workspace, name

    @classmethod
    def create(
        cls, workspace: "Workspace", name: str, provisioning_configuration: object
    ) -> "ComputeTarget":
        del provisioning_configuration
        return AksCompute(workspace, name)

    @classmethod
    def attach(
        cls, workspace: "Workspace", name: str, attach_configuration: object
    ) -> "ComputeTarget":
        del attach_configuration
        return AksCompute(workspace, name)

    @staticmethod
    def list(workspace: "Workspace") -> "list[ComputeTarget]":
        del workspace
        return []

    def wait_for_completion(self, show_output: bool = False, **kwargs: Any) -> None:
        del show_output, kwargs

    def get_status(self) -> str:
        return self.provisioning_state

    def delete(self) -> None:
        """Nothing: the cluster is not ours."""

    detach = delete


class ClusterConfiguration:
    """Taken, and without effect, whatever is set on it."""

    def __init__(self, **kwargs: Any) -> None:
        vars(self).update(kwargs)

    def enable_ssl(self, *args: Any, **kwargs: Any) -> None:
        del args, kwargs
        raise UnsupportedError(
            "enable_ssl", "Name the certificate's Secret in spec.expose.tls (docs/exposure.md)."
        )


class AksCompute(ComputeTarget):
    class ClusterPurpose:
        FAST_PROD = "FastProd"
        DEV_TEST = "DevTest"

    @staticmethod
    def provisioning_configuration(*args: Any, **kwargs: Any) -> "ClusterConfiguration":
        del args
        return ClusterConfiguration(**kwargs)

    attach_configuration = provisioning_configuration


class KubernetesCompute(AksCompute):
    pass


AmlCompute = Absent("AmlCompute (machines for training)", TRAIN_ELSEWHERE)
ComputeInstance = Absent("ComputeInstance", TRAIN_ELSEWHERE)
RemoteCompute = Absent("RemoteCompute", TRAIN_ELSEWHERE)
