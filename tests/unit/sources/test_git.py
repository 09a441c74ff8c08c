"""git against a real server of git's: plain files of one commit come out, or a refusal."""

import hashlib
import random
import struct
import time
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dulwich.errors import ApplyDeltaError
from dulwich.object_format import SHA1
from dulwich.objects import Blob, Tree
from dulwich.repo import Repo

from fairlead.api.code_source import GitSource
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import trust
from fairlead.registry.addresses import NamedHosts
from fairlead.sources import git_http, git_pack
from fairlead.sources.base import Digests, Limits, Meter, SourceError
from fairlead.sources.git import GitFolder
from tests.integration.registry.server import WebServer, replies
from tests.integration.sources.fetching import contents
from tests.unit.sources.git_server import GitServer

FILES = {"score.py": b"def init(): ...\n", "src/lib/a.py": b"A = 1\n", "data/w.bin": b"\x00\xff"}
LINK = 0o120000


@pytest.fixture
def server(web: WebServer, tmp_path: Path) -> GitServer:
    return GitServer(web, tmp_path / "server")


class Fetched:
    """One fetch into a folder of its own."""

    def __init__(self, server: GitServer, folder: Path, ref: str = "", **more: Any) -> None:
        self.into = folder / f"fetched-{time.monotonic_ns()}" / "files"
        self.into.mkdir(parents=True)
        usual: dict[str, Any] = {"url": server.url, "path": "", "secret": None, "most": 1_000_000}
        usual |= {"files": 100, "seconds": 120.0, **more}
        named = NamedHosts.insecurely((server.web.host,))
        self.source = GitFolder(
            usual["url"], ref, usual["path"], usual["secret"], trust(None), named
        )
        self.limits = Limits(usual["most"], usual["files"], time.monotonic() + usual["seconds"])

    def files(self) -> dict[str, bytes]:
        digests: Digests = self.source.fetch(self.into, self.limits)
        found = contents(self.into)
        assert found.keys() == digests.keys()
        return found

    def refusal(self) -> SourceError:
        with pytest.raises(SourceError) as told:
            self.source.fetch(self.into, self.limits)
        return told.value


def test_a_branch_a_tag_a_commit_and_the_default(server: GitServer, tmp_path: Path) -> None:
    first = server.commit(FILES)
    server.tag("light")
    server.tag("heavy", "--annotate", "--message", "one")
    server.git("tag", "--annotate", "--message", "two", "heavier", "heavy")
    server.git("push", "--quiet", "origin", "heavier")
    second = server.commit({**FILES, "score.py": b"new"})
    other = server.commit({"only.py": b"x"}, branch="feature/x")
    for ref, commit, script in (
        ("", second, b"new"),
        ("main", second, b"new"),
        ("refs/heads/main", second, b"new"),
        ("light", first, FILES["score.py"]),
        ("heavy", first, FILES["score.py"]),
        ("heavier", first, FILES["score.py"]),
        (first, first, FILES["score.py"]),
        ("feature/x", other, b"new"),
    ):
        fetched = Fetched(server, tmp_path, ref)
        assert fetched.files()["score.py"] == script, ref
        assert fetched.source.origin == f"{server.url}@{commit}"
    assert Fetched(server, tmp_path, first).files() == FILES


def test_a_tag_may_lead_to_a_tag_but_not_for_ever(server: GitServer, tmp_path: Path) -> None:
    server.commit(FILES)
    for number in range(git_pack.MAX_TAGS + 1):
        before = f"t{number - 1}" if number else "HEAD"
        server.git("tag", "--annotate", "--message", "x", f"t{number}", before)
    server.git("push", "--quiet", "--tags", "origin")
    assert Fetched(server, tmp_path, f"t{git_pack.MAX_TAGS - 2}").files() == FILES
    told = Fetched(server, tmp_path, f"t{git_pack.MAX_TAGS}").refusal()
    assert told.reason is Reason.MODEL_SOURCE_REFUSED
    assert "leads to no commit" in str(told)


def test_a_branch_goes_before_a_tag_of_its_name(server: GitServer, tmp_path: Path) -> None:
    server.commit(FILES)
    server.git("tag", "release")
    server.git("push", "--quiet", "origin", "refs/tags/release")
    wanted = server.commit({"score.py": b"branch"}, branch="release-branch")
    server.git("push", "--quiet", "origin", "HEAD:refs/heads/release")
    assert Fetched(server, tmp_path, "release").files()["score.py"] == b"branch"
    assert wanted


def test_a_sub_folder_is_the_source(server: GitServer, tmp_path: Path) -> None:
    server.commit(FILES)
    assert Fetched(server, tmp_path, path="src/lib").files() == {"a.py": b"A = 1\n"}
    for path in ("src/none", "score.py", "src/lib/a.py"):
        told = Fetched(server, tmp_path, path=path).refusal()
        assert told.reason is Reason.SOURCE_REF_NOT_FOUND
        assert f"has no folder {path}" in str(told)
        assert told.retryable


def test_programs_stay_programs_and_submodules_are_left_out(
    server: GitServer, tmp_path: Path
) -> None:
    commit = server.commit(FILES)
    server.git("update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/other")
    server.git("update-index", "--chmod=+x", "score.py")
    server.git("commit", "--quiet", "--message", "x")
    server.git("push", "--quiet", "origin", "main")
    fetched = Fetched(server, tmp_path)
    assert fetched.files() == FILES
    assert fetched.source.left_out == ["vendor/other"]
    assert "without what its submodules hold: vendor/other" in fetched.source.origin
    assert (fetched.into / "score.py").stat().st_mode & 0o111
    assert not (fetched.into / "data/w.bin").stat().st_mode & 0o111


@pytest.mark.parametrize("ref", ["nothing", "f" * 40, "v1.0"])
def test_what_is_not_there_is_said(server: GitServer, tmp_path: Path, ref: str) -> None:
    server.commit(FILES)
    told = Fetched(server, tmp_path, ref).refusal()
    assert told.reason is Reason.SOURCE_REF_NOT_FOUND
    assert ref in str(told)
    assert told.retryable


def test_an_empty_repository_has_no_branch(server: GitServer, tmp_path: Path) -> None:
    told = Fetched(server, tmp_path).refusal()
    assert told.reason is Reason.SOURCE_REF_NOT_FOUND
    assert "has no default branch" in str(told)


def secret(folder: Path, **keys: str) -> Path:
    folder.mkdir()
    for name, value in keys.items():
        (folder / name).write_text(f"{value}\n")
    return folder


def test_a_token_opens_a_repository_and_is_shown_to_its_server_alone(
    server: GitServer, tmp_path: Path
) -> None:
    server.commit(FILES)
    server.wanted = "Basic eC1hY2Nlc3MtdG9rZW46dG9r"  # x-access-token:tok
    host = server.web.host
    nobody = Fetched(server, tmp_path).refusal()
    assert (nobody.reason, nobody.class_) == (Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH)
    assert "spec.credentialsSecretRef" in nobody.remedy
    good = secret(tmp_path / "good", host=host, token="tok")
    assert Fetched(server, tmp_path, secret=good).files() == FILES
    wrong = secret(tmp_path / "wrong", host=host, username="u", password="p")
    assert Fetched(server, tmp_path, secret=wrong).refusal().reason is Reason.MODEL_SOURCE_DENIED
    assert "tok" not in str(nobody)
    with WebServer().running() as elsewhere:
        server.headers.clear()
        elsewhere.otherwise = server.answer
        other = elsewhere.url("/team/credit.git")
        told = Fetched(server, tmp_path, url=other, secret=good).refusal()
    assert told.reason is Reason.CREDENTIALS_INVALID
    assert "does not name the server" in str(told)
    assert server.headers == []


@pytest.mark.parametrize("keys", [{}, {"host": "x"}, {"token": "t"}, {"username": "u"}])
def test_a_secret_that_does_not_say_enough_is_refused(
    server: GitServer, tmp_path: Path, keys: dict[str, str]
) -> None:
    folder = secret(tmp_path / "secret", **keys)
    told = Fetched(server, tmp_path, secret=folder).refusal()
    assert told.reason is Reason.CREDENTIALS_INVALID
    assert server.headers == []


def test_credentials_do_not_go_along_with_a_redirect(server: GitServer, tmp_path: Path) -> None:
    server.commit(FILES)
    with WebServer().running() as first:
        leads = f"{server.url}/info/refs?service=git-upload-pack"
        first.answers["/moved.git/info/refs"] = replies(301, Location=leads)
        folder = secret(tmp_path / "secret", host=first.host, token="tok")
        fetched = Fetched(server, tmp_path, url=first.url("/moved.git"), secret=folder)
        both = NamedHosts.insecurely((server.web.host, first.host))
        fetched.source.named = both
        assert fetched.files() == FILES
    assert server.headers
    assert not [headers for headers in server.headers if "Authorization" in headers]


def test_an_address_that_is_none_is_to_be_corrected_where_it_stands(
    server: GitServer, tmp_path: Path
) -> None:
    told = Fetched(server, tmp_path, url="https://git.example.com:99999/a/b.git").refusal()
    assert told.reason is Reason.MODEL_SOURCE_REFUSED
    assert told.remedy == "Correct spec.source.git.url."


def test_where_a_redirect_leads_is_looked_at(server: GitServer, tmp_path: Path) -> None:
    metadata = "http://169.254.169.254/info/refs?service=git-upload-pack"
    server.web.answers["/team/credit.git/info/refs"] = replies(302, Location=metadata)
    told = Fetched(server, tmp_path).refusal()
    assert told.reason is Reason.MODEL_SOURCE_REFUSED
    assert "169.254.169.254" in str(told)


def test_a_link_within_is_its_file_and_one_that_leads_out_is_refused(
    server: GitServer, tmp_path: Path
) -> None:
    server.strange({b"score.py": (0o100644, b"x"), b"main.py": (LINK, b"./score.py")})
    assert Fetched(server, tmp_path).files() == {"score.py": b"x", "main.py": b"x"}
    for target in (b"/etc/passwd", b"../../../etc/passwd", b"none.py", b"main.py", b"\xff"):
        server.strange({b"score.py": (0o100644, b"x"), b"main.py": (LINK, target)})
        told = Fetched(server, tmp_path).refusal()
        assert told.reason is Reason.MODEL_SOURCE_REFUSED
        assert "main.py is a link to" in str(told)


@pytest.mark.parametrize("name", [b"..", b"a\\b", b"C:x", b"bad\x1bname", b"n\xff", b"x" * 256])
def test_names_that_are_none_are_refused(server: GitServer, tmp_path: Path, name: bytes) -> None:
    server.strange({name: (0o100644, b"x")})
    told = Fetched(server, tmp_path).refusal()
    assert told.reason is Reason.MODEL_SOURCE_REFUSED
    assert str(told).isprintable()


def test_names_that_differ_in_case_are_two_files_and_git_folders_are_files(
    server: GitServer, tmp_path: Path
) -> None:
    names = (b"Score.py", b"score.py", b".GIT", b".git")
    server.strange({name: (0o100644, name) for name in names})
    assert Fetched(server, tmp_path).files() == {name.decode(): name for name in names}


def test_a_few_folders_that_stand_for_a_million_are_counted(
    server: GitServer, tmp_path: Path
) -> None:
    with Repo(str(server.bare)) as repository:
        blob = Blob.from_string(b"x")
        repository.object_store.add_object(blob)
        tree = Tree()
        tree.add(b"f", 0o100644, blob.id)
        for _ in range(10):
            repository.object_store.add_object(tree)
            above = Tree()
            for name in range(10):
                above.add(f"d{name}".encode(), 0o040000, tree.id)
            tree = above
        server.head(repository, tree)
    told = Fetched(server, tmp_path, files=500).refusal()
    assert told.reason is Reason.MODEL_TOO_LARGE
    assert "more than 500 files" in str(told)


def test_it_may_be_too_large(server: GitServer, tmp_path: Path) -> None:
    server.commit({"score.py": b"x", "zeros.bin": bytes(3_000_000)})
    told = Fetched(server, tmp_path).refusal()  # a few kB on the way
    assert told.reason is Reason.MODEL_TOO_LARGE
    assert Fetched(server, tmp_path, most=100).refusal().reason is Reason.MODEL_TOO_LARGE


def test_too_many_objects_are_refused_before_they_are_looked_at(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.commit(FILES)
    monkeypatch.setattr(git_pack, "MAX_OBJECTS", 5)
    told = Fetched(server, tmp_path).refusal()
    assert told.reason is Reason.MODEL_TOO_LARGE
    assert "sends 8 objects" in str(told)


def test_a_file_that_fits_into_no_memory_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 256 * 1024 * 1024
    head = bytes([0xB0, *((size >> shift) & 0x7F | 0x80 for shift in (4, 11, 18)), size >> 25])
    blob = head + zlib.compress(bytes(size), level=1)
    body = git_pack.HEADER.pack(b"PACK", 2, 1) + blob
    (tmp_path / "pack.pack").write_bytes(body + hashlib.sha1(body).digest())
    monkeypatch.setattr(git_pack, "SPARE_BYTES", size // 4)
    with git_pack.bounded_memory(0), pytest.raises(SourceError, match="does not fit") as told:
        git_pack.Objects(tmp_path, "it", SHA1, Limits(size, 100, time.monotonic() + 1000))
    assert told.value.reason is Reason.MODEL_TOO_LARGE
    assert len(bytearray(size)) == size  # the bound is gone again


def number(value: int) -> bytes:
    """As a delta has it: seven bits a byte."""
    return bytes([value & 0x7F | 0x80, *number(value >> 7)]) if value > 0x7F else bytes([value])


def pack_of_deltas(folder: Path, size: int, count: int) -> None:
    """Of one blob of zeros, and so many others that are the same but for their end."""
    wanted, head = size >> 4, []
    while wanted:
        head.append(wanted & 0x7F | (0x80 if wanted > 0x7F else 0))
        wanted >>= 7
    packed = bytes([0xB0 | size & 0xF, *head]) + zlib.compress(bytes(size))
    base = hashlib.sha1(b"blob %d\0" % size + bytes(size)).digest()
    copy = b"\xf0" + size.to_bytes(3, "little")
    for end in range(count):
        delta = number(size) + number(size + 2) + copy + b"\x02" + end.to_bytes(2, "big")
        packed += bytes([0xF0 | len(delta) & 0xF, len(delta) >> 4]) + base + zlib.compress(delta)
    body = git_pack.HEADER.pack(b"PACK", 2, count + 1) + packed
    (folder / "pack.pack").write_bytes(body + hashlib.sha1(body).digest())


def test_a_small_pack_of_large_objects_is_refused_before_they_are_made(tmp_path: Path) -> None:
    size, most = 1_000_000, 1_500_000
    pack_of_deltas(tmp_path, size, 28)
    limits = Limits(most, 100, time.monotonic() + 1000)
    git_pack.Objects(tmp_path, "it", SHA1, limits).close()
    (tmp_path / "pack.idx").unlink()
    pack_of_deltas(tmp_path, size, 29)
    with pytest.raises(SourceError, match="objects of more than 30,000,000 bytes") as told:
        git_pack.Objects(tmp_path, "it", SHA1, limits)
    assert told.value.reason is Reason.MODEL_TOO_LARGE


def test_a_delta_says_how_large_its_result_is_and_one_that_does_not_is_broken() -> None:
    def told(*pieces: bytes) -> int:
        size = sum(map(len, pieces))
        delta: Any = SimpleNamespace(pack_type_num=7, decomp_len=size, decomp_chunks=pieces)
        return git_pack._unpacked_bytes(delta)

    assert told(number(10), number(1 << 40)[:2], number(1 << 40)[2:]) == 1 << 40
    assert told(number(10) + number(3) + bytes(100)) == 102  # it is larger itself
    for broken in (b"", b"\x80" * 9, number(10) + b"\xff" * 100):
        with pytest.raises(ApplyDeltaError):
            told(broken)


@dataclass(frozen=True)
class Steps(Limits):
    """The time is over after so many looks at it."""

    left: list[None] = field(default_factory=list)

    @property
    def seconds_left(self) -> float:
        return self.left.pop() or 1.0 if self.left else 0.0


@pytest.mark.parametrize("looks", [0, 3, 12])  # of twenty: ten objects are read, then made
def test_the_time_is_looked_at_while_objects_are_read_and_made(tmp_path: Path, looks: int) -> None:
    pack_of_deltas(tmp_path, 1000, 9)
    limits = Steps(1_000_000, 100, 0.0, [None] * looks)
    with pytest.raises(SourceError) as told:
        git_pack.Objects(tmp_path, "it", SHA1, limits)
    assert told.value.reason is Reason.TASK_TIMED_OUT
    git_pack.Objects(tmp_path, "it", SHA1, Steps(1_000_000, 100, 0.0, [None] * 20)).close()


def test_more_names_than_fit_into_memory_are_too_many(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    fetched = Fetched(server, tmp_path)
    monkeypatch.setattr(fetched.source, "_fetch_pack", full)
    told = fetched.refusal()
    assert told.reason is Reason.MODEL_TOO_LARGE
    assert "more than fits into memory" in str(told)


def test_more_names_than_anybody_has_are_refused_before_the_pack(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.commit(FILES)
    line = f"{'1' * 40} refs/heads/main{'x' * 900}\n".encode()
    names = b"%04x%s" % (len(line) + 4, line) * 500
    server.sent = lambda body: names + body if b" refs/heads/main\n" in body else body
    monkeypatch.setattr(git_http, "MAX_NAMES_BYTES", 400_000)  # several pieces
    told = Fetched(server, tmp_path, "main").refusal()
    assert told.reason is Reason.MODEL_TOO_LARGE
    assert "400,000 bytes before any file" in str(told)
    server.sent = lambda body: body
    noise = random.Random(1).randbytes(800_000)
    server.commit({"noise.bin": noise})
    assert Fetched(server, tmp_path, "main").files()["noise.bin"] == noise  # a pack may be larger


class Pieces:
    """An answer whose body comes so."""

    def __init__(self, *pieces: bytes) -> None:
        self.kind, self.url, self.body = "", "", iter(pieces)


def test_an_answer_is_read_in_the_sizes_that_are_asked_for() -> None:
    meter = Meter(Limits(100, 1, time.monotonic() + 1000), "it")
    answer: Any = Pieces(b"abcd", b"", b"efghij", b"k")
    body = git_http.Body(answer, ExitStack(), "", meter)
    assert [body.read(size) for size in (1, 2, 5, 0, 100, 1)] == [
        *(b"a", b"bc", b"defgh", b"", b"ijk", b""),
    ]
    assert meter.bytes == 11


def test_many_small_reads_of_a_large_piece_copy_little() -> None:
    size = 8 * 1024 * 1024
    answer: Any = Pieces(bytes(size))
    meter = Meter(Limits(size, 1, time.monotonic() + 1000), "it")
    body, began = git_http.Body(answer, ExitStack(), "", meter), time.monotonic()
    for _ in range(50_000):  # whoever copies the rest copies 400 GB
        assert len(body.read(4)) == 4
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("cut", [20, 300, 700])
def test_what_is_cut_off_or_changed_on_the_way_is_tried_again(
    server: GitServer, tmp_path: Path, cut: int
) -> None:
    server.commit({**FILES, "noise.bin": bytes(range(256)) * 8})
    server.sent = lambda body: body[:cut] if b"PACK" in body else body
    told = Fetched(server, tmp_path).refusal()
    assert told.retryable
    at = b"PACK" + struct.pack(">L", 2)

    def spoilt(body: bytes) -> bytes:
        place = body.find(at) + cut
        return body[:place] + b"\x00" + body[place + 1 :] if at in body else body

    server.sent = spoilt
    told = Fetched(server, tmp_path).refusal()
    assert told.retryable


def test_a_slow_server_costs_no_more_than_the_time(server: GitServer, tmp_path: Path) -> None:
    server.commit(FILES)
    told = Fetched(server, tmp_path, seconds=-1.0).refusal()
    assert told.reason is Reason.TASK_TIMED_OUT


def test_a_page_or_an_old_server_is_no_repository(server: GitServer, tmp_path: Path) -> None:
    server.web.answers["/team/credit.git/info/refs"] = replies(
        200, b"<html>", Content_Type="text/html"
    )
    told = Fetched(server, tmp_path).refusal()
    assert told.reason is Reason.MODEL_SOURCE_NOT_FOUND
    assert "not as a git repository does" in str(told)
    gone = Fetched(server, tmp_path, url=server.web.url("/team/none.git")).refusal()
    assert gone.reason is Reason.MODEL_SOURCE_NOT_FOUND
    assert "there is no such repository" in str(gone)
    server.web.answers["/team/credit.git/info/refs"] = replies(503)
    assert Fetched(server, tmp_path).refusal().reason is Reason.MODEL_SOURCE_UNREACHABLE


@pytest.mark.parametrize(
    "given",
    [
        {"url": "https://user:pass@github.com/a/b"},
        {"url": "https://token@github.com/a/b"},
        {"url": "ssh://git@github.com/a/b"},
        {"url": "git@github.com:a/b.git"},
        {"url": "file:///etc"},
        {"url": "ext::sh -c id"},
        {"url": "https://github.com/a/b?x=y"},
        {"url": "https://github.com/a/b", "ref": "--upload-pack=touch /tmp/x"},
        {"url": "https://github.com/a/b", "ref": "a..b"},
        {"url": "https://github.com/a/b", "ref": "main@{1}"},
        {"url": "https://github.com/a/b", "ref": "a b"},
        {"url": "https://github.com/a/b", "path": "../.."},
        {"url": "https://github.com/a/b", "path": "/etc"},
    ],
)
def test_the_schema_refuses_what_is_none(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="must be"):
        GitSource.model_validate(given)
    assert GitSource(url="https://github.com/a/b.git", ref="v1.2/x", path="a/b")
