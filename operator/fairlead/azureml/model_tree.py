"""The files of a model on this machine: which of them are copied and sent."""

from pathlib import Path

from fairlead.azureml.exceptions import WebserviceException


def files_of(path: Path) -> list[Path]:
    """The file, or those of the folder but for ``.env``, in their order.

    Raises ``WebserviceException`` for a link that stands for anything but a file of the folder.
    """
    from fairlead.local.errors import LocalError
    from fairlead.local.files import model_files

    try:
        return model_files(path)
    except LocalError as error:
        raise WebserviceException(f"{error.finding.message} {error.finding.remedy}") from error
