"""What ``run()`` is called with: the three ways to read a request.

``plain`` hands over the body as text, ``schema`` its parts as ``@input_schema`` names them, ``raw``
the request itself.
"""

import codecs
import inspect
import json
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple, Union
from urllib.parse import parse_qsl, quote

from . import frameworks
from .request import RefusedError, Request

JSON_TYPE, MULTIPART_TYPE = "application/json", "multipart/form-data"
FORM_TYPE = "application/x-www-form-urlencoded"
MUST_BE_JSON = "Expects Content-Type to be application/json"
NOT_JSON = "POST body could not be decoded as JSON: {}"
EMPTY = "POST body is empty. Expecting a JSON dictionary."
NO_DICTIONARY = "POST body should be a JSON dictionary."
QUOTE_ERRORS = "fairlead.quote"


class Plain(NamedTuple):
    """The body as text; a query as the text of a JSON object."""

    name: str

    @property
    def mode(self) -> str:
        return "plain"

    def arguments(self, request: Request) -> Dict[str, Any]:
        """Raise ``RefusedError`` where the body is no text."""
        if request.method == "GET":
            return {self.name: json.dumps(read_query(request.query))}
        mimetype = media_type(request.content_type)
        if mimetype == FORM_TYPE:
            return {self.name: ""}  # the framework parses it as a form and leaves nothing
        body = frameworks.remaining_body(request) if mimetype == MULTIPART_TYPE else request.body
        try:
            return {self.name: str(body, "utf-8")}
        except UnicodeDecodeError as error:
            raise RefusedError(400, f"Input cannot be decoded as UTF-8: {error}") from error


class Schema(NamedTuple):
    """Each parameter of ``run()`` its value from a JSON object, or from the query."""

    parameters: Sequence[inspect.Parameter]

    @property
    def mode(self) -> str:
        return "schema"

    def arguments(self, request: Request) -> Dict[str, Any]:
        """Raise ``RefusedError`` where a value is missing or the body is no JSON object."""
        given = read_query(request.query) if request.method == "GET" else _json_object(request)
        found = {p.name: given.get(p.name, p.default) for p in self.parameters}
        for name, value in found.items():
            if value is inspect.Parameter.empty:
                raise RefusedError(400, f"A value is not provided for the {name!r} parameter.")
        return found


class Raw(NamedTuple):
    """The request, as an object of the framework that the script knows."""

    name: str

    @property
    def mode(self) -> str:
        return "raw"

    def arguments(self, request: Request) -> Dict[str, Any]:
        return {self.name: frameworks.framework_request(request)}


Input = Union[Plain, Schema, Raw]


def media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def read_query(query: str) -> Dict[str, Any]:
    """Return each parameter's value, a list where it is repeated; parsed as JSON if it is JSON.

    ``query`` is as it was sent, each character a byte. Raise ``UnicodeDecodeError`` if those are
    not UTF-8; what is no UTF-8 once decoded stays percent-encoded.
    """
    text = query.encode("latin-1").decode()
    found: Dict[str, List[Any]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors=QUOTE_ERRORS):
        found.setdefault(name, []).append(_json_or_text(value))
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _json_object(request: Request) -> Mapping[str, Any]:
    kind = media_type(request.content_type)
    if kind != JSON_TYPE and not (kind.startswith("application/") and kind.endswith("+json")):
        raise RefusedError(415, MUST_BE_JSON)
    try:
        found = json.loads(request.body)
    except json.JSONDecodeError as error:
        raise RefusedError(400, NOT_JSON.format(error) if request.body else EMPTY) from error
    if not isinstance(found, dict):
        raise RefusedError(400, NO_DICTIONARY)
    return found


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _quoted(error: UnicodeError) -> Tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return quote(error.object[error.start : error.end], safe=""), error.end


codecs.register_error(QUOTE_ERRORS, _quoted)
