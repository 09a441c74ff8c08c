"""How a task is handed to the Job that runs it: a ConfigMap of the Job's own, mounted as files.

Neither arguments nor variables nor annotations carry any of it: Linux ends an argument at 128 KiB,
the API all annotations at 256 KiB. The Job's arguments hold the digest of the ConfigMap, so what
somebody else put under its name is refused. Users' ConfigMaps are mounted beside it by their names;
the card says what must be in them. Pure.
"""

import hashlib
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from fairlead.api.wire import Wire
from fairlead.canonical import canonical_json

REQUEST_FOLDER = "/var/run/fairlead/request"
SOURCE_FOLDER = "/var/run/fairlead/source"
VOLUME_FOLDER = "/var/run/fairlead/volume"  # of a model's source
WORK_FOLDER = "/var/run/fairlead/work"
CREDENTIALS_FOLDER = "/var/run/fairlead/credentials"  # of registries: a folder for each Secret
DOCKER_CONFIG_KEY, DOCKER_CONFIG_FILE = ".dockerconfigjson", "config.json"  # in each of them
PUSH, PULL, SHARED = "push", "pull", "shared"  # the folders: what each Secret is for
PACKAGES = "packages"  # the folder with the Secret for hosts of packages
PACKAGES_KEY = ".netrc"  # the only one of that Secret which is mounted
SOURCE = "source"  # the folder with the Secret of a model's source: a file for each of its keys
HANDED_FOLDER = "/var/run/fairlead/handed"
"""What the container in the base image is handed; there it is mounted read-only, elsewhere. Beside
BuildKit: what the task is handed, its client."""
INSTALLED_FOLDER = "/var/run/fairlead/installed"
"""What that container has installed; mounted read-only."""
BUILDER_FOLDER = "/var/run/fairlead/builder"
"""Where BuildKit has its socket; read-only to the task, and no step of a build sees it."""
BUILDER_SOCKET = f"unix://{BUILDER_FOLDER}/buildkitd.sock"
CONTAINER = "task"
TOOLS_CONTAINER = "tools"
INSTALL_CONTAINER = "install"
"""In the user's base image, beside the task's own container: foreign code runs there."""
BUILDER_CONTAINER = "buildkit"
"""BuildKit, beside the task's own container: the users' steps run in it."""
TERMINATION_LOG = "/dev/termination-log"
CARD_KEY, REQUEST_KEY, CA_BUNDLE_KEY = "task.json", "request.json", "ca-bundle.pem"
CA_BUNDLE = f"{REQUEST_FOLDER}/{CA_BUNDLE_KEY}"
MAX_REQUEST_BYTES = 1_000_000  # the API server takes a ConfigMap of 1 MiB, its metadata included


class JobCard(Wire):
    """What the container has to do with what is mounted."""

    program: str
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    files: dict[str, str] = Field(default_factory=dict)
    """Path of each file that the request holds, to its key in the ConfigMap."""
    base64: bool | None = None
    """The files are written in base64, for they may be anything."""
    source: dict[str, str] | None = None
    """Name of each file of the user's ConfigMap, to its sha256; None where none is mounted."""


def volume_of(use: str) -> str:
    """The pod's volume with the Secret for ``use``; a name that redaction leaves in messages."""
    names = {SOURCE: "source-access", PACKAGES: "package-access"}
    return names.get(use, f"registry-{use}")


def request_digest(data: Mapping[str, str]) -> str:
    """Stands for the whole content of a request's ConfigMap."""
    return f"sha256:{hashlib.sha256(canonical_json(dict(data))).hexdigest()}"
