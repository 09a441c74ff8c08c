"""What a deployment was asked for with: the arguments of the command, kept with the service.

`reload` and `update` read the same files again, from another folder and another shell.
"""

from typing import Annotated

from pydantic import Field

from fairlead.api.wire import StatusWire
from fairlead.images.debugger import WAIT_S


class Asked(StatusWire):
    """Paths are absolute. Either manifests, or plain files."""

    manifests: tuple[str, ...] = ()
    """Files and folders of `-f`."""
    kustomization: str | None = None
    """The folder of `-k`."""
    service: str | None = None
    """Of several Webservices or InferenceImages, the one that is meant."""
    entry_script: str | None = None
    source_directory: str | None = None
    """All of it is the source; None: the files that are named, and no others."""
    conda_file: str | None = None
    requirements_file: str | None = None
    docker_file: str | None = None
    base_image: str | None = None
    models: tuple[str, ...] = ()
    """`PATH` or `NAME=PATH`."""
    variables: dict[str, str] = Field(default_factory=dict)
    debug: bool = False
    """Whether a debugger may attach."""
    debug_wait_s: Annotated[float, Field(ge=0, le=3600)] = WAIT_S
    """How long the script waits for it before it is loaded."""
    memory: Annotated[str, Field(max_length=32)] | None = None
    """The limit: a quantity such as `1Gi`."""

    @property
    def from_manifests(self) -> bool:
        return bool(self.manifests or self.kustomization)
