"""v1's ``azureml.core.run``."""

from fairlead.azureml.run import Run

__all__ = ["Run"]
