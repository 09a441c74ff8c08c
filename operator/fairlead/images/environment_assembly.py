"""An environment image put together without an engine: base image, folders, packages. Pure.

It behaves as the image that Docker Engine makes of the same recipe: paths, variables, labels, user.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.images.assembly import KEPT_CONFIG_KEYS, Base, Image, Part, diff_ids, named_as_oci
from fairlead.images.environment_labels import HASH_LABEL, OWNER_LABEL, owner_label
from fairlead.images.layout import APP_ROOT, ENVIRONMENT, USER
from fairlead.images.steps_applied import Applied
from fairlead.registry.oci import OCI_CONFIG, Manifest, descriptor, written


def environment_image(
    base: Base, steps: Applied, parts: Sequence[Part], hash_: str, python: Mapping[str, str]
) -> Image:
    """Return the image of ``base`` with ``parts`` on top, lowest first.

    Raises ``NotAnEnvironmentError``.
    """
    config = written(_config(base, steps, parts, hash_, python))
    layers = (
        *(named_as_oci(layer) for layer in base.manifest.layers),
        *(part.descriptor for part in parts),
    )
    return Image(Manifest(config=descriptor(OCI_CONFIG, config), layers=layers), config)


def environment_variables(steps: Applied) -> dict[str, str]:
    """The variables of the image."""
    path = f"/{ENVIRONMENT}/bin:{steps.variables['PATH']}"
    ours = {"PATH": path, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**steps.variables, **ours}


def _labels(steps: Applied, hash_: str, python: Mapping[str, str]) -> Mapping[str, str]:
    owner = owner_label(steps.labels.get(OWNER_LABEL))
    return {**steps.labels, OWNER_LABEL: owner, HASH_LABEL: hash_, **python}


def _config(
    base: Base, steps: Applied, parts: Sequence[Part], hash_: str, python: Mapping[str, str]
) -> dict[str, Any]:
    about = base.config.to_wire()
    return {
        **{name: about[name] for name in KEPT_CONFIG_KEYS if name in about},
        "config": {
            "Env": [f"{name}={value}" for name, value in environment_variables(steps).items()],
            "WorkingDir": f"/{APP_ROOT}",
            "User": USER,
            "Labels": dict(_labels(steps, hash_, python)),
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": [*diff_ids(base), *(part.diff_id for part in parts)],
        },
        "history": [
            *about["history"],
            *({"created_by": f"fairlead: {part.about}"} for part in parts),
        ],
    }
