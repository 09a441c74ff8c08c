"""As much of an API server as it takes to be refused by one, and a program that issues tokens."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

PLUGIN = """\
import json, os, pathlib, sys
count = pathlib.Path(sys.argv[1])
number = int(count.read_text() or 0) + 1 if count.exists() else 1
count.write_text(str(number))
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
count.with_suffix(".info").write_text(json.dumps(info))
status = {"token": f"token-{number}"}
if len(sys.argv) > 2:
    status["expirationTimestamp"] = sys.argv[2]
print(json.dumps({"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": status}))
"""
VERSION = "client.authentication.k8s.io/v1"


class ApiServer:
    """Answers 401 to every token but ``accepted``, and remembers what it was shown."""

    def __init__(self) -> None:
        self.accepted = {"Bearer token-1"}
        self.shown: list[str] = []
        self.refused = 0
        self.url = ""
        self._cut = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("Authorization", "")
        self.shown.append(token)
        if token not in self.accepted:
            self.refused += 1
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        if "watch" in request.query:
            return await self._watch(request)
        return web.json_response(found(request.path))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """One event, named by the token, and then silence until the watch is cut."""
        response = web.StreamResponse()
        await response.prepare(request)
        event = {"type": "ADDED", "object": model(self.shown[-1].removeprefix("Bearer "))}
        await response.write(json.dumps(event).encode() + b"\n")
        await self._cut.wait()
        return response

    def cut_watches(self) -> None:
        self._cut.set()
        self._cut = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ApiServer"]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        async with TestServer(app) as server:
            self.url = str(server.make_url("")).rstrip("/")
            yield self


def found(path: str) -> dict[str, Any]:
    """What kopf discovers before it begins, and an empty list, or an object, for all the rest."""
    version = {"groupVersion": "fairlead.dev/v1alpha1", "version": "v1alpha1"}
    answers: dict[str, dict[str, Any]] = {
        "/api": {"versions": ["v1"]},
        "/api/v1": {"resources": [resource("namespaces", "Namespace")]},
        "/apis": {
            "groups": [{"name": "fairlead.dev", "preferredVersion": version, "versions": [version]}]
        },
        "/apis/fairlead.dev/v1alpha1": {"resources": [resource("models", "Model")]},
    }
    return answers.get(path) or {"metadata": {"name": "here", "resourceVersion": "1"}, "items": []}


def resource(plural: str, kind: str) -> dict[str, Any]:
    verbs = ["get", "list", "watch", "patch"]
    return {"name": plural, "kind": kind, "singularName": "", "namespaced": True, "verbs": verbs}


def model(name: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "demo", "uid": name, "resourceVersion": "2"}
    return {"apiVersion": "fairlead.dev/v1alpha1", "kind": "Model", "metadata": meta, "spec": {}}


class Plugin:
    """A program that issues ``token-1``, ``token-2``, …; the kubeconfig beside it names it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, folder / "count"
        (folder / "plugin.py").write_text(PLUGIN)

    @property
    def runs(self) -> int:
        return int(self._count.read_text()) if self._count.exists() else 0

    @property
    def info(self) -> Any:
        return json.loads(self._count.with_suffix(".info").read_text())

    def user(self, *arguments: str, **more: object) -> dict[str, Any]:
        """The user's section of a kubeconfig."""
        args = [str(self._folder / "plugin.py"), str(self._count), *arguments]
        return {"exec": {"apiVersion": VERSION, "command": sys.executable, "args": args, **more}}


def kubeconfig(folder: Path, server: str, user: dict[str, Any], **cluster: object) -> str:
    """Write a kubeconfig of one context; return its path."""
    file = folder / "kubeconfig"
    file.write_text(
        yaml.safe_dump(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                "clusters": [{"name": "k", "cluster": {"server": server, **cluster}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    return str(file)
