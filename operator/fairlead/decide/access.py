"""What an object names for its tasks to be let into registries, and where that cannot be had."""

import hashlib
from dataclasses import replace

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.model import ModelSpec
from fairlead.api.reasons import Reason
from fairlead.api.secret_ref import SecretRef
from fairlead.api.status import FailureClass
from fairlead.contract import NO_ACCESS, Access
from fairlead.finding import Finding, listed
from fairlead.settings import Settings


def _source_secret_unsupported(field: str, what: str) -> Finding:
    return Finding(
        Reason.SECRET_UNSUPPORTED,
        FailureClass.INFRASTRUCTURE,
        f"{field} cannot be used: this operator runs tasks as child processes "
        "(FAIRLEAD_RUNNER=local), and only a kubelet mounts a Secret.",
        f"Whoever runs Fairlead: use the job runner. Or leave the field out, and offer the {what} "
        "where it can be read without credentials.",
    )


SOURCE_SECRET_UNSUPPORTED = _source_secret_unsupported("spec.credentialsSecretRef", "model")
CODE_SECRET_UNSUPPORTED = _source_secret_unsupported("spec.source.credentialsSecretRef", "source")
PACKAGE_SECRET_UNSUPPORTED = _source_secret_unsupported(
    "spec.build.packageSecretRef", "packages, by FAIRLEAD_CONDA_MIRRORS or FAIRLEAD_PACKAGE_INDEX,"
)
VOLUME_UNSUPPORTED = Finding(
    Reason.VOLUME_UNSUPPORTED,
    FailureClass.INFRASTRUCTURE,
    "spec.source.persistentVolumeClaim cannot be used: this operator runs tasks as child processes "
    "(FAIRLEAD_RUNNER=local), and only a kubelet mounts a volume.",
    "Whoever runs Fairlead: use the job runner. Or offer the model elsewhere.",
)


def image_access(spec: InferenceImageSpec) -> Access:
    account = spec.build.service_account_name if spec.build else None
    return Access(_name(spec.push_secret_ref), _name(spec.pull_secret_ref), account or "")


def environment_access(spec: InferenceImageSpec) -> Access:
    """Of the one task that fetches packages: no other is given the Secret for them."""
    reference = spec.build.package_secret_ref if spec.build else None
    return replace(image_access(spec), package_secret=reference.name if reference else "")


def code_access(spec: InferenceImageSpec) -> Access:
    """Of the one task that fetches the source: no other is given the Secret for it."""
    reference = spec.source.credentials_secret_ref
    return replace(image_access(spec), source_secret=reference.name if reference else "")


def model_access(spec: ModelSpec) -> Access:
    reference = spec.credentials_secret_ref
    source = reference.name if reference else ""
    claim = spec.source.persistent_volume_claim
    return Access(
        service_account=spec.service_account_name or "",
        source_secret=source,
        source_claim=claim.claim_name if claim else "",
    )


def access_key(access: Access) -> str:
    """What stands for it in the id of a task: with other credentials it is other work."""
    if access == NO_ACCESS:
        return ""
    names = f"{access.push_secret} {access.pull_secret} {access.service_account}"
    names += f" {access.source_secret}" if access.source_secret else ""
    names += f" packages {access.package_secret}" if access.package_secret else ""
    names += f" claim {access.source_claim}" if access.source_claim else ""
    return f"-{hashlib.sha256(names.encode()).hexdigest()[:8]}"


def unmountable(spec: InferenceImageSpec | ModelSpec, settings: Settings) -> Finding | None:
    """What the object names, and no child process of the operator can be given."""
    if settings.runner != "local":
        return None
    access = image_access(spec) if isinstance(spec, InferenceImageSpec) else model_access(spec)
    account = "spec.serviceAccountName"
    if isinstance(spec, InferenceImageSpec):
        account = "spec.build.serviceAccountName"
        if secret := _unmountable_secret(spec):
            return secret
    if access.source_claim:
        return VOLUME_UNSUPPORTED
    if access.source_secret:
        return SOURCE_SECRET_UNSUPPORTED
    named = ((access.push_secret, "spec.pushSecretRef"), (access.service_account, account))
    fields = [field for name, field in named if name]
    if not fields or settings.docker_config is not None:
        return None
    return Finding(
        Reason.SECRET_UNSUPPORTED,
        FailureClass.INFRASTRUCTURE,
        f"{listed(fields)} cannot be used: this operator runs tasks as child processes "
        "(FAIRLEAD_RUNNER=local), and only a kubelet mounts a Secret or gives an identity.",
        "Whoever runs Fairlead: use the job runner, or name a Docker config file with the "
        "credentials in FAIRLEAD_DOCKER_CONFIG; it is used in their place. Or leave the fields "
        "out.",
    )


def _unmountable_secret(spec: InferenceImageSpec) -> Finding | None:
    if spec.source.credentials_secret_ref:
        return CODE_SECRET_UNSUPPORTED
    return PACKAGE_SECRET_UNSUPPORTED if environment_access(spec).package_secret else None


def _name(reference: SecretRef | None) -> str:
    return reference.name if reference else ""
