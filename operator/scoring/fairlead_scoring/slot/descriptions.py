"""The service's description in Swagger 2 and OpenAPI 3.

Clients are generated from these documents, so they are the reference server's to the last key.
"""

from typing import Any, Dict, List, NamedTuple

Json = Dict[str, Any]
DESCRIPTION = "API specification for the Azure Machine Learning service {}"
HEALTH = "Simple health check endpoint to ensure the service is up at any given point."
HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"
RUN = "Run web service's model and get the prediction output"
INPUT = "The input payload for executing the real-time machine learning service."
OUTPUT = (
    "The service processed the input correctly and provided a result prediction, if applicable."
)
SPECIFICATION = "The Swagger specification."
JSON = "application/json"
ERROR = "The service failed to execute due to an error."
TEXT: Json = {"type": "string"}
VERSION: Json = {"type": "integer", "enum": [2, 3]}
KEY: Json = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "For example: Bearer abc123",
}
SECURITY: List[Json] = [{"Bearer": []}]
ERROR_RESPONSE: Json = {"type": "object", "properties": {"message": TEXT}}


class Service(NamedTuple):
    """``prefix`` is the path that a router puts before ours, ``""`` for none."""

    title: str
    version: str
    prefix: str

    @property
    def information(self) -> Json:
        return {
            "title": self.title,
            "description": DESCRIPTION.format(self.title),
            "version": self.version,
        }

    def paths(self, health: Json, score: Json, specification: Json) -> Json:
        before = f"/{self.prefix.strip('/')}" if self.prefix else ""
        return {
            f"{before}/": {"get": _operation("ServiceHealthCheck", HEALTH, health)},
            f"{before}/score": {"post": _operation("RunMLService", RUN, score)},
            f"{before}/swagger.json": {
                "get": _operation("GetSwaggerSpec", "Get the Swagger specification.", specification)
            },
        }


def swagger2(service: Service, given: Any, returned: Any) -> Json:
    """Return the document; ``given`` and ``returned`` are the schemas of input and output."""
    payload = {
        "name": "serviceInputPayload",
        "in": "body",
        "description": INPUT,
        "schema": _definition("ServiceInput"),
    }
    version = {"name": "version", "in": "query", "required": False, **VERSION}
    healthy = {"schema": TEXT, "examples": {JSON: "Healthy"}}
    return {
        "swagger": "2.0",
        "info": service.information,
        "schemes": ["https"],
        "consumes": [JSON],
        "produces": [JSON],
        "securityDefinitions": {"Bearer": KEY},
        "paths": service.paths(
            _responses2(HEALTHY, healthy),
            {
                "security": SECURITY,
                "parameters": [payload],
                **_responses2(OUTPUT, {"schema": _definition("ServiceOutput")}),
            },
            {"parameters": [version], **_responses2(SPECIFICATION, {"schema": TEXT})},
        ),
        "definitions": _schemas(given, returned),
    }


def openapi3(version: str, service: Service, given: Any, returned: Any) -> Json:
    """Return the document for ``version``, ``3.0.3`` or ``3.1.0``."""
    asked = {"name": "version", "in": "query", "required": False, "schema": VERSION}
    return {
        "openapi": version,
        "info": service.information,
        "security": SECURITY,
        "paths": service.paths(
            _responses3(HEALTHY, "text/plain", {**TEXT, "example": "Healthy"}),
            {
                "security": SECURITY,
                "requestBody": {"description": INPUT, **_content(JSON, _component("ServiceInput"))},
                **_responses3(OUTPUT, JSON, _component("ServiceOutput")),
            },
            {"parameters": [asked], **_responses3(SPECIFICATION, "text/plain", TEXT)},
        ),
        "components": {"schemas": _schemas(given, returned), "securitySchemes": {"Bearer": KEY}},
    }


def _operation(name: str, description: str, rest: Json) -> Json:
    return {"operationId": name, "description": description, **rest}


def _schemas(given: Any, returned: Any) -> Json:
    return {"ServiceInput": given, "ServiceOutput": returned, "ErrorResponse": ERROR_RESPONSE}


def _definition(name: str) -> Json:
    return {"$ref": f"#/definitions/{name}"}


def _component(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(media_type: str, schema: Json) -> Json:
    return {"content": {media_type: {"schema": schema}}}


def _responses2(description: str, success: Json) -> Json:
    return _responses(
        {"description": description, **success}, {"schema": _definition("ErrorResponse")}
    )


def _responses3(description: str, media_type: str, schema: Json) -> Json:
    return _responses(
        {"description": description, **_content(media_type, schema)},
        _content(JSON, _component("ErrorResponse")),
    )


def _responses(success: Json, error: Json) -> Json:
    return {"responses": {"200": success, "default": {"description": ERROR, **error}}}
