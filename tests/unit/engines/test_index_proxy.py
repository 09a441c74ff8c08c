"""Indexes that want credentials: a real pip is let read one, and sees none of the credentials."""

import hashlib
import http.client
import io
import subprocess
import sys
import threading
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fairlead.connection import trust
from fairlead.engines import index_proxy as proxy_module
from fairlead.engines.index_addresses import IndexAddresses
from fairlead.engines.index_page import FileLink
from fairlead.engines.index_proxy import Headers, IndexAccess, index_proxy
from fairlead.registry.addresses import NamedHosts

PASSWORD = "hunter2"
BASIC = f"Basic {b64encode(f'me:{PASSWORD}'.encode()).decode()}"
PIP_TIMEOUT_S = 300


def wheel(name: str) -> bytes:
    content = io.BytesIO()
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{name}.py", "x = 1\n")
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return content.getvalue()


WHEEL = wheel("private_thing")


@dataclass
class Index:
    """A private index: what it answers to each path, and what it was asked for with which words."""

    answers: dict[str, tuple[int, bytes | str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    port: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def simple(self) -> str:
        return f"http://{self.host}/simple/"

    def headers(self, address: str) -> Headers:
        return {"Authorization": BASIC} if urlsplit(address).netloc == self.host else {}

    def access(self, *others: str) -> IndexAccess:
        named = NamedHosts.insecurely([self.host, *others])
        return IndexAccess(trust(None), named, self.headers)


@contextmanager
def served() -> Iterator[Index]:
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            words = self.headers.get("Authorization", "")
            index.asked.append((self.path, words))
            status, said = index.answers.get(self.path, (404, b""))
            if words != BASIC and self.path not in index.open:
                status, said = 401, b"who are you?"
            content = said if isinstance(said, bytes) else b""
            self.send_response(status)
            if isinstance(said, str):
                self.send_header("Location", said)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def index() -> Iterator[Index]:
    with served() as found:
        digest = hashlib.sha256(WHEEL).hexdigest()
        page = f'<a href="../../files/private_thing-1.0-py3-none-any.whl#sha256={digest}">x</a>'
        found.answers["/simple/private-thing/"] = (200, page.encode())
        found.answers["/files/private_thing-1.0-py3-none-any.whl"] = (200, WHEEL)
        yield found


def got(addresses: IndexAddresses, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(urlsplit(addresses.begin).netloc, timeout=300)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.reason, answer.read()


def pip(addresses: IndexAddresses, index: Index, folder: Path, *more: str) -> str:
    """What pip prints, as the user reads it."""
    command = [sys.executable, "-m", "pip", "download", "--no-cache-dir", "--no-input", *more]
    command += ["--disable-pip-version-check", "--dest", str(folder), "--no-deps"]
    command += ["--index-url", addresses.given(index.simple), "private-thing"]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PIP_TIMEOUT_S,
        check=False,
        env={"PATH": "/usr/bin", "HOME": str(folder), "PIP_CONFIG_FILE": "/dev/null"},
    )
    assert PASSWORD not in done.stdout
    assert BASIC not in done.stdout
    return "\n".join(map(addresses.shown, done.stdout.splitlines()))


def test_pip_reads_an_index_that_wants_credentials(index: Index, tmp_path: Path) -> None:
    with index_proxy(index.access(), [index.simple, "https://pypi.org/simple"], []) as addresses:
        said = pip(addresses, index, tmp_path)
        assert addresses.given("https://pypi.org/simple") == "https://pypi.org/simple"
    assert (tmp_path / "private_thing-1.0-py3-none-any.whl").read_bytes() == WHEEL
    assert f"Looking in indexes: {index.simple.rstrip('/')}" in said
    assert addresses.begin not in said
    assert {words for _, words in index.asked} == {BASIC}


@pytest.mark.parametrize("status", [401, 403])
def test_an_index_that_does_not_let_us_read_it_says_so_to_pip(
    status: int, index: Index, tmp_path: Path
) -> None:
    index.answers["/simple/private-thing/"] = (status, b"no")
    with index_proxy(index.access(), [index.simple], []) as addresses:
        said = pip(addresses, index, tmp_path, "-vv", "--retries", "0")
    assert f"Could not fetch URL {index.simple}private-thing/: {status} Client Error: " in said


def test_an_index_that_is_not_there_says_so_to_pip(tmp_path: Path) -> None:
    with served() as gone:
        pass
    with index_proxy(gone.access(), [gone.simple], []) as addresses:
        said = pip(addresses, gone, tmp_path, "-vv", "--retries", "0")
    assert "504 Server Error: it does not answer (Connection refused)" in said


def test_pages_with_links_are_read_with_credentials_too(index: Index) -> None:
    page = f"http://{index.host}/wheels.html"
    index.answers["/wheels.html"] = (200, b'<base href="/files/"><a href="a-1.zip">a</a>')
    with index_proxy(index.access(), [], [page, "https://other.example/x"]) as addresses:
        assert addresses.known == [page]
        status, _, content = got(addresses, "/links/0/")
    assert status == 200
    assert addresses.file(content.decode().split('"')[1]) == f"http://{index.host}/files/a-1.zip"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/index/0/",
        "/index/1/private-thing/",
        "/index/0/../../files/x/",
        "/index/0/a%2f..%2fb/",
        "/index/0/private-thing/?x=1",
        "/links/0/",
        "/file/aHR0cDovL2E=.{mark}/a-1.whl",
        "/file/{packed}.{other}/private_thing-1.0-py3-none-any.whl",
    ],
)
def test_nothing_else_can_be_asked_for(path: str, index: Index) -> None:
    with index_proxy(index.access(), [index.simple], []) as addresses:
        page = got(addresses, "/index/0/private-thing/")[2].decode()
        packed, _, mark = page.split("/file/")[1].split("/")[0].partition(".")
        asked = path.format(packed=packed, mark=mark, other=mark[::-1])
        before = len(index.asked)
        assert got(addresses, asked)[0] == 404
        assert got(addresses, "/index/0/private-thing/", "POST")[0] == 501
    assert len(index.asked) == before


def test_credentials_do_not_go_along_to_another_host(index: Index) -> None:
    with served() as other:
        other.open.add("/a-1.whl")
        other.answers["/a-1.whl"] = (200, b"content")
        index.answers["/simple/a/"] = (200, b'<a href="/moved/a-1.whl">a</a>')
        index.answers["/moved/a-1.whl"] = (302, f"http://{other.host}/a-1.whl")
        with index_proxy(index.access(other.host), [index.simple], []) as addresses:
            page = got(addresses, "/index/0/a/")[2].decode()
            assert got(addresses, page.split('"')[1])[2] == b"content"
        assert other.asked == [("/a-1.whl", "")]
        assert index.asked[-1] == ("/moved/a-1.whl", BASIC)


def test_a_stranger_leads_no_request_that_has_credentials(index: Index) -> None:
    with served() as other:
        other.open |= {"/a-1.whl", "/simple/b/"}
        other.answers["/a-1.whl"] = (302, f"http://{index.host}/secret")
        files = f'<a href="http://{index.host}/secret/b-1.zip">b</a><a href="/b-2.zip">b</a>'
        other.answers["/simple/b/"] = (200, files.encode())
        index.answers["/secret"] = (200, b"of the user")
        page = f'<a href="http://{other.host}/a-1.whl">a</a>'
        index.answers["/simple/a/"] = (200, page.encode())
        index.answers["/simple/b/"] = (302, f"http://{other.host}/simple/b/")
        with index_proxy(index.access(other.host), [index.simple], []) as addresses:
            link = got(addresses, "/index/0/a/")[2].decode().split('"')[1]
            assert got(addresses, link)[0] == 401
            named = got(addresses, "/index/0/b/")[2].decode()
        assert index.asked[1] == ("/secret", "")
        assert ("b-1.zip" in named, "b-2.zip" in named) == (False, True)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (
            (302, "http://169.254.169.254/latest"),
            504,
            "it leads to 169.254.169.254:80, which is not protected",
        ),
        (
            (302, "https://169.254.169.254/latest"),
            504,
            "it leads to 169.254.169.254:443, which is at 169.254",
        ),
        ((302, "https://me:you@example.com/"), 504, "it leads to what is no address"),
        ((302, "http://[/"), 504, "it leads to what is no address"),
        ((302, "/simple/a/"), 504, "it leads from one address to another"),
        ((204, b""), 504, "it answers 204"),
        ((503, b"later"), 503, "Service Unavailable"),
        ((404, b""), 404, "Not Found"),
        ((200, b"x" * 2000), 504, "its page is longer than 1,000 bytes"),
        ((200, b"<!--" * 200), 504, "its page is no HTML"),
        ((200, b'<a href="a-1.zip">' * 4), 504, "its page names more files than are read"),
    ],
)
def test_what_an_index_sends_in_the_place_of_a_page_is_told(
    answer: tuple[int, bytes | str],
    status: int,
    said: str,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proxy_module, "MAX_PAGE_BYTES", 1000)
    monkeypatch.setattr("fairlead.engines.index_page.MAX_FILES", 3)
    monkeypatch.setattr("fairlead.engines.index_page.MAX_OPEN_CHARS", 500)
    index.answers["/simple/a/"] = answer
    with index_proxy(index.access(), [index.simple], []) as addresses:
        found = got(addresses, "/index/0/a/")
    assert found[0] == status
    assert found[1].startswith(said)


def test_what_is_told_fits_into_one_line_of_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "it says \u20ac\r\nSet-Cookie: a=b\n"
    monkeypatch.setattr(proxy_module, "why", lambda _: said)
    with served() as gone:
        pass
    with index_proxy(gone.access(), [gone.simple], []) as addresses:
        status, reason, _ = got(addresses, "/index/0/a/")
    assert (status, reason) == (504, "it does not answer (it says ? Set-Cookie: a=b )")


def test_where_no_credentials_are_sent_nothing_listens(index: Index) -> None:
    with index_proxy(index.access(), ["https://pypi.org/simple"], ["https://a/b"]) as addresses:
        assert addresses.begin == ""
        assert addresses.known == []
        assert addresses.shown("a line") == "a line"


@pytest.mark.parametrize("kept", [True, False])
def test_a_line_is_shown_with_the_addresses_that_the_user_knows(*, kept: bool) -> None:
    begin = "http://127.0.0.1:1234"
    addresses = IndexAddresses(begin, ["https://a.example/simple/"], ["https://b.example/x.html"])
    file = addresses.of_file(FileLink("b.zip", "https://a/b.zip?signature=1"))
    lines = {
        f"at {begin}/index/0/numpy/: 403": "at https://a.example/simple/numpy/: 403",
        f"at {begin}/links/0/, {begin}/index/0": (
            "at https://b.example/x.html/, https://a.example/simple"
        ),
        f"{begin}{file} (1 kB)": "https://a/b.zip (1 kB)",
        f"Retrying after ReadTimeoutError('timed out'): {file}": (
            "Retrying after ReadTimeoutError('timed out'): https://a/b.zip"
        ),
        f"(Caused by 'no answer of {file}')": "(Caused by 'no answer of https://a/b.zip')",
    }
    if kept:  # whatever foreign code prints
        lines = {
            line: line
            for line in (
                f"{begin}/index/7/x",
                f"{begin}/links/00001/",
                f"{begin}/file/____.{'0' * 64}/x",
                f"{begin}/file/aHR0cHM6Ly9hL2IuemlwP3M9MQ==.{'0' * 64}/b.zip",
                f"{begin}/file/abc/x",
            )
        }
    assert {line: addresses.shown(line) for line in lines} == lines
