"""v1's ``azureml.core.experiment``."""

from fairlead.azureml.run import Experiment

__all__ = ["Experiment"]
