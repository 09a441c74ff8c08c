"""Where the script of an image and its files come from, and what was found there."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from fairlead.api.fields import Files, RelativePath, SecretName, Sha256, SizeBytes, StoredReference
from fairlead.api.model import ConfigMapSource
from fairlead.api.shape import Shape
from fairlead.api.source_uri import TAKES_CREDENTIALS, SourceUri
from fairlead.api.status import Timestamp
from fairlead.api.wire import StatusWire, Wire, rules

MAX_ORIGIN_CHARS = 400
MAX_TOLD = 12  # names of one kind that are kept of what a script asks for


class InlineSource(Wire):
    """Files that stand in the object itself."""

    files: Files
    """Path to text."""


class CodeSecretRef(Wire):
    """A Secret in the same namespace with the credentials for the source."""

    name: SecretName
    """Its name. For git its keys are host and token, or host, username and password; for a uri
    those of a Model's source of that kind, such as AWS_ACCESS_KEY_ID or .dockerconfigjson."""


class GitSource(Wire):
    """A folder of a git repository, as it is at one commit."""

    url: Annotated[
        str,
        Field(max_length=1024),
        Shape(
            r"https?://([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?/[a-zA-Z0-9._~%/+@:-]*",
            "must be an https:// address without user name, password or query, such as "
            "https://github.com/team/credit.git; of a repository that is reached by ssh or git:// "
            "give the https:// address, and a token by source.credentialsSecretRef",
        ),
    ]
    """The https:// address of the repository."""
    ref: (
        Annotated[
            str,
            Field(min_length=1, max_length=200),
            Shape(
                "[A-Za-z0-9_][A-Za-z0-9._/+@=#-]*",
                "must be the name of a branch or a tag, or a whole commit of 40 digits; of "
                "another name give the commit",
                never="[.][.]|@[{]|//|[.]lock(/|$)|[/.]$|/[.]",
            ),
        ]
        | None
    ) = None
    """A branch, a tag or a commit. It is resolved once, to the commit that status tells: a branch
    that moves on is not noticed. Default: the repository's own default branch."""
    path: RelativePath | None = None
    """The folder that is the source, such as services/credit. Default: all of it."""


class ImageSource(Wire):
    """Where the script and its files come from: exactly one of inline, configMap, git and uri."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.inline) ? 1 : 0) + (has(self.configMap) ? 1 : 0) + "
                "(has(self.git) ? 1 : 0) + (has(self.uri) ? 1 : 0) == 1",
                "exactly one of inline, configMap, git and uri must be given",
            ),
            (
                "!has(self.credentialsSecretRef) || has(self.git) || (has(self.uri) && "
                f"self.uri.matches({TAKES_CREDENTIALS}))",
                "credentialsSecretRef goes with git, with an s3://, gs://, abfss://, az://, hf:// "
                "or oci:// uri, or with that of a blob: no other source takes credentials",
            ),
        )
    )

    inline: InlineSource | None = None
    """Files that stand in the object itself."""
    config_map: ConfigMapSource | None = None
    """A ConfigMap whose keys are the files; a change of it makes a new version."""
    git: GitSource | None = None
    """A git repository. It is fetched once, at the commit that its ref then stands for."""
    uri: SourceUri | None = None
    """The address of an archive (zip, tar, tar.gz, tar.bz2, tar.xz), of a folder (s3://, gs://,
    abfss://, hf://), or of an artifact in a registry (oci://REGISTRY/REPOSITORY:TAG). It is fetched
    once; a new content needs a new address."""
    credentials_secret_ref: CodeSecretRef | None = None
    """A Secret with the credentials for git or uri; it is mounted into the pod that fetches the
    source. Default: of a uri the identity of that pod's ServiceAccount, else none."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = (self.inline, self.config_map, self.git, self.uri)
        if sum(one is not None for one in given) != 1:
            raise ValueError("exactly one of inline, configMap, git and uri must be given")
        return self

    @property
    def is_fetched(self) -> bool:
        """A task fetches the files and keeps them in the registry: the operator never has them."""
        return self.inline is None and self.config_map is None


class AskedFor(StatusWire):
    """Something that a file asks for by name, and the line that does."""

    name: Annotated[str, Field(max_length=100)]
    """What it asks for."""
    line: Annotated[int, Field(ge=0)]
    """The line of the file."""
    file: Annotated[str, Field(max_length=255)] | None = None
    """The file, where it is not the one that the spec names."""


Asked = Annotated[tuple[AskedFor, ...], Field(max_length=MAX_TOLD)]


class FetchedCode(StatusWire):
    """What the task that fetched the source found: all that is needed of it to decide."""

    hash: Sha256
    """Every file with its path, which one is the script, and what the environment file sets."""
    origin: Annotated[str, Field(max_length=MAX_ORIGIN_CHARS)]
    """Where it came from, pinned where that can be: an artifact's digest, a commit."""
    files: Annotated[int, Field(ge=1)]
    """How many files it has."""
    size_bytes: SizeBytes
    """Bytes of all files together."""
    ignored: Annotated[int, Field(ge=0)] = 0
    """How many files its .amlignore or .gitignore leaves out."""
    requirements: Annotated[int, Field(ge=0)] = 0
    """How many requirements its environment file has for pip."""
    run_line: Annotated[int, Field(ge=1)] | None = None
    """The line of the first RUN in its dockerFile."""
    imports: Asked = ()
    """What the script imports that neither the source nor the environment file is known to
    bring; at most 12."""
    models: Asked = ()
    """The models that the script looks up by name; at most 12."""
    left_out: Asked = ()
    """Packages of the environment file that are not installed; at most 12."""
    unpinned: Annotated[
        tuple[Annotated[str, Field(max_length=80)], ...], Field(max_length=MAX_TOLD)
    ] = ()
    """What the environment file leaves a choice of versions of; at most 12."""


class SourceStatus(StatusWire):
    """The source as it was fetched last: it is not fetched again until something that decides about
    it changes."""

    key: Sha256
    """Hash of what it was asked for."""
    artifact: StoredReference
    """Where it is kept in the registry."""
    code: FetchedCode
    """What is in it."""
    fetched_at: Timestamp
    """When it was fetched."""
