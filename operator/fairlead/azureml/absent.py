"""Names of v1 that scripts import, and that have no meaning here: using one says what to do."""

from typing import Any, NoReturn

from fairlead.azureml.exceptions import UnsupportedError


class Absent:
    """Can be imported; whatever else is done with it raises ``UnsupportedError``."""

    def __init__(self, what: str, instead: str) -> None:
        self._what, self._instead = what, instead

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        del args, kwargs
        raise UnsupportedError(self._what, self._instead)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # what Python itself asks of any object
            raise AttributeError(name)
        raise UnsupportedError(f"{self._what}.{name}", self._instead)


TRAIN_ELSEWHERE = (
    "Train wherever you like; what Fairlead does begins with the trained model: Model.register."
)
READ_DATA = "Read data where it lies: pandas, or the storage's own client."
