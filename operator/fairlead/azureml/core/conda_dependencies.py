"""v1's ``azureml.core.conda_dependencies``."""

from fairlead.azureml.dependencies import CondaDependencies

__all__ = ["CondaDependencies"]
