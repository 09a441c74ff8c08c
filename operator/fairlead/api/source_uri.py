"""The address of a source: of a model, or of code. One pattern for both."""

from typing import Annotated

from pydantic import Field

from fairlead.api.shape import Shape

SourceUri = Annotated[
    str,
    Field(max_length=2048),
    Shape(
        r"((https?|s3|gs|hf|oci)://([a-zA-Z0-9._~%:-]+|\[[0-9a-fA-F:.]+\](:[0-9]+)?)|"
        r"(abfss?|az)://[a-z0-9$-]+(@[a-z0-9.-]+)?)(/[^\s]*)?",
        "must be an https://, s3://, gs://, abfss://, az://, hf:// or oci:// address "
        "without user name or password; an azureml:// path stands for a blob of its "
        "workspace: give the blob's own address, abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH",
    ),
]
TAKES_CREDENTIALS = "'^(s3|gs|abfss?|az|hf|oci)://|^https://[a-z0-9.]+[.]blob[.]'"
"""What the addresses begin with whose servers are shown credentials; a pattern, as CEL has it."""
