"""Values that several resources share, each with its bounds and its words of refusal."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from fairlead.api.shape import HiddenShape, Shape
from fairlead.api.wire import rules

ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=50),
    Shape(
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "must be the name of an object in the same namespace: lowercase letters, digits and "
        "dashes, beginning and ending with a letter or digit",
    ),
]
ConfigMapName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Shape(
        "[a-z0-9]([-.a-z0-9]*[a-z0-9])?", "must be the name of a ConfigMap in the same namespace"
    ),
]
ClaimName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Shape(
        "[a-z0-9]([-.a-z0-9]*[a-z0-9])?",
        "must be the name of a PersistentVolumeClaim in the same namespace",
    ),
]
SecretName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Shape("[a-z0-9]([-.a-z0-9]*[a-z0-9])?", "must be the name of a Secret in the same namespace"),
]
ServiceAccountName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Shape(
        "[a-z0-9]([-.a-z0-9]*[a-z0-9])?",
        "must be the name of a ServiceAccount in the same namespace",
    ),
]
MAX_PATH_CHARS = 255  # of ASCII: no part of a path is longer than a file system takes
RelativePath = Annotated[
    str,
    Field(min_length=1, max_length=MAX_PATH_CHARS),
    Shape(
        "[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*",
        "must be a path inside the source, such as env/myenv.yml: letters, digits, "
        "'_', '-', '.', with '/' between folders, and neither absolute nor with '..'",
        never="(^|/)[.][.]?(/|$)",
    ),
]


def folder_and_file(paths: Iterable[str]) -> str | None:
    """Return the first path that is a file and, in another path, a folder; None where none is."""
    whole = set(paths)
    parts = (path.split("/") for path in sorted(whole))
    folders = ("/".join(part[:end]) for part in parts for end in range(1, len(part)))
    return next((folder for folder in folders if folder in whole), None)


def _no_file_is_a_folder(files: dict[str, str]) -> dict[str, str]:
    both = folder_and_file(files)
    if both is not None:
        raise ValueError(f"{both} is a file and, in another key, a folder: rename one of the two")
    return files


Files = Annotated[
    dict[RelativePath, Annotated[str, Field(max_length=131_072)]],
    Field(
        min_length=1,
        max_length=64,
        json_schema_extra=rules(
            (
                "self.all(file, !self.exists(other, other.startsWith(file + '/')))",
                "a key is a file and, in another key, a folder: rename one of the two",
            )
        ),
    ),
    AfterValidator(_no_file_is_a_folder),
]
Digest = Annotated[
    str,
    Field(max_length=71),
    Shape(
        "sha256:[0-9a-f]{64}",
        "must be 'sha256:' and 64 hexadecimal digits, as `sha256sum` prints them",
    ),
]
# Names of images, as https://pkg.go.dev/github.com/distribution/reference reads them. What has no
# dot, no port and is not localhost is a folder on Docker Hub, and no registry.
_LABEL = "[a-z0-9]+(-+[a-z0-9]+)*"
_PORT = ":[0-9]{1,5}"
_REGISTRY = f"((localhost|{_LABEL}([.]{_LABEL})+)({_PORT})?|{_LABEL}{_PORT})"
_FOLDER = "[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = f"{_FOLDER}(/{_FOLDER})*"
_ON_DOCKER_HUB = f"({_FOLDER}|[a-z0-9]+((_|__|-+)[a-z0-9]+)*/{_REPOSITORY})"
_TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
ImageReference = Annotated[
    str,
    Field(min_length=1, max_length=512),
    Shape(
        f"({_REGISTRY}/{_REPOSITORY}|{_ON_DOCKER_HUB})(:{_TAG})?(@sha256:[0-9a-f]{{64}})?",
        "must be an image reference such as python:3.11-slim or registry.example.com/team/image:1",
    ),
]
Repository = Annotated[
    str,
    Field(min_length=1, max_length=255),
    Shape(
        f"{_REGISTRY}/{_REPOSITORY}",
        "must be a registry and a repository without a tag, such as "
        "registry.example.com/team/credit; a registry has a dot or a port, or is localhost",
    ),
]
EnvironmentVariables = Annotated[
    dict[
        Annotated[
            str,
            Field(min_length=1, max_length=256),
            Shape(
                "[A-Za-z_][A-Za-z0-9_]*",
                "must be letters, digits and '_', and must not begin with a digit",
            ),
        ],
        Annotated[
            str,
            Field(max_length=4096),
            Shape(r"[^\x00]*", "must not hold a NUL character: no process can be given one"),
        ],
    ],
    Field(max_length=64),
]
Labels = Annotated[
    dict[
        Annotated[
            str,
            Field(min_length=1, max_length=256),
            Shape(r"[^\x00-\x1f\x7f]+", "must not hold control characters"),
        ],
        Annotated[str, Field(max_length=512)],
    ],
    Field(max_length=64),
]
Description = Annotated[str, Field(max_length=2048)]

# What we and our tasks write: read back from status, from results and from the registry.
MAX_VERSION = 1_000_000_000
VersionNumber = Annotated[int, Field(ge=1, le=MAX_VERSION)]
MAX_SIZE_BYTES = 2**53  # what every reader of JSON takes
SizeBytes = Annotated[int, Field(ge=0, le=MAX_SIZE_BYTES)]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]
Sha256 = Annotated[str, Field(max_length=64), HiddenShape("[0-9a-f]{64}")]
StoredDigest = Annotated[str, Field(max_length=71), HiddenShape("sha256:[0-9a-f]{64}")]
PythonVersion = Annotated[
    str, Field(max_length=32), HiddenShape("[0-9]{1,4}[.][0-9]{1,4}([.][0-9]{1,4})?")
]
BuildId = Annotated[str, Field(max_length=32), HiddenShape("[1-9][0-9]{0,9}-[1-9][0-9]{0,8}")]
ModelFolder = Annotated[str, Field(max_length=255), HiddenShape("[a-zA-Z0-9][a-zA-Z0-9._-]*")]
EntryName = Annotated[
    str, Field(max_length=255), HiddenShape(r"[^/\x00-\x1f\x7f]+", never="^[.][.]?$")
]
StoredRepository = Annotated[
    str, Field(max_length=512), HiddenShape(r"[A-Za-z0-9.:[\]_-]+(/[a-z0-9._-]+)+")
]
StoredReference = Annotated[
    str,
    Field(max_length=512),
    HiddenShape(r"[A-Za-z0-9.:[\]_-]+(/[a-z0-9._-]+)+(:[\w.-]+|@[\w:]+)"),
]
