"""Models at addresses: whatever a web server does, it costs no more than the limits allow."""

import ssl
import subprocess
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import trust
from fairlead.registry.addresses import NamedHosts
from fairlead.registry.oci import digest_of
from fairlead.sources import exchange
from fairlead.sources.base import Digests, Limits, SourceError
from fairlead.sources.uri import UriSource
from tests.cluster.ports import free_port
from tests.integration.registry.server import WebServer, replies

MODEL = b"a trained model"


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "RETRY_DELAYS_S", (0.01, 0.01, 0.01))


MOST = 1_000_000


def fetch(
    uri: str, into: Path, *hosts: str, seconds: float = 30.0, ca_bundle: Path | None = None
) -> Digests:
    source = UriSource(uri, "credit", trust(ca_bundle), NamedHosts.insecurely(hosts))
    return source.fetch(into, Limits(MOST, 10, time.monotonic() + seconds))


def refused(uri: str, into: Path, *hosts: str, seconds: float = 30.0) -> SourceError:
    with pytest.raises(SourceError) as told:
        fetch(uri, into, *hosts, seconds=seconds)
    return told.value


def test_a_file_is_stored_under_its_name_and_hashed_on_the_way(
    web: WebServer, tmp_path: Path
) -> None:
    web.answers["/m.pkl"] = replies(200, MODEL)
    assert fetch(web.url("/m.pkl"), tmp_path, web.host) == {"m.pkl": digest_of(MODEL)}
    assert (tmp_path / "m.pkl").read_bytes() == MODEL


@pytest.mark.parametrize(
    ("status", "reason", "class_", "message"),
    [
        (404, Reason.MODEL_SOURCE_NOT_FOUND, FailureClass.USER, "404: there is no such file."),
        (410, Reason.MODEL_SOURCE_NOT_FOUND, FailureClass.USER, "410: there is no such file."),
        (401, Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH, "401: it does not let us read the f"),
        (403, Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH, "403: it does not let us read the f"),
        (429, Reason.MODEL_SOURCE_UNREACHABLE, FailureClass.NETWORK, "429 (Too Many Requests)."),
        (503, Reason.MODEL_SOURCE_UNREACHABLE, FailureClass.NETWORK, "503 (Service Unavailable)."),
        (
            204,
            Reason.MODEL_SOURCE_UNREACHABLE,
            FailureClass.NETWORK,
            "204 (No Content), which is n",
        ),
    ],
)
def test_each_answer_is_told_with_the_address(
    web: WebServer,
    tmp_path: Path,
    status: int,
    reason: Reason,
    class_: FailureClass,
    message: str,
) -> None:
    web.answers["/m"] = replies(status)
    error = refused(web.url("/m"), tmp_path, web.host)
    assert (error.reason, error.class_) == (reason, class_)
    assert str(error).startswith(f"{web.url('/m')} answers {message}")
    assert error.remedy


PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in to\n your account</title></head></html>"
NOT_PUBLIC = (
    b"\xef\xbb\xbf<?xml version='1.0'?><Error><Code>PublicAccessNotPermitted</Code><Message>Public "
    b"access is not permitted on this storage account.\nRequestId:1</Message></Error>"
)


@pytest.mark.parametrize(
    ("status", "kind", "body", "message"),
    [
        (
            409,
            "application/xml",
            NOT_PUBLIC,
            '409 (Conflict): it refuses to hand out the file ("Public access is not permitted on '
            'this storage account. RequestId:1").',
        ),
        (
            403,
            "application/json; charset=utf-8",
            b'{"error": {"code": 7, "message": "The signature has expired."}}',
            '403: it does not let us read the file ("The signature has expired").',
        ),
        (404, "text/html", PAGE, '404: there is no such file ("Sign in to your account").'),
        (
            503,
            "text/plain",
            b"password=hunter2 is wrong\n\x1b[31m",
            '503 (Service Unavailable) ("password=*** is wrong").',
        ),
        (400, "application/octet-stream", bytes(range(256)), "400 (Bad Request): it refuses to "),
        (400, "application/json", b"[" * 9000, "400 (Bad Request): it refuses to hand out the f"),
        (400, "application/json", b'{"error": 3}', "400 (Bad Request): it refuses to hand out the"),
    ],
)
def test_a_refusal_is_told_in_the_servers_own_words(
    web: WebServer, tmp_path: Path, status: int, kind: str, body: bytes, message: str
) -> None:
    web.answers["/m"] = replies(status, body, Content_Type=kind)
    error = refused(web.url("/m"), tmp_path, web.host)
    assert str(error).startswith(f"{web.url('/m')} answers {message}")
    assert len(str(error)) < 600
    if status in (400, 409):
        assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.USER)


def test_a_refusal_that_does_not_end_is_one_all_the_same(web: WebServer, tmp_path: Path) -> None:
    def short(request: BaseHTTPRequestHandler) -> None:
        request.send_response(404)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"gone")
        request.close_connection = True

    web.answers["/m"] = short
    assert refused(web.url("/m"), tmp_path, web.host).reason is Reason.MODEL_SOURCE_NOT_FOUND


def test_a_web_page_is_no_model(web: WebServer, tmp_path: Path) -> None:
    web.answers["/m.pkl"] = replies(200, PAGE, Content_Type="text/html; charset=utf-8")
    error = refused(web.url("/m.pkl"), tmp_path, web.host)
    assert (error.reason, error.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert str(error) == (
        f'{web.url("/m.pkl")} answers with a web page, "Sign in to your account", and not with a '
        "file: perhaps one to sign in at."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/m.pkl", "text/html", MODEL),  # a server that knows no better type
        ("/m.html", "text/html", PAGE),
        ("/m.pkl", "application/octet-stream", PAGE),
    ],
)
def test_what_may_be_a_model_is_stored_whole(
    web: WebServer, tmp_path: Path, path: str, kind: str, body: bytes
) -> None:
    content = body + bytes(100_000)
    web.answers[path] = replies(200, content, Content_Type=kind)
    assert fetch(web.url(path), tmp_path, web.host) == {path[1:]: digest_of(content)}
    assert (tmp_path / path[1:]).read_bytes() == content


def test_an_address_that_nobody_answers_at_is_unreachable(tmp_path: Path) -> None:
    host = f"127.0.0.1:{free_port()}"
    error = refused(f"http://{host}/m", tmp_path, host)
    assert str(error) == f"http://{host}/m does not answer as it should: Connection refused."
    assert error.retryable


def test_a_name_that_nobody_knows_is_unreachable(tmp_path: Path) -> None:
    error = refused("https://models.invalid/m", tmp_path)
    assert str(error).startswith("https://models.invalid/m does not answer as it should: ")


def test_what_says_itself_that_it_is_too_large_is_not_fetched(
    web: WebServer, tmp_path: Path
) -> None:
    def huge(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(MOST + 1))
        request.end_headers()

    web.answers["/m"] = huge
    error = refused(web.url("/m"), tmp_path, web.host)
    assert error.reason is Reason.MODEL_TOO_LARGE
    assert str(error) == (
        f"{web.url('/m')} is larger than 1,000,000 bytes, which is the limit of this operator."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_stream_without_end_is_cut_at_the_limit(web: WebServer, tmp_path: Path) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        except OSError:
            request.close_connection = True

    web.answers["/m"] = endless
    assert refused(web.url("/m"), tmp_path, web.host).reason is Reason.MODEL_TOO_LARGE
    assert (tmp_path / "m").stat().st_size <= MOST


def test_a_length_that_is_a_lie_makes_no_model(web: WebServer, tmp_path: Path) -> None:
    def short(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(MODEL)
        request.close_connection = True

    web.answers["/m"] = short
    error = refused(web.url("/m"), tmp_path, web.host)
    assert error.reason is Reason.MODEL_SOURCE_UNREACHABLE
    assert error.retryable


def test_a_source_that_is_too_slow_is_left(web: WebServer, tmp_path: Path) -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        try:
            for _ in range(1000):
                request.wfile.write(b"x")
                request.wfile.flush()
                time.sleep(0.02)
        except OSError:
            request.close_connection = True

    web.answers["/m"] = slow
    error = refused(web.url("/m"), tmp_path, web.host, seconds=0.3)
    assert (error.reason, error.retryable) == (Reason.TASK_TIMED_OUT, True)


def test_redirects_are_followed_five_times_and_no_more(web: WebServer, tmp_path: Path) -> None:
    for hop in range(7):
        web.answers[f"/{hop}"] = replies(302, Location=f"/{hop - 1}")
    web.answers["/0"] = replies(200, MODEL)
    assert fetch(web.url("/5"), tmp_path, web.host) == {"5": digest_of(MODEL)}
    error = refused(web.url("/6"), tmp_path, web.host)
    assert str(error) == f"{web.url('/6')} redirects more than 5 times."


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("http://169.254.169.254/latest/meta-data", "which is not protected by TLS."),
        ("https://169.254.169.254/latest", "which is at 169.254.169.254, an address that only"),
        ("https://2852039166/latest", "which is at 169.254.169.254, an address that only"),
        ("https://[::ffff:169.254.169.254]/", "which is at ::ffff:169.254.169.254, an address"),
        ("file:///etc/passwd", "which is not an https:// address."),
        ("gopher://x/", "which is not an https:// address."),
        ("https://u:p@h/", "which carries a user name or password."),
        ("https://[::1", "is no address (Invalid IPv6 URL)."),
    ],
)
def test_a_redirect_to_where_nobody_may_go_is_refused_on_the_way(
    web: WebServer, tmp_path: Path, location: str, message: str
) -> None:
    web.answers["/m"] = replies(302, Location=location)
    error = refused(web.url("/m"), tmp_path, web.host)
    assert error.reason is Reason.MODEL_SOURCE_REFUSED
    assert message in str(error)
    assert web.url("/m") in str(error)


def test_nothing_is_sent_to_an_address_of_this_machine(web: WebServer, tmp_path: Path) -> None:
    """By a name that stands for the loopback; only that web server's own port is allowed."""
    with WebServer().running() as secret:
        port = secret.host.partition(":")[2]
        web.answers["/m"] = replies(302, Location=f"https://localhost:{port}/keys")
        error = refused(web.url("/m"), tmp_path, web.host)
        assert error.reason is Reason.MODEL_SOURCE_REFUSED
        assert secret.requests == []


def test_http_is_refused_where_the_settings_do_not_name_the_host(
    web: WebServer, tmp_path: Path
) -> None:
    error = refused(web.url("/m"), tmp_path)
    assert str(error) == f"{web.url('/m')} is not protected by TLS."
    assert error.remedy == (
        "Use https. If the host is inside your network, ask whoever runs Fairlead."
    )
    assert web.requests == []


def test_a_certificate_counts_only_if_somebody_we_trust_has_signed_it(tmp_path: Path) -> None:
    certificate, key = certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = WebServer(context)
    server.answers["/m"] = replies(200, MODEL)
    into = tmp_path / "into"
    into.mkdir()
    with server.running():
        host = server.host.replace("127.0.0.1", "localhost")
        error = refused(f"https://{host}/m", into, host)
        assert "its certificate is not trusted" in str(error)
        assert fetch(f"https://{host}/m", into, host, ca_bundle=certificate) == {
            "m": digest_of(MODEL)
        }


def certified(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A certificate for a name that nobody has signed but itself, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
