"""v1's ``azureml.core.dataset``."""

from fairlead.azureml.absent import READ_DATA, Absent

Dataset = Absent("Dataset", READ_DATA)

__all__ = ["Dataset"]
