"""v1's ``azureml.core.image``."""

from fairlead.azureml.image import ContainerImage, Image
from fairlead.azureml.image_configuration import ContainerImageConfig

__all__ = ["ContainerImage", "ContainerImageConfig", "Image"]
