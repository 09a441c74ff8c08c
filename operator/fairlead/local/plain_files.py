"""A script, a conda file and a model, as plain files of this machine: no manifest is needed."""

import re
from pathlib import Path

from pydantic import ValidationError

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.reasons import Reason
from fairlead.api.webservice import WebserviceSpec
from fairlead.finding import shown
from fairlead.local.asked import Asked
from fairlead.local.deployment import Wanted, WantedModel
from fairlead.local.errors import LocalError, refusal
from fairlead.local.files import read_bytes, source_files

MAX_NAME_CHARS = 50
VALUE_ERROR = "Value error, "  # how pydantic begins what a validator says
MAX_TOLD_CHARS = 1000
MODEL_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")
VERSION = re.compile(r"[1-9][0-9]{0,8}")
FILE_FIELDS = {
    "entry_script": "entryScript",
    "conda_file": "condaFile",
    "requirements_file": "requirementsFile",
    "docker_file": "dockerFile",
}


def service_name(asked: str | None, script: str) -> str:
    """The name that was given, or one made of the folder that the script lies in."""
    if asked:
        return asked
    parent = re.sub(r"[^a-z0-9]+", "-", Path(script).parent.name.lower()).strip("-")
    return parent[:MAX_NAME_CHARS].strip("-") or "service"


def wanted_of_files(asked: Asked) -> Wanted:
    """Read what the command names. Raises ``LocalError``."""
    script = asked.entry_script or ""
    name = service_name(asked.service, script)
    files, fields = _source(asked)
    models = tuple(model_of(text) for text in asked.models)
    image = {
        **fields,
        "source": {"inline": {"files": {"score.py": ""}}},  # files are read apart, of any size
        **({"baseImage": asked.base_image} if asked.base_image else {}),
        **({"environmentVariables": asked.variables} if asked.variables else {}),
    }
    limits = {"resources": memory_limit(asked.memory)} if asked.memory else {}
    service = {"imageRef": {"name": name}, "auth": {"enabled": False}, **limits}
    try:
        return Wanted(
            name=name,
            image_name=name,
            image=InferenceImageSpec.model_validate(image),
            files=files,
            service=WebserviceSpec.model_validate(service),
            models=models,
        )
    except ValidationError as error:
        raise invalid_options(error) from error


def invalid_options(error: ValidationError) -> LocalError:
    """All that is wrong with what the command asks for."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    told = "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix(VALUE_ERROR)}"
        for one in problems
    )
    message = f"What was asked for is not valid: {shown(told, MAX_TOLD_CHARS)}."
    return refusal(Reason.INVALID_SPEC, message, "Correct the options.")


def model_of(text: str) -> WantedModel:
    """`PATH`, whose last part is the name, `NAME=PATH`, or `NAME:VERSION=PATH`.

    Raises ``LocalError``.
    """
    before, equals, after = text.partition("=")
    path = Path(after if equals else text)
    name, _, version = before.partition(":") if equals else (path.name, "", "")
    if not MODEL_NAME.fullmatch(name):
        said = f"'{shown(name)}' cannot be the name of a model: letters, digits, '.', '_' and '-'."
        raise refusal(Reason.INVALID_SPEC, said, "Name it: --model NAME=PATH.")
    if version and not VERSION.fullmatch(version):
        said = f"'{shown(version)}' cannot be the version of a model: a whole number from 1 on."
        raise refusal(Reason.INVALID_SPEC, said, "Write --model NAME:VERSION=PATH.")
    if not path.exists():
        said = f"The model {path} is not there."
        raise refusal(Reason.FILE_NOT_FOUND, said, "Correct the path of --model.")
    return WantedModel(name, name, int(version) if version else 1, path)


def _source(asked: Asked) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files of the source, and the fields of the spec that name some of them."""
    root = Path(asked.source_directory) if asked.source_directory else None
    files = source_files(root) if root else {}
    fields = dict[str, str]()
    for option, field in FILE_FIELDS.items():
        given = getattr(asked, option)
        if given is None:
            continue
        path = Path(given)
        inside = root is not None and path.is_relative_to(root)
        fields[field] = path.relative_to(root).as_posix() if root and inside else path.name
        files[fields[field]] = read_bytes(path)
    return files, fields


def memory_limit(memory: str) -> dict[str, object]:
    """As spec.resources has it."""
    return {"memory": memory, "limits": {"memory": memory}}
