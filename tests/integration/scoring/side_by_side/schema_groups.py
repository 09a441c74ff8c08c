"""Scripts with ``inference-schema``'s decorators, which the environment must have."""

from tests.integration.scoring.side_by_side.cases import (
    FORM,
    JSON,
    MULTIPART,
    PARTS,
    TEXT,
    Case,
    Group,
    get,
    given,
)

DATA = {"data": [1, 2]}
VERSIONS = tuple(get(f"/swagger.json?version={version}") for version in ("2", "3", "3.1", "4"))
STANDARD = [
    given("a list", DATA),
    given("all", {"data": [1, 2], "scale": 3, "label": "a"}),
    given("unknown keys", {"data": [1], "other": 1}),
    given("a wrong type", {"data": "text"}),
    given("null", {"data": None}),
    given("a missing value", {"scale": 1}),
    given("nothing", {}),
    given("a list in place of an object", [1]),
    given("a text in place of an object", "x"),
    given("null in place of an object", None),
    given("no JSON", b"{bad"),
    given("more than JSON", b"{} {}"),
    given("a single quote", b"{'data': [1]}"),
    given("no body", b""),
    given("spaces", b"  "),
    given("NaN", b'{"data": [NaN, 1]}'),
    given("a key twice", b'{"data": [1], "data": [2]}'),
    given("a byte order mark", b"\xef\xbb\xbf" + b'{"data": [1]}'),
    given("UTF-16", '{"data": [1]}'.encode("utf-16")),
    given("UTF-32", '{"data": [1]}'.encode("utf-32-be")),
    given("not UTF-8", b'{"data": [1], "label": "\xff"}'),
    given("deep", b"[" * 100_000),
    given("run() raises", {"data": [1], "label": "boom"}),
    given("headers", {"data": [1], "label": "headers"}, headers={**JSON, "X-A": "1"}),
    given("not ascii", {"data": [1], "label": "é€"}),
    given("charset", DATA, headers={"Content-Type": "application/json; charset=utf-8"}),
    given("capitals", DATA, headers={"Content-Type": "Application/JSON"}),
    given("a kind of JSON", DATA, headers={"Content-Type": "application/vnd.x+json"}),
    given("text/json", DATA, headers={"Content-Type": "text/json"}),
    given("text", DATA, headers=TEXT),
    given("no type", DATA, headers={}),
    given("a form", b"data=[1]", headers=FORM),
    given("parts", MULTIPART, headers=PARTS),
    given(
        "in chunks",
        b'd\r\n{"data": [1]}\r\n0\r\n\r\n',
        headers={**JSON, "Transfer-Encoding": "chunked"},
    ),
    get("/score?data=[1,2]&scale=2"),
    get("/score?data=1&data=2"),
    get("/score?scale=2"),
    get("/score?data=x"),
    get("/score"),
    Case("OPTIONS", method="OPTIONS"),
    Case("OPTIONS with JSON", method="OPTIONS", headers=JSON),
    Case("HEAD", method="HEAD"),
    Case("PUT", method="PUT", headers=JSON, body=b"{}"),
    Case("a long id", headers={**JSON, "x-request-id": "r" * 101}),
    *VERSIONS,
]
NUMPY = [
    given("rows", {"data": [[1, 2, 3], [4, 5, 6]]}),
    given("one row", {"data": [[1, 2, 3]]}),
    given("three rows: a result that is no JSON", {"data": [[1, 2, 3]] * 3}),
    given("a wrong shape", {"data": [1, 2]}),
    given("wrong values", {"data": [["a", "b", "c"], ["d", "e", "f"]]}),
    given("floats", {"data": [[1.5, 2, 3], [4, 5, 6]]}),
    get("/score?data=[[1,2,3],[4,5,6]]"),
    *VERSIONS,
]
ROW = {"age": 1, "name": "x", "when": "2022-01-01"}
PANDAS = [
    given("rows", {"Inputs": [ROW, {**ROW, "age": 2}]}),
    given(
        "columns", {"Inputs": {"age": {"0": 1}, "name": {"0": "x"}, "when": {"0": "2022-01-01"}}}
    ),
    given("a missing column", {"Inputs": [{"age": 1, "name": "x"}]}),
    given("a wrong type", {"Inputs": [{**ROW, "age": "old"}]}),
    given("no list", {"Inputs": 3}),
    *VERSIONS,
]
NESTED = [
    given(
        "all",
        {
            "Inputs": {"frame": [{"a": 1, "b": 2}], "array": [[1, 2]], "text": "t"},
            "GlobalParameters": {"mode": "x"},
        },
    ),
    given("a default", {"Inputs": {"frame": [{"a": 1, "b": 2}], "array": [[1, 2]], "text": "t"}}),
    given("a wrong part", {"Inputs": {"frame": 1, "array": [[1, 2]], "text": "t"}}),
    given("a missing part", {"Inputs": {"array": [[1, 2]]}}),
    *VERSIONS,
]
NAMED = {"SERVICE_NAME": "x", "SERVICE_PATH_PREFIX": "p"}

GROUPS = {
    "schema": Group("schema", tuple(STANDARD), bare=False),
    "schema, numpy": Group("schema_numpy", tuple(NUMPY), bare=False),
    "schema, pandas": Group("schema_pandas", tuple(PANDAS), NAMED, bare=False),
    "schema, nested": Group("schema_nested", tuple(NESTED), bare=False),
}
