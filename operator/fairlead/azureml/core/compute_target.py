"""v1's ``azureml.core.compute_target``."""

from fairlead.azureml.compute import ComputeTarget
from fairlead.azureml.exceptions import ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException"]
