"""What a parser process answered, as the operator takes it: no more than the types allow."""

from pydantic import TypeAdapter

from fairlead.inputs.parse import Parsed

_PARSED = TypeAdapter(Parsed)


def read_parsed(content: bytes) -> Parsed:
    """Raises ``ValueError`` where it is none."""
    return _PARSED.validate_json(content)
