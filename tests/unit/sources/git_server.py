"""A real git server of a test's own: `git http-backend` behind a web server with a will."""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from dulwich.objects import Blob, ObjectID, Tree
from dulwich.repo import Repo

from tests.integration.registry.server import WebServer, reply

PATIENCE_S = 300.0
IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


@dataclass
class GitServer:
    """One repository at ``/team/credit.git``; ``work`` is a checkout of it.

    ``wanted`` is the Authorization header that it asks for; ``sent`` changes the body of an answer.
    """

    web: WebServer
    root: Path
    wanted: str = ""
    sent: Callable[[bytes], bytes] = field(default=lambda body: body)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "team").mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), at=self.root)
        self.git("clone", "--quiet", str(self.bare), str(self.work), at=self.root)
        self.web.otherwise = self.answer

    @property
    def bare(self) -> Path:
        return self.root / "team/credit.git"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def url(self) -> str:
        return self.web.url("/team/credit.git")

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=at or self.work,
            env={**os.environ, **IDENTITY},
            capture_output=True,
            check=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Commit files, push the branch and return the commit."""
        self.git("checkout", "--quiet", "-B", branch)
        for name, content in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        self.git("push", "--quiet", "origin", branch)
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, *arguments: str) -> None:
        self.git("tag", *arguments, name)
        self.git("push", "--quiet", "origin", name)

    def strange(self, entries: Mapping[bytes, tuple[int, bytes]]) -> None:
        """Let ``main`` be one folder of such entries, which no git would make: mode and content."""
        with Repo(str(self.bare)) as repository:
            tree = Tree()
            for name, (mode, content) in entries.items():
                blob = Blob.from_string(content)
                repository.object_store.add_object(blob)
                tree.add(name, mode, blob.id)
            self.head(repository, tree)

    def head(self, repository: Repo, tree: Tree) -> None:
        repository.object_store.add_object(tree)
        commit = self.git("commit-tree", tree.id.decode(), "-m", "x", at=self.bare)
        repository.refs[b"refs/heads/main"] = ObjectID(commit.encode())  # type: ignore[index]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.headers.append(dict(request.headers.items()))
        if self.wanted and request.headers.get("Authorization") != self.wanted:
            reply(request, 401, b"", WWW_Authenticate="Basic")
            return
        path, _, query = request.path.partition("?")
        content = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        variables = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(content)),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "http-backend"],
            input=content,
            env={**os.environ, **IDENTITY, **variables},
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        said = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(said.pop("Status", "200").split()[0])
        reply(request, status, self.sent(body), Content_Type=said.get("Content-Type", "text/plain"))
