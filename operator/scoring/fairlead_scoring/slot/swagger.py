"""The service's description in Swagger 2, OpenAPI 3.0 and 3.1, as the reference server gives it."""

import json
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Union

from . import schemas
from .descriptions import Json, Service, openapi3, swagger2
from .layout import UserFileError

VERSIONS = {"2": "2.0", "3": "3.0", "3.1": "3.1"}  # ours, and what inference-schema calls them
USER_FILES = {
    "2": ("swagger.json", "swagger2.json"),
    "3": ("swagger3.json",),
    "3.1": ("swagger3.1.json",),
}
Document = Union[str, bool, None]


def documents(app_root: Path, run: schemas.Run, service: Service) -> Dict[str, Document]:
    """Return each version's document as JSON: the user's own file, else made from the decorators.

    None where that version cannot describe the decorators' types, False where they are no JSON.
    Raise ``UserFileError`` if a file of the user's cannot be read.
    """
    return {version: _document(version, app_root, run, service) for version in VERSIONS}


def _document(version: str, app_root: Path, run: schemas.Run, service: Service) -> Document:
    found = _user_document(app_root, USER_FILES[version])
    if not found and not {version, VERSIONS[version]} & set(schemas.versions(run)):
        return None
    try:
        return json.dumps(found or _generated(version, service, *schemas.input_and_output(run)))
    except (TypeError, ValueError):  # an example of the user's that only Python knows
        return False


def _user_document(app_root: Path, names: Sequence[str]) -> Optional[Any]:
    for path in (app_root / name for name in names):
        try:
            found = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise UserFileError(f"{path} cannot be used: {error}") from error
        if found:
            return found
    return None


def _generated(version: str, service: Service, given: Any, returned: Any) -> Json:
    if version == "2":
        return swagger2(service, given, returned)
    return openapi3({"3": "3.0.3", "3.1": "3.1.0"}[version], service, given, returned)
