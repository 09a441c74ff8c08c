"""The two exceptions of ``azureml.exceptions`` that ``Model.get_model_path()`` raises."""

from __future__ import annotations

__all__ = ["AzureMLException", "ModelNotFoundException", "WebserviceException"]


class AzureMLException(Exception):  # noqa: N818 - the SDK's name
    """Base of both, as in the SDK."""

    @property
    def message(self) -> str:
        return str(self)


class ModelNotFoundException(AzureMLException):
    """No such model in the image."""


class WebserviceException(AzureMLException):
    """Anything else that keeps a model from being found."""
