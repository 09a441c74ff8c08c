"""v1's ``azureml.core.compute``."""

from fairlead.azureml.compute import (
    AksCompute,
    AmlCompute,
    ComputeInstance,
    ComputeTarget,
    KubernetesCompute,
    RemoteCompute,
)

__all__ = [
    "AksCompute",
    "AmlCompute",
    "ComputeInstance",
    "ComputeTarget",
    "KubernetesCompute",
    "RemoteCompute",
]
