"""v1's ``azureml.core.runconfig``."""

from fairlead.azureml.absent import TRAIN_ELSEWHERE, Absent
from fairlead.azureml.dependencies import CondaDependencies
from fairlead.azureml.environment import ContainerRegistry, Environment

RunConfiguration = Absent("RunConfiguration", TRAIN_ELSEWHERE)
DockerConfiguration = Absent("DockerConfiguration", TRAIN_ELSEWHERE)
DEFAULT_CPU_IMAGE = None  # the operator's default base image

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "CondaDependencies",
    "ContainerRegistry",
    "DockerConfiguration",
    "Environment",
    "RunConfiguration",
]
