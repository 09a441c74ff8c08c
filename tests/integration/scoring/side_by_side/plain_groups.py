"""Undecorated scripts: what goes in, and what comes out."""

from tests.integration.scoring.side_by_side.cases import (
    FORM,
    JSON,
    LONG,
    MULTIPART,
    PARTS,
    TEXT,
    Case,
    Group,
    get,
    text,
)

RESULTS = [
    "none",
    "true",
    "integer",
    "float",
    "text",
    "empty text",
    "quoted",
    "not ascii",
    "list",
    "dictionary",
    "keys",
    "tuple key",
    "nan",
    "tuple",
    "set",
    "bytes",
    "object",
    "class",
    "generator",
    "coroutine",
    "large",
    "value error",
    "key error",
    "assertion",
    "stop",
    "import error",
    "timeout",
    "recursion",
    "exit",
    "cancelled",
    "keyboard",
    "generator exit",
    "base exception",
    "headers",
    "no such header",
]
BODIES = [
    Case("no body, no type"),
    Case("no type", body=b"abc"),
    Case("empty type", body=b"abc", headers={"Content-Type": ""}),
    Case("JSON stays text", body=b'{"a": [1, 2]}', headers=JSON),
    Case("not UTF-8", body=b"ab\xff", headers=TEXT),
    Case("half a character", body="é".encode()[:1], headers=TEXT),
    Case("a byte order mark", body=b"\xef\xbb\xbfabc", headers=TEXT),
    Case(
        "UTF-16",
        body="abc".encode("utf-16"),
        headers={"Content-Type": "text/plain; charset=utf-16"},
    ),
    Case(
        "latin-1",
        body="é".encode("latin-1"),
        headers={"Content-Type": "text/plain; charset=latin1"},
    ),
    Case("zero bytes", body=b"a\x00b", headers=TEXT),
    Case("a surrogate", body=b"\xed\xa0\x80", headers=TEXT),
    Case("a form", body=b"a=1&b=2", headers=FORM),
    Case(
        "a form in capitals",
        body=b"a=1",
        headers={"Content-Type": "APPLICATION/X-WWW-FORM-URLENCODED"},
    ),
    Case("a form that is not UTF-8", body=b"a=\xff", headers=FORM),
    Case("a form of JSON, as curl sends it", body=b'{"data": [1]}', headers=FORM),
    Case("a large form", body=b"a=" + b"x" * 600_000, headers=FORM),
    Case("parts", body=MULTIPART, headers=PARTS),
    Case(
        "parts without a boundary", body=MULTIPART, headers={"Content-Type": "multipart/form-data"}
    ),
    Case("parts that are none", body=b"no parts", headers=PARTS),
    Case(
        "a field too large",
        headers=PARTS,
        body=b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
        + b"x" * 600_000
        + b"\r\n--XX--\r\n",
    ),
    Case("other parts", body=MULTIPART, headers={"Content-Type": "multipart/mixed; boundary=XX"}),
    Case(
        "in chunks",
        body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        headers={**TEXT, "Transfer-Encoding": "chunked"},
    ),
    Case("large", body=b"0123456789" * 100_000, headers=TEXT),
    Case("with a query", target="/score?a=1", body=b"abc", headers=TEXT),
    Case("HTTP/1.0", body=b"abc", headers=TEXT, version="1.0"),
]
QUERIES = [
    get("/score"),
    get("/score?"),
    get("/score?a=1&b=[1,2]&c=text&d=null&e=true"),
    get("/score?a=x&b=1&a=2"),
    get("/score?a=&b&=c"),
    get("/score?a=1;b=2"),
    get("/score?a=%7B%22b%22:1%7D"),
    get("/score?a=f+g%20h%2Bi"),
    get("/score?a=%C3%A9&%C3%A9=1"),
    get("/score?a=%FF%FE"),
    get("/score?a=NaN&b=1e400&c=-0"),
    get("/score?a=%22quoted%22&b='x'"),
    get("/score?a=%ZZ&b=100%"),
    get("/score?a=1#fragment"),
    get("/score?" + "&".join(f"a{number}={number}" for number in range(100))),
    Case("GET with a body", method="GET", body=b"ignored", headers=TEXT),
    Case("GET with both", method="GET", target="/score?a=1", body=b"ignored", headers=JSON),
]
IDS = [
    {"x-request-id": "r"},
    {"X-REQUEST-ID": "r"},
    {"x-request-id": ""},
    {"x-request-id": LONG},
    {"x-request-id": LONG[1:]},
    {"x-ms-request-id": "m"},
    {"x-ms-client-request-id": "c"},
    {"x-request-id": "r", "x-ms-client-request-id": "c"},
    {"x-request-id": "r", "x-ms-request-id": "m"},
    {"x-request-id": "r", "x-ms-request-id": "m", "x-ms-client-request-id": "c"},
    {"x-request-id": "r", "x-ms-request-id": LONG},
    {"x-request-id": "r", "x-ms-client-request-id": LONG},
    {"x-request-id": LONG, "x-ms-client-request-id": "c"},
    {"x-request-id": "é"},
    {"TraceId": "t"},
    {"traceid": "t", "x-request-id": LONG},
]
HEADERS = [
    Case(
        "headers: as they are",
        body=b"headers",
        headers={
            "x-lower": "1",
            "X-ALL-CAPS": "2",
            "X-Mixed-cAsE": "3",
            "x-4a-b5c": "4",
            "Accept": "*/*",
            "Authorization": "Bearer key",
            "Cookie": "a=1; b=2",
            "User-Agent": "test",
            **TEXT,
        },
    ),
    Case(
        "headers: repeated",
        body=b"headers",
        headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3"), ("X-A", "4")],
    ),
    Case("two hosts", body=b"a", headers={**TEXT, "Host": "other.example"}),
    Case(
        "headers: types",
        body=b"headers",
        headers=[("Content-Type", "a/b"), ("Content-Type", "text/plain")],
    ),
    Case(
        "headers: empty", body=b"headers", headers={"X-Empty": "", "X-Spaces": "  a  b  ", **TEXT}
    ),
    Case("headers: underscores", body=b"headers", headers={"x_a": "1", "X-A": "2", **TEXT}),
    Case("headers: not ascii", body=b"headers", headers={"X-A": "é", **TEXT}),
    Case(
        "headers: ids",
        body=b"headers",
        headers={"x-request-id": "r", "x-ms-request-id": "m", **TEXT},
    ),
]
METHODS = [
    *(
        Case(f"{method} /score", method=method, headers=TEXT)
        for method in ("OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "PROPFIND", "TRACE")
    ),
    *(
        Case(f"method {method} {path}", method=method, target=path)
        for path in ("/", "/swagger.json")
        for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE")
    ),
    *(
        Case(f"{method} /nope", method=method, target="/nope")
        for method in ("GET", "POST", "HEAD", "OPTIONS")
    ),
    Case(
        "a preflight without CORS",
        method="OPTIONS",
        headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"},
    ),
]
PATHS = [
    get("/score/"),
    get("//score?a=1"),
    get("/Score"),
    get("/%73core?a=1"),
    get("/?a=1"),
    get("//"),
    get("/score/x"),
    get("/favicon.ico"),
    get("/swagger.json/"),
    get("/%2Fscore"),
    get("/./score"),
    Case("POST //score", target="//score", body=b"abc", headers=TEXT),
]
FLASK = [
    "response", "failed response", "response with ids", "jsonify", "make_response", "abort",
    "werkzeug", "redirect", "stream", "after", "after plain", "seen",
]  # fmt: skip
SEEN = get("/score?a=1", headers={"X-A": "b"})

GROUPS = {
    "plain": Group(
        "plain",
        (
            *map(text, RESULTS),
            *BODIES,
            *QUERIES,
            *(Case(f"ids {number}", headers={**TEXT, **ids}) for number, ids in enumerate(IDS)),
            *(
                Case(f"health, ids {number}", method="GET", target="/", headers=IDS[number])
                for number in (0, 3, 14)
            ),
            *HEADERS,
            *METHODS,
            *PATHS,
        ),
    ),
    "own timeout": Group("plain", (text("timeout"),), {"SCORING_TIMEOUT_MS": "5000"}),
    "driver": Group("driver", (Case("driven", body=b"1", headers={"X-A": "a", **TEXT}),)),
    "flask": Group("flask_script", (*map(text, FLASK), SEEN), bare=False),
}
