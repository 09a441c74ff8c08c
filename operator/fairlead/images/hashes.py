"""What makes two things the same: their content, never names, dates, labels or the order of keys.

Each hash is the sha256 of canonical JSON behind a prefix that names its kind and its version, so
that no two kinds ever collide; change what goes into one and its version goes up. No hash knows the
runtime: a new one rebuilds nothing by itself.
"""

import hashlib
from collections.abc import Iterable, Mapping

from fairlead.api.model import ModelSpec
from fairlead.canonical import canonical_json
from fairlead.contract import EnvironmentRecipe, ModelLayer, SourceRequest
from fairlead.registry.oci import PLATFORM

ENVIRONMENT_FORMAT = 2  # goes up when images/recipe.py has another image made of the same


def environment_hash(recipe: EnvironmentRecipe, base_digest: str) -> str:
    """What an environment image is made from: the key under which it is shared and found again.

    The name of the base image counts for nothing, its digest for everything. The order of the
    requirements counts: pip's choices may depend on it.
    """
    return _hash(
        "environment",
        {
            "format": ENVIRONMENT_FORMAT,
            "platform": str(PLATFORM),
            "base": base_digest,
            "python": recipe.python,
            "requirements": [requirement.text.strip() for requirement in recipe.requirements],
            "steps": _lines(recipe.steps),
            **({"copied": recipe.copied} if recipe.copied else {}),
            **({"programs": sorted(recipe.programs)} if recipe.programs else {}),
            **_pip(recipe),
            **_conda(recipe),
        },
    )


def file_digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """The sha256 of each file, in hexadecimal: the only step that takes time with their size."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def code_hash(digests: Mapping[str, str], entry_script: str) -> str:
    """The user's source: the digest of every file by its path, and which of them is the script."""
    return _hash("code", {"files": dict(digests), "entryScript": entry_script})


def fetched_code_hash(
    digests: Mapping[str, str],
    programs: Iterable[str],
    entry_script: str,
    variables: Mapping[str, str],
) -> str:
    """A source that was fetched: its files, which of them may be run, which is the script, and the
    variables that its environment file sets."""
    content = {"files": dict(digests), "programs": sorted(programs), "entryScript": entry_script}
    return _hash("fetched-code", {**content, "variables": dict(variables)})


def source_key(request: SourceRequest) -> str:
    """What is asked of the task that fetches a source: while this stays the same nothing is fetched
    again. Where it is stored counts for nothing."""
    return _hash("source", request.model_copy(update={"repository": ""}).to_wire())


def image_hash(
    environment: str,
    models: Iterable[ModelLayer],
    code: str,
    variables: Mapping[str, str],
    *,
    debugger: bool = False,
) -> str:
    """Everything an image is made from. The order in which models are listed counts for nothing."""
    more = {"debugger": True} if debugger else {}
    layers = sorted((m.model_name, m.version, m.path, m.layer) for m in models)
    return _hash(
        "image",
        {
            "environment": environment,
            "models": layers,
            "code": code,
            "variables": dict(variables),
            **more,
        },
    )


def folder_digest(files: Mapping[str, str]) -> str:
    """The content of a model of several files: relative path to the sha256 digest of each file."""
    return f"sha256:{_hash('folder', dict(files))}"


def ingest_key(spec: ModelSpec, model_name: str, digests: Mapping[str, str]) -> str:
    """What an ingest would fetch and store: while this stays the same nothing is fetched again.

    A ConfigMap counts by the ``digests`` of its files, not by its name.
    """
    claim = spec.source.persistent_volume_claim
    return _hash(
        "ingest",
        {
            "modelName": model_name,
            "uri": spec.source.uri,
            **({"claim": [claim.claim_name, claim.path]} if claim else {}),
            "files": dict(digests),
            "unpack": spec.unpack,
            "digest": spec.digest,
        },
    )


def _hash(kind: str, content: Mapping[str, object]) -> str:
    prefix = f"fairlead.dev/{kind}/v1\n".encode()
    return hashlib.sha256(prefix + canonical_json(content)).hexdigest()


def _pip(recipe: EnvironmentRecipe) -> dict[str, object]:
    """What else decides on pip's choices; nothing, where there is nothing of it."""
    found = {
        "constraints": [one.text for one in recipe.constraints],
        "options": [one.text for one in recipe.options],
        "local": recipe.local,
    }
    return {name: value for name, value in found.items() if value}


def _conda(recipe: EnvironmentRecipe) -> dict[str, object]:
    """What is for conda. A file that names nothing for it is what the same list for pip is."""
    if recipe.conda is None or not recipe.conda.packages:
        return {}
    channels = [channel.text.rstrip("/") for channel in recipe.conda.channels]
    packages = [package.text for package in recipe.conda.packages]
    cuda = {"cuda": recipe.conda.cuda} if recipe.conda.cuda else {}
    return {"conda": {"channels": channels, "packages": packages, **cuda}}


def _lines(steps: str) -> list[str]:
    """Line ends and blanks at the end of a line or of the file change nothing that is built."""
    return [line.rstrip() for line in steps.strip().splitlines()]
