"""v1's ``azureml.core.runconfig``."""

from fairlead.azureml.absent import TRAIN_ELSEWHERE, Absent
from fairlead.azureml.dependencies import CondaDependencies
from fairlead.azureml.environment import ContainerRegistry, Environment

RunConfiguration = Absent("RunConfiguration", TRAIN_ELSEWHERE)
DockerConfiguration = Absent("DockerConfiguration", TRAIN_ELSEWHERE)
DEFAULT_CPU_IMAGE = None  # the operator's default base image
DEFAULT_GPU_IMAGE = Absent("DEFAULT_GPU_IMAGE", "Name an image with CUDA as base_image.")

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "CondaDependencies",
    "ContainerRegistry",
    "DockerConfiguration",
    "Environment",
    "RunConfiguration",
]
