"""How an InferenceImage is built: by which engine, for how long, with how much."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from fairlead.api.fields import SecretName, ServiceAccountName
from fairlead.api.quantity import Quantity
from fairlead.api.wire import Wire, rules


class BuildEngine(StrEnum):
    """What builds environments."""

    AUTO = "Auto"
    DOCKER = "docker"
    POD = "pod"
    BUILDKIT = "buildkit"


def _at_least(field: str) -> tuple[str, str]:
    return (
        f"!has(self.limits) || !has(self.limits.{field}) || !has(self.{field}) || "
        f"quantity(string(self.limits.{field})).compareTo(quantity(string(self.{field}))) >= 0",
        f"limits.{field} must be greater than or equal to {field}",
    )


class BuildLimits(Wire):
    """What the installation may use at the most."""

    cpu: Quantity | None = None
    """Cores, such as 2 or 1500m. Quote a number with a decimal point: "1.5"."""
    memory: Quantity | None = None
    """Bytes, such as 4Gi: of all processes that install and compile."""
    ephemeral_storage: Quantity | None = None
    """Bytes on the node's disk, such as 50Gi: the environment, and what is unpacked on the way."""


class BuildResources(Wire):
    """What the container that installs the packages asks for; what is not given is the operator's
    taskRequests and taskLimits."""

    model_config = ConfigDict(
        json_schema_extra=rules(*map(_at_least, ("cpu", "memory", "ephemeralStorage")))
    )

    cpu: Quantity | None = None
    """Cores that are set aside, such as 2 or 500m. Quote a number with a decimal point: "0.5"."""
    memory: Quantity | None = None
    """Bytes that are set aside, such as 2Gi."""
    ephemeral_storage: Quantity | None = None
    """Bytes on the node's disk that are set aside, such as 10Gi."""
    limits: BuildLimits | None = None
    """What it may use at the most."""


class PackageSecretRef(Wire):
    """A Secret in the same namespace with credentials of the hosts that packages come from."""

    name: SecretName
    """Its name. Its key .netrc has a line `machine <host> login <user> password <password>` for
    each host, or <host>:<port> where that is not the usual one. No other key is mounted."""


class BuildOptions(Wire):
    """How the image is built."""

    engine: BuildEngine | None = None
    """What builds the environment. Auto, the default: the operator's own choice, which is pod where
    tasks run as Jobs, and docker where they run beside the operator. pod runs no RUN of a
    dockerFile: with one, Auto means buildkit, where whoever runs Fairlead has turned that on."""
    timeout_seconds: Annotated[int, Field(ge=60, le=86_400)] | None = None
    """The longest that the environment may take to build, and the image to assemble. Default: the
    operator's buildTimeoutSeconds."""
    resources: BuildResources | None = None
    """What the installation of the packages may use, with the pod engine; with the buildkit engine:
    what BuildKit may."""
    service_account_name: ServiceAccountName | None = None
    """The ServiceAccount of the tasks' pods, with whose workload identity registries are logged in
    to; it is given no API token. Default: the operator's taskServiceAccount."""
    package_secret_ref: PackageSecretRef | None = None
    """Credentials of private conda channels and package indexes: mounted into the task that asks
    them, and not where packages are installed."""
