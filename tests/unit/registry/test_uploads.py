"""A blob on its way up that is cut: gone on with where the registry is, or begun anew."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import httpx
import pytest

from fairlead.registry import transport, uploads
from fairlead.registry.client import Registry
from fairlead.registry.errors import (
    RegistryDeniedError,
    RegistryFaultError,
    RegistryUnreachableError,
)
from fairlead.registry.oci import digest_of
from fairlead.registry.reference import Repository
from fairlead.registry.uploads import Repeated
from fairlead.settings import Settings

HERE, THERE = Repository("r.example.com", "team/x"), Repository("other.example.com", "team/y")
CONTENT = random.Random(7).randbytes(1000)
DIGEST = digest_of(CONTENT)
CHUNK = 100
Refuses = Callable[[httpx.Request], httpx.Response | None]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PAUSES_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(uploads, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(transport, "RETRY_DELAYS_S", ())


def answer(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


def error(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code}]}).encode()


@dataclass
class FakeRegistry(httpx.BaseTransport):
    """Keeps uploads as the protocol says. ``cuts``: after how many bytes of each PATCH, in turn,
    the connection breaks; ``forgets``: a cut upload is gone, as in CNCF distribution."""

    cuts: list[int | None] = field(default_factory=list)
    forgets: bool = False
    told: Callable[[int], str] = lambda size: f"0-{size - 1}" if size else "0-0"
    refused: dict[str, Refuses] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        refuses = self.refused.get(request.method)
        refused = refuses(request) if refuses else None
        if refused is not None:
            return refused
        methods = {
            "POST": self._post,
            "PATCH": self._patch,
            "GET": self._get,
            "PUT": self._put,
            "HEAD": self._head,
        }
        return methods[request.method](request)

    def _post(self, _: httpx.Request) -> httpx.Response:
        name = str(len(self.asked))
        self.uploads[name] = bytearray()
        return self._accepted(name)

    def _patch(self, request: httpx.Request) -> httpx.Response:
        name, told = request.url.path.rpartition("/")[2], request.headers.get("content-range")
        has = self.uploads[name]
        if told is not None:
            self.ranges.append(told)
            if int(told.partition("-")[0]) != len(has):
                return answer(416)
        cut = self.cuts.pop(0) if self.cuts else None
        assert isinstance(request.stream, httpx.SyncByteStream)
        for piece in request.stream:
            for byte in piece:
                if cut is not None and cut <= 0:
                    if self.forgets:
                        del self.uploads[name]
                    raise httpx.WriteError("Broken pipe")
                has.append(byte)
                cut = None if cut is None else cut - 1
        return self._accepted(name)

    def _get(self, request: httpx.Request) -> httpx.Response:
        if "/blobs/sha256:" in request.url.path:
            start = int(request.headers.get("range", "bytes=0-")[6:-1])
            said = {"Content-Range": f"bytes {start}-999/1000"} if start else {}
            content = self.blobs[request.url.path.rpartition("/")[2]][start:]
            return answer(206 if start else 200, content, said)
        name = request.url.path.rpartition("/")[2]
        if name not in self.uploads:
            return answer(404, error("BLOB_UPLOAD_UNKNOWN"))
        return answer(204, headers={"Range": self.told(len(self.uploads[name]))})

    def _put(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        content = bytes(self.uploads.pop(name, b""))
        if digest_of(content) != request.url.params["digest"]:
            return answer(400, error("DIGEST_INVALID"))
        self.blobs[digest_of(content)] = content
        return answer(201)

    def _head(self, request: httpx.Request) -> httpx.Response:
        there = request.url.path.rpartition("/")[2] in self.blobs
        return answer(200 if there else 404)

    def _accepted(self, name: str) -> httpx.Response:
        location = {"Location": f"/v2/team/x/blobs/uploads/{name}"}
        return answer(202, headers={**location, **self.headers})


def pieces(content: bytes = CONTENT) -> Repeated:
    return Repeated(lambda: (content[at : at + 7] for at in range(0, len(content), 7)))


def upload(server: FakeRegistry, content: object = None) -> tuple[str, int]:
    with Registry(Settings(), server) as registry:
        return registry.upload(HERE, content or pieces())  # type: ignore[arg-type]


def test_a_connection_that_is_not_cut_takes_it_in_one_request() -> None:
    server = FakeRegistry()
    assert upload(server) == (DIGEST, 1000)
    assert server.asked == ["POST", "PATCH", "PUT"]


@pytest.mark.parametrize("cut", [2, 3, 333, 999, 1000])
def test_it_goes_on_where_the_registry_is(cut: int) -> None:
    server = FakeRegistry([cut])
    # At 1000 bytes, nothing is left to send: what breaks is the answer.
    if cut == 1000:
        server.refused["PATCH"] = _lose_the_answer(server)
    assert upload(server) == (DIGEST, 1000)
    assert server.blobs[DIGEST] == CONTENT
    assert server.asked[:3] == ["POST", "PATCH", "GET"]
    if cut < 1000:
        assert server.ranges[0] == f"{cut}-{min(cut + CHUNK, 1000) - 1}"


def _lose_the_answer(server: FakeRegistry) -> Refuses:
    def lose(request: httpx.Request) -> None:
        if server.asked.count("PATCH") == 1:
            server.cuts = []
            server._patch(request)
            raise httpx.ReadError("Connection reset by peer")

    return lose


@pytest.mark.parametrize("cut", [0, 1])
def test_a_range_that_may_mean_nothing_begins_anew(cut: int) -> None:
    """``0-0`` is what registries say of an empty upload, and of one byte."""
    server = FakeRegistry([cut])
    assert upload(server) == (DIGEST, 1000)
    assert server.asked[:4] == ["POST", "PATCH", "GET", "POST"]


def test_chunks_that_are_cut_are_gone_on_with_too() -> None:
    server = FakeRegistry([500, 50, None, 20, 0, 99])
    assert upload(server) == (DIGEST, 1000)
    assert server.blobs[DIGEST] == CONTENT


def test_an_upload_that_the_registry_forgot_begins_anew() -> None:
    server = FakeRegistry([500, 700, None], forgets=True)
    assert upload(server) == (DIGEST, 1000)
    assert server.asked[:4] == ["POST", "PATCH", "GET", "POST"]


def test_the_chunk_that_the_registry_wants_is_sent_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = FakeRegistry([100], headers={"OCI-Chunk-Min-Length": "400"})
    upload(server)
    assert server.ranges == ["100-499", "500-899", "900-999"]
    monkeypatch.setattr(uploads, "MAX_CHUNK_BYTES", 600)
    server = FakeRegistry([100], headers={"OCI-Chunk-Min-Length": "99999999999"})
    upload(server)
    assert server.ranges == ["100-699", "700-999"]


@pytest.mark.parametrize("said", ["", "-1", "1e9", "9" * 5000])
def test_a_chunk_length_that_is_none_changes_nothing(said: str) -> None:
    server = FakeRegistry([900], headers={"OCI-Chunk-Min-Length": said})
    upload(server)
    assert server.ranges == ["900-999"]


def test_without_progress_it_is_given_up_soon() -> None:
    server = FakeRegistry([300, *([0] * 100)])
    with pytest.raises(RegistryUnreachableError, match="Broken pipe"):
        upload(server)
    assert server.asked.count("PATCH") == 1 + 1 + len(uploads.PAUSES_S)


def test_with_a_byte_of_progress_each_time_it_is_given_up_too() -> None:
    server = FakeRegistry([300, *([1] * 500)])
    with pytest.raises(RegistryUnreachableError, match="Broken pipe"):
        upload(server)
    assert server.asked.count("PATCH") == 1 + uploads.MAX_TRIES


@pytest.mark.parametrize("told", ["0-1000", "0-999999", f"0-{10**18 - 1}"])
def test_a_registry_that_has_more_than_was_sent_is_a_fault(told: str) -> None:
    server = FakeRegistry([500], told=lambda _: told)
    with pytest.raises(RegistryFaultError, match=r"has .* bytes of 50\d that were sent"):
        upload(server)


@pytest.mark.parametrize("told", ["", "5-9", "0-", "0-x", "bytes 0-9", f"0-{'9' * 5000}"])
def test_a_range_that_is_none_begins_anew(told: str) -> None:
    server = FakeRegistry([500], told=lambda _: told)
    assert upload(server) == (DIGEST, 1000)
    assert server.asked.count("POST") == 2


def test_a_registry_that_says_less_than_it_has_is_found_out_by_its_own_answer() -> None:
    server = FakeRegistry([500], told=lambda size: f"0-{size - 11}")
    with pytest.raises(RegistryFaultError, match="416"):
        upload(server)
    assert not server.blobs


def test_what_can_be_read_once_is_not_sent_again() -> None:
    server = FakeRegistry([500])
    with pytest.raises(RegistryUnreachableError, match="Broken pipe"):
        upload(server, iter([CONTENT]))
    assert server.asked == ["POST", "PATCH"]


def test_a_file_that_changed_meanwhile_is_refused_by_its_digest() -> None:
    contents: Iterator[bytes] = iter([CONTENT, b"y" * 1000])
    server = FakeRegistry([500])
    with pytest.raises(RegistryFaultError, match="DIGEST_INVALID"):
        upload(server, Repeated(lambda: [next(contents)]))
    assert not server.blobs


def test_a_token_that_ended_while_the_layer_was_sent_is_renewed() -> None:
    """The registry takes the layer, and refuses it at its end."""
    refusals = iter([answer(401), None, None])
    server = FakeRegistry()
    server.refused["PATCH"] = lambda _: next(refusals, None)
    assert upload(server) == (DIGEST, 1000)


def test_who_is_refused_twice_is_told() -> None:
    server = FakeRegistry()
    server.refused["PATCH"] = lambda _: answer(403)
    with pytest.raises(RegistryDeniedError):
        upload(server)
    assert server.asked == ["POST", "PATCH", "GET", "POST", "PATCH"]


@pytest.mark.parametrize("there", [True, False])
def test_an_end_whose_answer_is_lost_is_looked_at_again(*, there: bool) -> None:
    server = FakeRegistry()

    def lose(request: httpx.Request) -> None:
        if server.asked.count("PUT") == 1:
            if there:
                server._put(request)
            raise httpx.ReadTimeout("timed out")

    server.refused["PUT"] = lose
    assert upload(server) == (DIGEST, 1000)
    assert server.blobs[DIGEST] == CONTENT


def test_an_end_that_never_comes_is_unreachable() -> None:
    server = FakeRegistry()
    server.refused["PUT"] = lambda _: answer(502)
    with pytest.raises(RegistryUnreachableError, match="502"):
        upload(server)
    assert server.asked.count("PUT") == 1 + len(uploads.PAUSES_S)


def test_a_copy_goes_on_by_a_range_of_its_source() -> None:
    server = FakeRegistry([300], blobs={DIGEST: CONTENT})
    server.refused["HEAD"] = lambda _: answer(404)
    with Registry(Settings(), server) as registry:
        assert registry.copy_blob(THERE, HERE, DIGEST) == "copied"
    assert server.ranges[0] == "300-399"


def test_a_copy_of_what_its_source_changed_is_refused() -> None:
    server = FakeRegistry(blobs={DIGEST: CONTENT[::-1]})
    server.refused["HEAD"] = lambda _: answer(404)
    with (
        Registry(Settings(), server) as registry,
        pytest.raises(RegistryFaultError, match="was changed"),
    ):
        registry.copy_blob(THERE, HERE, DIGEST)
    assert "PUT" not in server.asked


def test_where_an_upload_leads_elsewhere_no_credentials_go() -> None:
    """Neither with the bytes, nor with the question how many there are."""
    seen = []

    def noted(request: httpx.Request) -> None:
        seen.append((request.method, request.url.host, request.headers.get("authorization")))

    server = FakeRegistry([500])
    server.refused |= dict.fromkeys(("PATCH", "GET", "PUT"), noted)
    server._accepted = lambda name: answer(  # type: ignore[method-assign]
        202, headers={"Location": f"https://elsewhere.example.com/u/{name}"}
    )
    assert upload(server) == (DIGEST, 1000)
    assert {host for _, host, _ in seen} == {"elsewhere.example.com"}
    assert {shown for *_, shown in seen} == {None}
