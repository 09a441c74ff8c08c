"""v1's ``azureml.core.datastore``."""

from fairlead.azureml.absent import READ_DATA, Absent

Datastore = Absent("Datastore", READ_DATA)

__all__ = ["Datastore"]
