"""v1's name of the module."""

from fairlead.azureml.dependencies import CondaDependencies

__all__ = ["CondaDependencies"]
