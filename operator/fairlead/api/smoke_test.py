"""How an image is tried before it is announced: import, init(), and run() of a sample."""

from typing import Annotated

from pydantic import ConfigDict, Field

from fairlead.api.fields import RelativePath
from fairlead.api.webservice import Resources
from fairlead.api.wire import Wire, rules

MAX_SAMPLE_CHARS = 65_536
TIMEOUT_S = 310  # where the spec says nothing: what a Webservice gives init() by default


class Sample(Wire):
    """A request for run(): exactly one of the fields."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.inline) != has(self.file)",
                "exactly one of inline and file must be given",
            )
        )
    )

    inline: Annotated[str, Field(max_length=MAX_SAMPLE_CHARS)] | None = None
    """The body of the request, as a text that holds JSON."""
    file: RelativePath | None = None
    """A file of the source that holds the body, such as sample.json."""


class SmokeTest(Wire):
    """What is tried before a new version is announced, and gets its tag."""

    enabled: bool = True
    """False: an image is good as soon as it is put together."""
    sample: Sample | None = None
    """A request that run() must answer; without one it is not called."""
    timeout_seconds: Annotated[int, Field(ge=10, le=3600)] | None = None
    """The longest that import, init() and run() may take together. Default: 310."""
    resources: Resources | None = None
    """What the test's container is given, as that of a Webservice; without limits it has those of
    the operator's taskLimits, and three times the size of the models more."""
