"""The classes that requests and responses are made of: flask's where it can be imported.

Else werkzeug's, which flask's are built on, with the little that flask adds to them.
"""

from typing import NoReturn, Optional

__all__ = ["Request", "Response"]

try:
    from flask import Request, Response  # type: ignore[import-not-found]
except ImportError:
    from werkzeug.exceptions import BadRequest
    from werkzeug.wrappers import Request as PlainRequest
    from werkzeug.wrappers import Response as PlainResponse

    class Request(PlainRequest):  # type: ignore[no-redef]
        def on_json_loading_failed(self, e: Optional[ValueError]) -> NoReturn:
            """Say no more to the client than flask does: that it was a bad request."""
            try:
                super().on_json_loading_failed(e)
            except BadRequest as error:
                raise BadRequest from error
            raise AssertionError

    class Response(PlainResponse):  # type: ignore[no-redef]
        default_mimetype = "text/html"
        autocorrect_location_header = False
