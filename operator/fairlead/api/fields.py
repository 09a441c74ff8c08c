"""Values that several resources share, each with its bounds and its words of refusal."""

from typing import Annotated

from pydantic import Field

from fairlead.api.wire import rules

ObjectName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=50,
        json_schema_extra=rules(
            (
                "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "must be the name of an object in the same namespace: lowercase letters, digits "
                "and dashes, beginning and ending with a letter or digit",
            )
        ),
    ),
]
ConfigMapName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        json_schema_extra=rules(
            (
                "self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",
                "must be the name of a ConfigMap in the same namespace",
            )
        ),
    ),
]
RelativePath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        json_schema_extra=rules(
            (
                "self.matches('^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$') && "
                "!self.matches('(^|/)[.][.]?(/|$)')",
                "must be a path inside the source, such as env/myenv.yml: letters, digits, "
                "'_', '-', '.', with '/' between folders, and neither absolute nor with '..'",
            )
        ),
    ),
]
Digest = Annotated[
    str,
    Field(
        max_length=71,
        json_schema_extra=rules(
            (
                "self.matches('^sha256:[0-9a-f]{64}$')",
                "must be 'sha256:' and 64 hexadecimal digits, as `sha256sum` prints them",
            )
        ),
    ),
]
ImageReference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=512,
        json_schema_extra=rules(
            (
                "self.matches('^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*"
                "(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$')",
                "must be an image reference such as python:3.11-slim or "
                "registry.example.com/team/image:1",
            )
        ),
    ),
]
Repository = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        json_schema_extra=rules(
            (
                "self.matches('^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$')",
                "must be a registry and a repository without a tag, such as "
                "registry.example.com/team/credit",
            )
        ),
    ),
]
EnvironmentVariables = Annotated[
    dict[str, Annotated[str, Field(max_length=4096)]],
    Field(
        max_length=64,
        json_schema_extra=rules(
            (
                "self.all(name, name.matches('^[A-Za-z_][A-Za-z0-9_]*$'))",
                "each name must be letters, digits and '_', and must not begin with a digit",
            )
        ),
    ),
]
Labels = Annotated[dict[str, Annotated[str, Field(max_length=512)]], Field(max_length=64)]
Description = Annotated[str, Field(max_length=2048)]
