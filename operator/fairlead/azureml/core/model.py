"""v1's ``azureml.core.model``."""

from fairlead.azureml.exceptions import ModelNotFoundException
from fairlead.azureml.inference_config import InferenceConfig
from fairlead.azureml.model import Model

__all__ = ["InferenceConfig", "Model", "ModelNotFoundException"]
