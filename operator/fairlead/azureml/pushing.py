"""A model that no object of a cluster holds, pushed to a registry from which it is fetched."""

from pathlib import Path

from fairlead.azureml.exceptions import WebserviceException


def pushed(repository: str, name: str, path: Path) -> str:
    """Push a file or folder to ``repository``/``name``, unless it is there; return its address.

    A folder keeps its own name, as in v1. Raises ``WebserviceException``.
    """
    from fairlead.azureml.printed import Printed
    from fairlead.local.errors import LocalError
    from fairlead.local.model_push import artifact_of, push
    from fairlead.settings import Settings

    try:
        artifact = artifact_of(repository, name, path, named=True)
        push(artifact, Settings(), Printed())
    except LocalError as error:
        raise WebserviceException(
            f"{error.finding.message} {error.finding.remedy or ''}".strip(), inner_exception=error
        ) from error
    return artifact.address
