"""v1's ``azureml.core.workspace``."""

from fairlead.azureml.workspace import Workspace

__all__ = ["Workspace"]
