"""The files of a cluster's model, fetched to this machine from where its object says."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairlead.api.model import ModelSpec
from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.folder_store import check_target, copied
from fairlead.azureml.status import mapping
from fairlead.azureml.store import ModelRecord
from fairlead.local.deployment import WantedModel
from fairlead.local.errors import LocalError
from fairlead.local.places import places
from fairlead.local.preparation import fetched_content
from fairlead.settings import Settings
from fairlead.sources.base import SourceError


def fetched(
    record: ModelRecord,
    model: Mapping[str, Any],
    files: Mapping[str, bytes],
    folder: Path,
    *,
    replace: bool,
) -> Path:
    """``model``: the object; ``files``: those of its ConfigMap. Return the path of the one file or
    folder in ``folder``. Raises ``WebserviceException``, before anything is written."""
    status = mapping(model.get("status"))
    latest = status.get("latestVersion")
    if record.version != latest:
        raise WebserviceException(
            f"Version {record.version} of model '{record.name}' lies in the registry alone; its "
            f"source has version {latest}. `oras pull` opens status.versions[].artifact of Model "
            f"'{record.resource}'."
        )
    spec = ModelSpec.model_validate(model.get("spec"), extra="ignore")
    wanted = WantedModel(record.resource, record.name, record.version, files=files, spec=spec)
    try:
        content = fetched_content(wanted, places(os.environ), Settings())
    except LocalError as error:
        remedy = error.finding.remedy or ""
        raise WebserviceException(f"{error.finding.message} {remedy}".strip()) from error
    except SourceError as error:
        raise WebserviceException(f"{error} {error.remedy or ''}".strip()) from error
    digests = {
        mapping(one).get("digest") for one in status.get("versions") or () if _is(one, latest)
    }
    if content.digest not in digests:
        raise WebserviceException(
            f"What the source of model '{record.name}' holds, or this machine has kept of it, is "
            f"not version {latest} any more: its digest is {content.digest}. `oras pull` opens "
            f"status.versions[].artifact of Model '{record.resource}'."
        )
    check_target(folder / content.entry, replace=replace)
    for file in content.files:
        copied(file.source, folder / file.name)
    return folder / content.entry


def _is(version: object, number: int) -> bool:
    return mapping(version).get("version") == number
