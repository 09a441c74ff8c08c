"""``service.update(...)``: what is given, over what the spec has. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from fairlead.api.quantity import amount
from fairlead.azureml.deployment.aks import (
    AksServiceDeploymentConfiguration,
    problems_of,
    raise_all,
)
from fairlead.azureml.deployment.fields import Fields, aks_fields
from fairlead.azureml.exceptions import InvalidConfigurationError

GIB = 1024**3
IMAGE_FIELDS = ("imageRef", "image", "pullSecretRef")


@dataclass
class Changes(AksServiceDeploymentConfiguration):
    """The knobs that are to change; they are checked with what is there already."""

    def validate_configuration(self) -> None:
        """Nothing: ``updated_spec`` checks."""

    @property
    def given(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))


def check_update(changes: Changes, image: Any, models: Any, inference_config: Any) -> None:
    """Raises ``InvalidConfigurationError`` with v1's words."""
    if image is not None and inference_config is not None:
        raise InvalidConfigurationError(
            "Error, unable to pass both an Image object and an InferenceConfig object to update."
        )
    if (models is None) != (inference_config is None):
        raise InvalidConfigurationError(
            'Error, both "models" and "inference_config" inputs must be provided in order to '
            "update the models."
        )
    if image is None and inference_config is None and not changes.given:
        raise InvalidConfigurationError("No parameters provided to update.")
    if changes.auth_enabled and changes.token_auth_enabled:
        raise InvalidConfigurationError(
            "Error, cannot set both token_auth_enabled and auth_enabled."
        )


def updated_spec(spec: Mapping[str, Any], changes: Changes, compute_type: str) -> Fields:
    """Return the whole spec. Raises ``InvalidConfigurationError`` with a line for each problem."""
    raise_all(_problems(spec, changes), "Error, ")
    new = aks_fields(changes)
    merged = _merged(spec, new)
    if changes.tags is None and changes.properties:  # tags are replaced, properties added
        merged["tags"] = {**(spec.get("tags") or {}), **changes.properties}
    elif changes.tags is not None:
        merged["tags"] = new.get("tags", {})
    if changes.num_replicas is not None and not changes.autoscale_enabled:
        merged["autoscale"] = {"enabled": False}
    if changes.autoscale_enabled:
        merged.pop("replicas", None)
    return {**merged, "computeType": "ACI"} if compute_type == "ACI" else merged


def image_of(spec: Mapping[str, Any]) -> tuple[Fields, Fields]:
    """What says which image is served, and the rest. The image that was named last counts."""
    image = {name: spec[name] for name in IMAGE_FIELDS if spec.get(name)}
    return image, {name: one for name, one in spec.items() if name not in IMAGE_FIELDS}


def _problems(spec: Mapping[str, Any], changes: Changes) -> Iterator[str]:
    """Limits are compared with what is there where the update does not say."""
    resources = spec.get("resources") or {}
    limits = resources.get("limits") or {}
    known = {
        "cpu_cores": _number(resources.get("cpu"), 1),
        "memory_gb": _number(resources.get("memory"), GIB),
        "cpu_cores_limit": _number(limits.get("cpu"), 1),
        "memory_gb_limit": _number(limits.get("memory"), GIB),
    }
    asked = any(getattr(changes, name) is not None for name in known)
    merged = Changes(**vars(changes))
    for name, value in known.items():
        if asked and getattr(merged, name) is None:
            setattr(merged, name, value)
    yield from problems_of(merged)


def _number(quantity: object, unit: int) -> float | None:
    return None if quantity is None else float(amount(str(quantity))) / unit


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> Fields:
    """Mappings are merged, whatever else is replaced."""
    found = dict(old)
    for name, value in new.items():
        before = found.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        found[name] = _merged(before or {}, value) if both else value
    return found
