"""The web framework that the script knows, if it knows one.

The reference server is a flask application, and scripts know it: from ``flask.request`` inside
``run()`` to what they return. Where the script has imported flask, ``run()`` is called as inside
such an application; else our shims give it the same objects, made by werkzeug alone.
"""

import importlib
import sys
from contextlib import suppress
from functools import lru_cache
from types import ModuleType
from typing import Any, ContextManager, Iterator, Optional

from . import trace
from .own_log import log
from .request import RefusedError, Request

AML_REQUEST = "azureml_inference_server_http.api.aml_request"
AML_RESPONSE = "azureml_inference_server_http.api.aml_response"
CONTRIB_REQUEST = "azureml.contrib.services.aml_request"  # a package of its own, where installed
ROUTE, ENDPOINT, METHODS = "/score", "main.handle_score", ["GET", "POST", "OPTIONS"]
DATA_TYPES = frozenset((dict, list, str, int, float, bool, type(None)))  # of most results


class NoContext:
    """``contextlib.nullcontext`` came with Python 3.7."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


NO_CONTEXT = NoContext()


def wants_raw_http() -> bool:
    """Whether ``@rawhttp`` was used on any function, in any module: so it is in the original."""
    modules = map(sys.modules.get, (AML_REQUEST, CONTRIB_REQUEST))
    return any(getattr(module, "_rawHttpRequested", False) for module in modules)


def preload(source: bytes) -> None:
    """Import flask now if the script will: in ``run()`` it is too late for a context."""
    if b"flask" in source:
        with suppress(ImportError):  # the script will raise the same error
            importlib.import_module("flask")


def context(request: Request) -> ContextManager[Any]:
    """Return the context in which ``flask.request`` is this request; none without flask."""
    app = _flask_application()
    return app.request_context(request.environ()) if app else NO_CONTEXT


def framework_request(request: Request) -> Any:
    """Return the request as an object of the framework, inside ``context()``."""
    if _in_context():
        return sys.modules["flask"].request._get_current_object()
    return _request_class()(request.environ())


def remaining_body(request: Request) -> bytes:
    """Return what is left of a body once the framework has looked for a form in it.

    Raise ``RefusedError`` where the form is larger than the framework's limits.
    """
    from werkzeug.exceptions import HTTPException

    try:
        data: bytes = framework_request(request).data
    except HTTPException as error:
        raise RefusedError(error.code or 400, error.description or "") from error
    return data


def is_response(result: object) -> bool:
    """Whether ``run()`` has returned a response that is complete, not data to be encoded."""
    if type(result) in DATA_TYPES:
        return False
    return any(isinstance(result, known) for known in _response_classes())


def json_response(body: str) -> Optional[Any]:
    """Return what flask would answer with; None where the script knows no flask."""
    if not _in_context():
        return None
    response = sys.modules["flask"].Response(body, mimetype="application/json")
    response.headers["x-ms-run-function-failed"] = "False"
    return response


def processed(response: Any) -> Any:
    """Return the response after ``flask.after_this_request`` callbacks."""
    return (
        sys.modules["flask"].current_app.process_response(response) if _in_context() else response
    )


def _response_classes() -> Iterator[type]:
    for name in ("flask", AML_RESPONSE):
        known = getattr(sys.modules.get(name), "Response", None)
        if isinstance(known, type):
            yield known


def _request_class() -> Any:
    from werkzeug.wrappers import Request as WerkzeugRequest

    return getattr(sys.modules.get(AML_REQUEST), "Request", WerkzeugRequest)


def _in_context() -> bool:
    return bool(_flask_application()) and bool(sys.modules["flask"].has_request_context())


def _flask_application() -> Optional[Any]:
    flask = sys.modules.get("flask")
    return _application(flask) if flask else None


@lru_cache(maxsize=None)
def _application(flask: ModuleType) -> Optional[Any]:
    """Return an application like the reference server's; None where that flask cannot make one."""
    try:
        app = flask.Flask("entry_module", static_folder=None, root_path=".")
        app.add_url_rule(ROUTE, ENDPOINT, methods=METHODS, provide_automatic_options=False)
    except Exception as error:  # noqa: BLE001 - any module or version of that name
        log.warning("flask.request cannot be provided: %s", trace.error_text(error))
        return None
    return app
