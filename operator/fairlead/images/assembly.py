"""An image put together from layers, as the documents that say so. Pure.

The result is always an OCI image, whatever the environment was pushed as: a layer has the same
bytes under both names. Nothing in it is a date, so the same inputs have the same digest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.images.layout import (
    APP_ROOT,
    ENVIRONMENT,
    FRONT_PROGRAM,
    MODELS,
    PORT,
    RUNTIME,
    USER,
    model_folder,
)
from fairlead.registry.oci import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    Descriptor,
    ImageConfig,
    Manifest,
    descriptor,
    written,
)

HASH_ANNOTATION = "dev.fairlead.image.hash"
VERSION_ANNOTATION = "dev.fairlead.image.version"
ENVIRONMENTS_PYTHON = f"/{ENVIRONMENT}/bin/python"
OWN_PYTHON = f"/{RUNTIME}/{FRONT_PROGRAM}"
PROGRAM = ("-I", "-S", f"/{RUNTIME}/fairlead_scoring/__main__.py")
OWN_LAYERS = 2  # of an image: the runtime, and the code
MAX_LAYERS = 120  # of an image: Docker Engine takes 125, and nodes mount about as many over another
KEPT_CONFIG_KEYS = ("architecture", "os", "variant", "os.version", "os.features")
_OCI_NAMES = {
    DOCKER_LAYER: OCI_LAYER,
    DOCKER_LAYER_GZIP: OCI_LAYER_GZIP,
    DOCKER_LAYER_ZSTD: OCI_LAYER_ZSTD,
}


class NotAnEnvironmentError(ValueError):
    """The environment image is not one that layers can be put on; the text says why."""


@dataclass(frozen=True)
class Part:
    """A layer to be put on top. ``about`` is for people, in the image's history."""

    descriptor: Descriptor
    diff_id: str
    about: str


@dataclass(frozen=True)
class Base:
    """The environment image."""

    manifest: Manifest
    config: ImageConfig


@dataclass(frozen=True)
class Image:
    manifest: Manifest
    config: bytes

    @property
    def size(self) -> int:
        """Bytes of all layers, as they are stored."""
        return sum(layer.size for layer in self.manifest.layers)


@dataclass(frozen=True)
class About:
    """What a container of the image is started with, and what the image is called.

    ``python`` is the interpreter that the server runs on, by its path.
    """

    variables: Mapping[str, str]
    annotations: Mapping[str, str]
    python: str = ENVIRONMENTS_PYTHON


def assembled(base: Base, parts: Sequence[Part], about: About) -> Image:
    """Return the image of ``base`` with ``parts`` on top, lowest first.

    Raises ``NotAnEnvironmentError``.
    """
    config = written(_config(base, parts, about))
    layers = (*(named_as_oci(layer) for layer in base.manifest.layers), *_layers(parts))
    manifest = Manifest(
        config=descriptor(OCI_CONFIG, config), layers=layers, annotations=dict(about.annotations)
    )
    return Image(manifest, config)


def environment_variables(
    entry_script: str, models: Sequence[tuple[str, int]], asked: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of the image; ``models`` are names and versions.

    Those that say where things lie cannot be changed by the user: as in Azure ML v1 they describe
    the image, and a script would look for its model where it is not. ``HOME`` can: without one,
    libraries would keep their files in ``/``, which nobody may write to.
    """
    only = model_folder(*models[0]) if len(models) == 1 else MODELS
    ours = {
        "AML_APP_ROOT": f"/{APP_ROOT}",
        "AZUREML_ENTRY_SCRIPT": entry_script,
        "AZUREML_MODEL_DIR": f"/{only}",
    }
    return {"HOME": "/tmp", **asked, **ours}


def _config(base: Base, parts: Sequence[Part], image: About) -> dict[str, Any]:
    before, about, own = diff_ids(base), base.config.to_wire(), base.config.config
    merged = {**dict(_pairs(own.env)), **dict(sorted(image.variables.items()))}
    return {
        **{name: about[name] for name in KEPT_CONFIG_KEYS if name in about},
        "config": {
            "Env": [f"{name}={value}" for name, value in merged.items()],
            "Entrypoint": [image.python, *PROGRAM],
            "WorkingDir": f"/{APP_ROOT}",
            "User": USER,
            "ExposedPorts": {f"{PORT}/tcp": {}},
            "Labels": own.labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [*before, *(part.diff_id for part in parts)]},
        "history": [
            *about["history"],
            *({"created_by": f"fairlead: {part.about}"} for part in parts),
        ],
    }


def check_base(base: Base) -> None:
    """Raise ``NotAnEnvironmentError`` where no layer can be put on it, before any is made."""
    diff_ids(base)
    for layer in base.manifest.layers:
        named_as_oci(layer)


def diff_ids(base: Base) -> list[str]:
    """Of the layers of ``base``, lowest first. Raises ``NotAnEnvironmentError``."""
    known = base.config.rootfs.diff_ids
    if len(known) != len(base.manifest.layers):
        raise NotAnEnvironmentError(
            f"its config lists {len(known)} layers and its manifest {len(base.manifest.layers)}"
        )
    return list(known)


def _layers(parts: Iterable[Part]) -> Iterable[Descriptor]:
    return (part.descriptor.model_copy(update={"annotations": None}) for part in parts)


def named_as_oci(layer: Descriptor) -> Descriptor:
    """The same layer by OCI's name of its kind. Raises ``NotAnEnvironmentError``."""
    name = _OCI_NAMES.get(layer.media_type, layer.media_type)
    if name not in _OCI_NAMES.values():
        raise NotAnEnvironmentError(f"it has a layer of an unknown kind ({name})")
    return layer.model_copy(update={"media_type": name})


def _pairs(variables: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, _, value in (text.partition("=") for text in variables))
