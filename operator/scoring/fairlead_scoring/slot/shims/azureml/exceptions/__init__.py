"""The two exceptions of ``azureml.exceptions`` that ``Model.get_model_path()`` raises."""

import json
from typing import Any, Dict, Optional

__all__ = ["AzureMLException", "ModelNotFoundException", "WebserviceException"]


class AzureMLException(Exception):  # noqa: N818 - the SDK's name
    """Base of both, with the SDK's ``message`` and its ``str()``, which scripts have logged."""

    def __init__(
        self,
        exception_message: str,
        inner_exception: Optional[object] = None,
        target: Optional[str] = None,
        details: Optional[Any] = None,
        **_others: Any,
    ) -> None:
        super().__init__(exception_message)
        self.message = exception_message
        self.inner_exception = inner_exception
        self._target, self._details = target, details

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}:\n\tMessage: {self.message}\n"
            f"\tInnerException {self.inner_exception}\n\tErrorResponse \n{self._as_json()}"
        )

    __repr__ = __str__

    def _as_json(self) -> str:
        error: Dict[str, Any] = {"message": self.args[0]}
        if self._target is not None:
            error["target"] = self._target
        if self._details is not None:
            error["details"] = self._details
        return json.dumps({"error": error}, indent=4)


class ModelNotFoundException(AzureMLException):
    """No such model in the image."""


class WebserviceException(AzureMLException):
    """Anything else that keeps a model from being found."""

    def __init__(
        self, exception_message: str, status_code: Optional[int] = None, **more: Any
    ) -> None:
        super().__init__(exception_message, **more)
        self.status_code = status_code
