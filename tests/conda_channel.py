"""Conda channels that tests build: packages packed here, indexed by py-rattler, served as files.

There is no network in the tests, so every package is made of a few lines, but for Python: that is
an interpreter of this machine, packed as conda packs one.
"""

import asyncio
import hashlib
import io
import json
import sys
import sysconfig
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path

import zstandard
from rattler.index import index_fs

PLACEHOLDER = "/placehold_placehold_placehold"  # what a package was built for
LEFT_OUT = {
    *("__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter"),
    *("turtledemo", "lib2to3", "ensurepip", "pydoc_data"),
}
OWN_VERSION = ".".join(map(str, sys.version_info[:3]))


@dataclass
class Package:
    """``files``: path to content; ``links``: path to target; paths as they are in the package."""

    name: str
    version: str = "1.0"
    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    depends: Sequence[str] = ()
    constrains: Sequence[str] = ()
    build: str = "0"
    native: bool = False
    python: bool = False
    """A noarch package of Python modules."""
    entry_points: Sequence[str] = ()
    packed: str = "tar.bz2"
    paths: Sequence[Mapping[str, object]] | None = None
    """In the place of the true list of paths."""

    @property
    def subdir(self) -> str:
        return "linux-64" if self.native else "noarch"

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}-{self.build}.{self.packed}"

    def archive(self) -> bytes:
        if self.packed == "tar.bz2":
            return _tar({**self._info(), **self.files}, self.links, "w:bz2")
        stem = self.file_name.removesuffix(".conda")
        compress = zstandard.ZstdCompressor(level=1).compress
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
            parts = {"pkg": _tar(self.files, self.links), "info": _tar(self._info(), {})}
            for part, tar in parts.items():
                archive.writestr(f"{part}-{stem}.tar.zst", compress(tar))
        return content.getvalue()

    def _info(self) -> dict[str, bytes]:
        index: dict[str, object] = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": 0,
            "depends": list(self.depends),
            "constrains": list(self.constrains),
            "subdir": self.subdir,
            "timestamp": 1_500_000_000_000,
        }
        if not self.native:
            index["noarch"] = "python" if self.python else "generic"
        paths = self._paths() if self.paths is None else self.paths
        info = {
            "info/index.json": json.dumps(index).encode(),
            "info/paths.json": json.dumps({"paths_version": 1, "paths": paths}).encode(),
        }
        if self.python:
            noarch = {"type": "python", "entry_points": list(self.entry_points)}
            link = {"noarch": noarch, "package_metadata_version": 1}
            info["info/link.json"] = json.dumps(link).encode()
        return info

    def _paths(self) -> Sequence[Mapping[str, object]]:
        entries: list[Mapping[str, object]] = []
        for path, content in self.files.items():
            entry = {
                "_path": path,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_in_bytes": len(content),
            }
            if PLACEHOLDER.encode() in content:
                entry |= {"file_mode": "text", "prefix_placeholder": PLACEHOLDER}
            entries.append(entry)
        links = ({"_path": path, "path_type": "softlink"} for path in self.links)
        return [*entries, *links]


def _tar(files: Mapping[str, bytes], links: Mapping[str, str], mode: str = "w") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:  # type: ignore[call-overload]
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mtime = len(text), 1_500_000_000
            member.mode = 0o755 if "bin/" in path or ".so" in path else 0o644
            archive.addfile(member, io.BytesIO(text))
        for path, target in links.items():
            member = tarfile.TarInfo(path)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return content.getvalue()


def made(folder: Path, *packages: Package) -> Path:
    """A channel of these packages at ``folder``."""
    for subdir in ("noarch", "linux-64"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    for package in packages:
        (folder / package.subdir / package.file_name).write_bytes(package.archive())
    asyncio.run(index_fs(folder, write_shards=False))
    return folder


def small_python(version: str = OWN_VERSION) -> Package:
    """A Python by its name only."""
    minor = ".".join(version.split(".")[:2])
    return Package(
        "python",
        version,
        {f"bin/python{minor}": b"#!/bin/sh\n", f"lib/python{minor}/os.py": b"\n"},
        {"bin/python": f"python{minor}"},
        native=True,
    )


def real_python(prefix: Path | None = None, version: str = OWN_VERSION) -> Package:
    """An interpreter of this machine, without what no test needs. ``prefix``: where it lies;
    default: the one that runs the tests."""
    minor = ".".join(version.split(".")[:2])
    base = prefix or Path(sys.base_prefix)
    library = base / "lib" / f"python{minor}"
    if not (library / "os.py").is_file():
        library = Path(sysconfig.get_path("stdlib"))
    program = (base / "bin" / f"python{minor}").resolve()
    files = {f"bin/python{minor}": _relocated(program.read_bytes(), base)}
    links = {"bin/python": f"python{minor}", "bin/python3": f"python{minor}"}
    for path in sorted(library.rglob("*")):
        within = path.relative_to(library)
        wanted = not LEFT_OUT.intersection(within.parts) and not within.parts[0].startswith(
            "config-"
        )
        if wanted and path.is_file():
            files[f"lib/python{minor}/{within}"] = path.read_bytes()
    files[f"lib/python{minor}/site-packages/README.txt"] = b"\n"
    for path in base.glob(f"lib/libpython{minor}*.so*"):
        if path.is_symlink():
            links[f"lib/{path.name}"] = path.readlink().name
        else:
            files[f"lib/{path.name}"] = path.read_bytes()
    return Package("python", version, files, links, native=True, packed="conda")


def _relocated(program: bytes, base: Path) -> bytes:
    """A program that looks for its libraries beside itself, as conda's do, and not where it was
    made."""
    before = f"{base}/lib".encode()
    after = b"$ORIGIN/../lib"
    if len(after) > len(before):
        return program
    return program.replace(before + b"\0", after.ljust(len(before) + 1, b"\0"))


def installed(name: str, *, native: bool = False) -> Package:
    """A distribution that this Python has, as a package. ``native``: it holds compiled code."""
    found = distribution(name)
    minor = ".".join(OWN_VERSION.split(".")[:2])
    folder = f"lib/python{minor}/site-packages" if native else "site-packages"
    files = {
        f"{folder}/{path}": Path(str(path.locate())).read_bytes()
        for path in found.files or ()
        if ".." not in path.parts and "__pycache__" not in path.parts
    }
    depends = (f"python {minor}.*",) if native else ("python",)
    return Package(
        name.lower(), found.version, files, depends=depends, native=native, python=not native
    )


@dataclass
class Server:
    """``answers``: of a path, what is answered in the place of the file; ``asked``: all paths."""

    address: str
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")


def status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def sends(content: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(HTTPStatus.OK)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, root: Path, server: Server, *arguments: object) -> None:
        self._root, self._told = root, server
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self._told.asked.append(path)
        found = next((a for p, a in self._told.answers.items() if path.startswith(p)), None)
        file = self._root / path.strip("/")
        if found is not None:
            found(self)
        elif file.is_file():
            sends(file.read_bytes())(self)
        else:
            status(HTTPStatus.NOT_FOUND)(self)

    def log_message(self, *_: object) -> None:
        """Nothing of it belongs into a test's output."""


@contextmanager
def serving(root: Path, host: str = "127.0.0.1") -> Iterator[Server]:
    """Serve the channels below ``root``."""
    told = Server("")
    server = ThreadingHTTPServer((host, 0), partial(_Handler, root, told))
    told.address = f"http://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
