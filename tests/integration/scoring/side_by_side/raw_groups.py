"""Scripts that want raw HTTP."""

from tests.integration.scoring.side_by_side.cases import (
    FORM,
    JSON,
    MULTIPART,
    PARTS,
    Case,
    Group,
    answer,
    get,
)

ANSWERS = [
    "bytes",
    "text",
    "none",
    "none created",
    "json",
    "json text",
    "json and type",
    "dictionary",
    "list",
    "integers",
    "integer",
    "pieces",
    "pieces of known length",
    "type",
    "type in small letters",
    "headers",
    "own ids",
    "own length",
    "hop by hop",
    "own time",
    "header with line break",
    "header number",
    "no headers",
    "failed",
    "failed in words",
    "failed header",
    "created",
    "no content",
    "not modified",
    "moved",
    "bad request",
    "teapot",
    "unavailable",
    "unavailable json",
    "status 99",
    "status 600",
    "status 1000",
    "status text",
    "options",
    "plain dictionary",
    "plain none",
    "plain text",
    "plain bytes",
    "tuple",
    "raise",
    "timeout",
    "json error",
    "json type error",
    "missing argument",
    "missing said",
    "stream",
    "kinds",
    "about",
    "environ",
]
REQUESTS = [
    answer("json of request", b'{"a": 1}', headers=JSON),
    answer("json of request", b"{a", headers=JSON),
    answer("json of request", b"", headers=JSON),
    answer("json of request", b"[1]", headers={"Content-Type": "application/x+json"}),
    answer("forced json", b"[2]"),
    answer("silent json", b"no json"),
    answer("json type error", b"{}", headers={"Content-Type": "text/json"}),
    answer("json error", b"\xff\xfe"),
    answer("form", b"a=1&b=2&a=3", headers=FORM),
    answer("form", MULTIPART, headers=PARTS),
    answer("data of a form", b"a=1", headers=FORM),
    answer("plain text", b"a=1", headers=FORM),
    answer("plain dictionary", MULTIPART, headers=PARTS),
    answer("values", b"a=1", headers=FORM),
    answer("stream", b"abcdef"),
    answer("cookies", headers={"Cookie": "a=1; b=%20x"}),
    answer("headers of request", headers=[("x-a", "1"), ("X-A", "2"), ("X-Empty", "")]),
    answer("environ", headers={"X-A": "é", "x_b": "1", "Content-Type": "a/b;c=d"}),
    answer(
        "about",
        headers={
            "Content-Type": "a/b; c=d",
            "Referer": "r",
            "User-Agent": "u",
            "Authorization": "Bearer key",
            "Accept": "a/b;q=0.5",
            "Content-Encoding": "gzip",
        },
    ),
    answer("about", version="1.0"),
    answer("about", method="GET", body=b""),
    answer("plain text", b"3\r\nabc\r\n0\r\n\r\n", headers={"Transfer-Encoding": "chunked"}),
    answer("stream", b"6\r\nabcdef\r\n0\r\n\r\n", headers={"Transfer-Encoding": "chunked"}),
    answer("pieces", version="1.0"),
]
METHODS = [
    *(
        answer(name, method=method, body=b"")
        for method in ("OPTIONS", "HEAD", "GET")
        for name in ("text", "json", "pieces", "plain none", "raise", "unavailable", "no content")
    ),
    *(
        Case(f"{method} /score", method=method)
        for method in ("GET", "POST", "OPTIONS", "HEAD", "PUT", "DELETE", "PATCH")
    ),
    Case("not UTF-8", body=b"\xff\xfe"),
    Case("a long id", headers={"x-request-id": "r" * 101}),
    get("/"),
    get("/nope"),
    get("/swagger.json"),
    get("/swagger.json?version=3"),
    get("/swagger.json?version=3.1"),
    get("/score?answer=%FF"),
    get("//score?answer=text"),
]
CORS = [
    answer("options", method="OPTIONS", body=b"", headers={"Origin": "https://b.example"}),
    answer("text", headers={"Origin": "https://a.example"}),
    answer("unavailable", headers={"Origin": "https://a.example"}),
    answer("plain none", headers={"Origin": "https://c.example"}),
    Case(
        "a preflight",
        method="OPTIONS",
        headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"},
    ),
]
OTHER = (
    "from azureml.contrib.services.aml_request import rawhttp\n\n\n"
    "@rawhttp\ndef nobody_calls_this(request):\n    return request\n\n\nmarked = True\n"
)

GROUPS = {
    "raw": Group("raw", (*map(answer, ANSWERS), *REQUESTS, *METHODS)),
    "raw, CORS": Group(
        "raw", tuple(CORS), {"AML_CORS_ORIGINS": "https://a.example,https://b.example"}
    ),
    "raw, old names": Group(
        "raw_old_names", (get("/score?a=1"), Case("post")), files={"other.py": OTHER}
    ),
}
