"""v1's exceptions (``azureml.exceptions``), and ours for what has no counterpart."""


class AzureMLException(Exception):  # noqa: N818  (v1's name, as all of these)
    """``message`` is what happened; what led to it is the exception's cause."""

    def __init__(
        self, exception_message: str = "", inner_exception: BaseException | None = None
    ) -> None:
        super().__init__(exception_message)
        self._message = exception_message
        self._inner_exception = inner_exception

    @property
    def message(self) -> str:
        return self._message

    @property
    def inner_exception(self) -> BaseException | None:
        return self._inner_exception


class UserErrorException(AzureMLException):
    """What was asked for is wrong."""


class WebserviceException(AzureMLException):
    """A model, an image or a service does not do what it was asked for.

    ``status_code`` is that of an answer, where there was one.
    """

    def __init__(
        self,
        exception_message: str = "",
        status_code: int | None = None,
        inner_exception: BaseException | None = None,
    ) -> None:
        super().__init__(exception_message, inner_exception)
        self.status_code = status_code


class InvalidConfigurationError(WebserviceException, UserErrorException):
    """What was given is wrong; v1 told so with either of the two, call by call."""


class ModelNotFoundException(WebserviceException):
    """There is no such model."""


class ModelPathNotFoundException(WebserviceException):
    """There is no such file or folder."""


class ComputeTargetException(AzureMLException):
    """v1's for a compute target that is not there; none is missing here."""


class UnsupportedError(WebserviceException, NotImplementedError):
    """v1 had it, and here it has no meaning: the message says what to do instead."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"{what} has no counterpart in Fairlead. {instead}")
