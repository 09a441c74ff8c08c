"""The response of scripts that want raw HTTP."""

import json
from typing import Any, Mapping

from .framework import Response

__all__ = ["AMLResponse", "Response", "json"]  # what ``import *`` gives there

JSON = "application/json"
TYPE = "Content-Type"
FAILED = "x-ms-run-function-failed"
NO_HEADERS: Mapping[str, str] = {}


class AMLResponse(Response):  # type: ignore[misc]
    """A response with a status and headers of the script's own."""

    def __init__(
        self,
        message: Any,
        status_code: Any,
        response_headers: Mapping[str, str] = NO_HEADERS,
        json_str: bool = False,  # noqa: FBT001, FBT002 - the original's order of parameters
        run_function_failed: bool = False,  # noqa: FBT001, FBT002 - the same
    ) -> None:
        """``message`` is the body, encoded with ``json_str``; commas part the values of a header.

        None is sent as an empty JSON object.
        """
        if message is None or json_str:
            text = json.dumps({} if message is None else message)
            super().__init__(text, status=status_code, mimetype=JSON)
        else:
            super().__init__(message, status=status_code)
            if TYPE in response_headers:
                self.headers.remove(TYPE)  # it is among those that follow
        self.headers[FAILED] = str(run_function_failed)
        for name, values in response_headers.items():
            for value in values.split(","):
                self.headers.add(name, value.strip())
