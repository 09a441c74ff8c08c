"""A script that wants raw HTTP: it describes its request, or answers as its query says."""

import json

from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    pass


def pieces():
    yield b"first,"
    yield b""
    yield "second,"
    yield b"third"


ANSWERS = {
    "bytes": lambda r: AMLResponse(b"\x00\x01\xff", 200),
    "text": lambda r: AMLResponse("é", 200),
    "none": lambda r: AMLResponse(None, 200),
    "none created": lambda r: AMLResponse(None, 201, {"Content-Type": "text/plain"}),
    "json": lambda r: AMLResponse({"a": [1, None]}, 200, json_str=True),
    "json text": lambda r: AMLResponse('{"a": 1}', 200, json_str=True),
    "json and type": lambda r: AMLResponse({}, 200, {"Content-Type": "text/x"}, json_str=True),
    "dictionary": lambda r: AMLResponse({"a": 1, "b": 2}, 200),
    "list": lambda r: AMLResponse(["a", b"b"], 200),
    "integers": lambda r: AMLResponse([1, 2], 200),
    "integer": lambda r: AMLResponse(5, 200),
    "pieces": lambda r: AMLResponse(pieces(), 200, {"Content-Type": "text/plain"}),
    "pieces of known length": lambda r: AMLResponse(pieces(), 200, {"Content-Length": "18"}),
    "type": lambda r: AMLResponse(b"\x89PNG", 200, {"Content-Type": "image/png"}),
    "type in small letters": lambda r: AMLResponse("x", 200, {"content-type": "text/plain"}),
    "headers": lambda r: AMLResponse("x", 200, {"X-A": "1, 2", "Set-Cookie": "a=1; Path=/, b=2"}),
    "own ids": lambda r: AMLResponse("x", 200, {"x-request-id": "mine", "TraceId": "mine"}),
    "own length": lambda r: AMLResponse("abc", 200, {"Content-Length": "3"}),
    "hop by hop": lambda r: AMLResponse("x", 200, {"Connection": "x-a", "Keep-Alive": "1"}),
    "own time": lambda r: AMLResponse("x", 200, {"x-ms-run-fn-exec-ms": "7"}),
    "header with line break": lambda r: AMLResponse("x", 200, {"X-A": "1\r\nX-B: 2"}),
    "header number": lambda r: AMLResponse("x", 200, {"X-A": 1}),
    "no headers": lambda r: AMLResponse("x", 200, None),
    "failed": lambda r: AMLResponse("no", 200, run_function_failed=True),
    "failed in words": lambda r: AMLResponse("no", 200, run_function_failed="a bit"),
    "failed header": lambda r: AMLResponse("x", 200, {"x-ms-run-function-failed": "True"}),
    "created": lambda r: AMLResponse("made", 201, {"Location": "/made/é"}),
    "no content": lambda r: AMLResponse("", 204),
    "not modified": lambda r: AMLResponse("x", 304, {"ETag": '"1"'}),
    "moved": lambda r: AMLResponse("", 302, {"Location": "elsewhere"}),
    "bad request": lambda r: AMLResponse("bad", 400),
    "teapot": lambda r: AMLResponse("short and stout", 418),
    "unavailable": lambda r: AMLResponse("busy", 503, {"Retry-After": "7"}),
    "unavailable json": lambda r: AMLResponse({"error": "busy"}, 503, json_str=True),
    "status 99": lambda r: AMLResponse("x", 99),
    "status 600": lambda r: AMLResponse("x", 600),
    "status 1000": lambda r: AMLResponse("x", 1000),
    "status text": lambda r: AMLResponse("x", "202 Taken In"),
    "options": lambda r: AMLResponse("", 200, {"Access-Control-Allow-Methods": "POST"}),
    "plain dictionary": lambda r: {"length": len(r.get_data())},
    "plain none": lambda r: None,
    "plain text": lambda r: r.get_data(as_text=True),
    "plain bytes": lambda r: r.get_data(),
    "tuple": lambda r: ("x", 201),
    "raise": lambda r: 1 / 0,
    "timeout": lambda r: (_ for _ in ()).throw(TimeoutError()),
    "json of request": lambda r: {"json": r.get_json()},
    "forced json": lambda r: {"json": r.get_json(force=True)},
    "silent json": lambda r: {"json": r.get_json(force=True, silent=True)},
    "json error": lambda r: why(lambda: r.get_json(force=True)),
    "json type error": lambda r: why(lambda: r.json),
    "missing argument": lambda r: r.args["missing"],
    "missing said": lambda r: why(lambda: r.args["missing"]),
    "form": lambda r: [r.form.to_dict(flat=False), {n: f.read().hex() for n, f in r.files.items()}],
    "data of a form": lambda r: [r.data.decode(), r.form.to_dict()],
    "values": lambda r: r.values.to_dict(),
    "stream": lambda r: r.stream.read(3).decode() + "|" + r.stream.read().decode(),
    "kinds": lambda r: [isinstance(r, AMLRequest), isinstance(r, AMLRequest.__mro__[1])],
    "cookies": lambda r: r.cookies.to_dict(),
    "about": lambda r: about(r),
    "headers of request": lambda r: dict(r.headers),
    "environ": lambda r: {name: r.environ[name] for name in KNOWN if name in r.environ},
}
KNOWN = [
    "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "RAW_URI", "SERVER_PROTOCOL",
    "REMOTE_ADDR", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_HOST", "HTTP_X_A", "HTTP_X_B",
    "wsgi.url_scheme", "wsgi.version", "wsgi.input_terminated",
]  # fmt: skip


def about(request):
    names = [
        "method", "path", "full_path", "url", "base_url", "url_root", "root_url", "host", "host_url",
        "scheme", "is_secure", "remote_addr", "query_string", "mimetype", "content_type",
        "content_length", "content_encoding", "is_json", "script_root", "user_agent", "referrer",
        "authorization", "accept_mimetypes", "mimetype_params", "access_route", "root_path",
    ]  # fmt: skip
    return {name: str(getattr(request, name)) for name in names}


def why(call):
    try:
        return call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@rawhttp
def run(request):
    answer = request.args.get("answer")
    if answer is None:
        return AMLResponse(json.dumps([request.method, request.get_data().hex()]), 200)
    return ANSWERS[answer](request)
