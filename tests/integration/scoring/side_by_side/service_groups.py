"""What is said of a service, and to browsers: Swagger and CORS."""

from tests.integration.scoring.side_by_side.cases import LONG, TEXT, Case, Group, get, text

SWAGGER = [
    get(f"/swagger.json{query}")
    for query in (
        "",
        "?",
        "?version=2",
        "?version=2.0",
        "?version=3",
        "?version=3.0",
        "?version=3.1",
        "?version=3.1.0",
        "?version=",
        "?version=9",
        "?version=2&version=3",
        "?version=%32",
        "?Version=3",
        "?version=x%22y",
        "?other=3",
        "?version=3%20",
    )
]
ORIGINS = {"AML_CORS_ORIGINS": "https://a.example, https://b.example"}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-A, X-B"}
CORS = [
    text("a"),
    *(
        Case(
            f"{method} {target} from {origin}",
            method=method,
            target=target,
            headers={**TEXT, "Origin": origin},
        )
        for method, target in (
            ("POST", "/score"),
            ("GET", "/"),
            ("GET", "/swagger.json"),
            ("GET", "/nope"),
            ("PUT", "/score"),
            ("OPTIONS", "/score"),
        )
        for origin in ("https://a.example", "https://b.example", "https://c.example")
    ),
    Case("a preflight", method="OPTIONS", headers={"Origin": "https://b.example", **PREFLIGHT}),
    Case(
        "a preflight from elsewhere",
        method="OPTIONS",
        headers={"Origin": "https://c.example", **PREFLIGHT},
    ),
    Case(
        "a preflight for another method",
        method="OPTIONS",
        headers={"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"},
    ),
    Case(
        "a preflight of health",
        method="OPTIONS",
        target="/",
        headers={"Origin": "https://a.example", **PREFLIGHT},
    ),
    Case("run() fails", body=b"value error", headers={**TEXT, "Origin": "https://a.example"}),
    Case("a long id", headers={"Origin": "https://a.example", "x-request-id": LONG}),
]
NAMED = {
    "SERVICE_NAME": 'my "service" é'.replace('"', "'"),
    "SERVICE_VERSION": "2.3",
    "SERVICE_PATH_PREFIX": "/api/v1/service/x/",
    "WORKSPACE_NAME": "w",
    "SERVER_VERSION_LOG_RESPONSE_ENABLED": "false",
}
OWN = {
    "swagger.json": '{"mine": 2,\n "é": "\\u00e9"}',
    "swagger2.json": '{"mine": "unused"}',
    "swagger3.json": "[3]",
}
FALLEN_BACK = {"swagger.json": "{}", "swagger2.json": '{"mine": "two"}', "swagger3.1.json": "[]"}
VERSIONS = tuple(get(f"/swagger.json?version={version}") for version in ("2", "3", "3.1"))

GROUPS = {
    "swagger": Group("plain", tuple(SWAGGER)),
    "CORS": Group("plain", tuple(CORS), ORIGINS),
    "CORS for all": Group("plain", tuple(CORS[:4]), {"AML_CORS_ORIGINS": "*"}),
    "named": Group("plain", (*VERSIONS, text("a"), get("/")), NAMED),
    "own swagger": Group("plain", VERSIONS, files=OWN),
    "own swagger, empty": Group("plain", VERSIONS, files=FALLEN_BACK),
}
