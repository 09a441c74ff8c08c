"""A small API server on this machine: objects, tables, logs and port-forwards, over real sockets.

It validates nothing; ``refuse`` has it answer something else.
"""

import asyncio
import contextlib
import copy
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from aiohttp import WSMsgType, web

from fairlead.api.meta import GROUP
from fairlead.api.refs import Manifest
from fairlead.images.layout import ENVIRONMENT
from fairlead.inputs.bounded_yaml import LOADER

Hook = Callable[["FakeApi"], None]
DEADLINE_S = 120
REQUEST_END = b"}"  # of what a pod is sent: then it answers
COLUMNS = [
    {"name": "Name", "type": "string", "priority": 0},
    {"name": "Ready", "type": "string", "priority": 0},
    {"name": "Message", "type": "string", "priority": 1},
]


class FakeApi:
    """``objects`` by path; ``logs`` by path with its query; ``asked`` is every request."""

    def __init__(self) -> None:
        self.objects = dict[str, Manifest]()
        self.logs = dict[str, bytes]()
        self.answers = dict[tuple[str, str], tuple[int, Any]]()
        self.once = set[tuple[str, str]]()
        self.asked = list[tuple[str, str]]()
        self.bodies = list[Any]()
        self.headers = list[dict[str, str]]()
        self.on_get: Hook = lambda _: None
        self.pod_answer = b""
        self.pod_heard = b""
        self.pod_error = b""
        self.pod_paths = {f"/{ENVIRONMENT}/bin/python": sys.executable}
        self.pod_environ = dict[str, str]()
        self.commands = list[list[str]]()
        self.has_definitions = True
        self.port = 0

    def put(self, manifest: Manifest, plural: str) -> Manifest:
        meta = {"namespace": "default", "generation": 1, **manifest["metadata"]}
        meta.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        meta.setdefault("uid", f"uid-of-{plural}-{meta['name']}")
        root = "/apis" if "/" in manifest["apiVersion"] else "/api"
        path = f"{root}/{manifest['apiVersion']}/namespaces/{meta['namespace']}/{plural}"
        self.objects[f"{path}/{meta['name']}"] = {**manifest, "metadata": meta}
        return self.objects[f"{path}/{meta['name']}"]

    def ours(self, kind: str, name: str = "credit", **fields: Any) -> Manifest:
        head = {"apiVersion": f"{GROUP}/v1alpha1", "kind": kind, "metadata": {"name": name}}
        return self.put({**head, **fields}, f"{kind.lower()}s")

    def refuse(
        self, method: str, path: str, status: int, message: str = "no", *, once: bool = False
    ) -> None:
        body = {"kind": "Status", "message": message, "code": status}
        self.answers[method, path] = (status, body)
        if once:
            self.once.add((method, path))

    def requests(self, method: str) -> list[str]:
        return [path for verb, path in self.asked if verb == method]

    # --- what it does

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        self.headers.append(dict(request.headers))
        set_answer = self.answers.get((request.method, request.path))
        if set_answer is not None:
            if (request.method, request.path) in self.once:
                del self.answers[request.method, request.path]
            status, body = set_answer
            return web.json_response(body, status=status)
        if request.path.endswith("/portforward"):
            return await self._forward(request)
        if request.path.endswith("/exec"):
            return await self._execute(request)
        if request.method == "GET":
            return self._get(request)
        body = yaml.load(await request.read() or b"{}", Loader=LOADER)
        self.bodies.append(body)
        if request.method == "POST":
            return web.json_response(body, status=201)
        return self._written(request, body)

    def _get(self, request: web.Request) -> web.Response:
        self.on_get(self)
        path = request.path
        if path in self.logs or request.path_qs in self.logs:
            return web.Response(body=self.logs.get(request.path_qs, self.logs.get(path)))
        if f"/{GROUP}/" in path and not self.has_definitions:
            return web.Response(status=404, text="404 page not found\n")
        if path in self.objects:
            return web.json_response(self.objects[path])
        if path.rpartition("/")[2] not in PLURALS:
            return self._absent(path)
        found = [one for place, one in self.objects.items() if _within(place, path)]
        if "as=Table" in request.headers["Accept"]:
            return web.json_response(_table(found))
        selected = [one for one in found if _selected(one, request.query.get("labelSelector"))]
        return web.json_response({"kind": "List", "metadata": {}, "items": selected})

    def _absent(self, path: str) -> web.Response:
        name = path.rpartition("/")[2]
        body = {"kind": "Status", "message": f"{name} not found", "details": {"name": name}}
        return web.json_response(body, status=404)

    def _written(self, request: web.Request, body: Any) -> web.Response:
        path = request.path
        if f"/{GROUP}/" in path and not self.has_definitions:
            return web.Response(status=404, text="404 page not found\n")
        if request.method == "DELETE":
            found = self.objects.pop(path, None)
            return self._absent(path) if found is None else web.json_response(found)
        before = self.objects.get(path)
        if "merge" in request.headers["Content-Type"]:
            if before is None:
                return self._absent(path)
            self.objects[path] = _owned(_merged(before, body), before, body)
        else:
            taken = _conflicts(before or {}, body) if "force" not in request.query else []
            if taken:
                message = f"conflict with others: {taken}"
                return web.json_response({"kind": "Status", "message": message}, status=409)
            meta = {"generation": 1, **(before or {}).get("metadata", {}), **body["metadata"]}
            status = {"status": before["status"]} if before and "status" in before else {}
            self.objects[path] = {**body, **status, "metadata": meta}
        return web.json_response(self.objects[path])

    async def _forward(self, request: web.Request) -> web.WebSocketResponse:
        """Answers what comes first with ``pod_answer``."""
        stream = web.WebSocketResponse(protocols=["v4.channel.k8s.io"])
        await stream.prepare(request)
        port = int(request.query["ports"]).to_bytes(2, "little")
        for channel in (b"\x00", b"\x01"):
            await stream.send_bytes(channel + port)
        async for message in stream:
            if message.type is WSMsgType.BINARY:
                self.pod_heard += message.data[1:]
                if self.pod_error:
                    await stream.send_bytes(b"\x01" + self.pod_error)
                asked = message.data[1:].startswith(b"GET ") and b"\r\n\r\n" in message.data
                if self.pod_answer and (asked or self.pod_heard.endswith(REQUEST_END)):
                    await stream.send_bytes(b"\x00" + self.pod_answer)
        return stream

    async def _execute(self, request: web.Request) -> web.WebSocketResponse:
        """Run the command here, with paths of this machine in the place of the pod's."""
        stream = web.WebSocketResponse(protocols=["v4.channel.k8s.io"])
        await stream.prepare(request)
        command = [self.pod_paths.get(one, one) for one in request.query.getall("command")]
        self.commands.append(command)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={"PATH": os.environ["PATH"], **self.pod_environ},
            )
        except OSError as error:
            failure = {"status": "Failure", "message": f"exec failed: {error.strerror}"}
            await stream.send_bytes(b"\x03" + json.dumps(failure).encode())
            return stream
        if process.stdin and process.stdout and process.stderr:
            typing = asyncio.create_task(_typed(stream, process))
            for channel, pipe in ((b"\x01", process.stdout), (b"\x02", process.stderr)):
                while not stream.closed and (piece := await pipe.read(65536)):
                    await stream.send_bytes(channel + piece)
            typing.cancel()
            if stream.closed:
                return stream
        code = await process.wait()
        cause = {"reason": "ExitCode", "message": str(code)}
        failed = {"status": "Failure", "message": "no", "details": {"causes": [cause]}}
        status = failed if code else {"status": "Success"}
        await stream.send_bytes(b"\x03" + json.dumps(status).encode())
        return stream

    @contextlib.contextmanager
    def serving(self) -> Iterator["FakeApi"]:
        loop, ready = asyncio.new_event_loop(), threading.Event()
        thread = threading.Thread(target=self._run, args=(loop, ready), daemon=True)
        thread.start()
        assert ready.wait(DEADLINE_S)
        yield self
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE_S)

    def _run(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(application, shutdown_timeout=0)
        loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        ready.set()
        loop.run_forever()
        for task in asyncio.all_tasks(loop):  # of a client that has not closed its connection
            task.cancel()
        loop.run_until_complete(runner.cleanup())
        loop.close()


async def _typed(stream: web.WebSocketResponse, process: asyncio.subprocess.Process) -> None:
    """Until whoever types has gone: then nobody wants the command any more."""
    async for message in stream:
        if message.type is WSMsgType.BINARY and message.data[0] == 0 and process.stdin:
            process.stdin.write(message.data[1:])
    with contextlib.suppress(ProcessLookupError):
        process.kill()


PLURALS = (
    *("models", "inferenceimages", "webservices", "pods", "events", "configmaps", "services"),
    *("secrets", "deployments", "nodes"),
)


def _within(place: str, collection: str) -> bool:
    """Whether an object belongs to a collection, of one namespace or of all."""
    folder, _, _ = place.rpartition("/")
    if folder == collection:
        return True
    head, _, plural = collection.rpartition("/")
    return folder.startswith(f"{head}/namespaces/") and folder.endswith(f"/{plural}")


def _selected(one: Manifest, selector: str | None) -> bool:
    labels = one["metadata"].get("labels", {})
    wanted = [pair.partition("=") for pair in selector.split(",")] if selector else []
    return all(labels.get(name) == value for name, _, value in wanted)


def _merged(before: Any, patch: Any) -> Any:
    if not isinstance(patch, dict) or not isinstance(before, dict):
        return patch
    after = copy.deepcopy(before)
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = _merged(after.get(key, {}), value)
    return after


APPLIED, PATCHED = ("fairlead-cli", "Apply"), ("fairlead-cli", "Update")


def _owned(after: Manifest, before: Manifest, patch: Manifest) -> Manifest:
    """With what a merge patch has changed of the spec as its own, to the API server's mind."""
    fields: Manifest = {}
    kept = []
    for entry in after["metadata"].get("managedFields", []):
        if (entry["manager"], entry["operation"]) == PATCHED:
            fields = dict(entry["fieldsV1"].get("f:spec", {}))
        else:
            kept.append(entry)
    for name, value in patch.get("spec", {}).items():
        inner = _patched(fields.pop(f"f:{name}", None), before.get("spec", {}).get(name), value)
        fields |= {} if inner is None else {f"f:{name}": inner}
    own = {"manager": PATCHED[0], "operation": PATCHED[1], "fieldsV1": {"f:spec": fields}}
    metadata = {**after["metadata"], "managedFields": [*kept, own]}
    return {**after, "metadata": metadata}


def _patched(owned: Manifest | None, present: Any, value: Any) -> Manifest | None:
    """What is owned of one field after a patch of it; None: nothing."""
    if not isinstance(value, dict):
        return (owned if value == present else {}) if value is not None else None
    inner = dict(owned or {})
    for name, part in value.items():
        if part is None:
            inner.pop(f"f:{name}", None)
        elif part != (present or {}).get(name):
            inner[f"f:{name}"] = {}
    return inner or None


def _conflicts(before: Manifest, applied: Manifest) -> list[str]:
    """Fields of the spec that another manager owns, or the same one by another operation."""
    found = []
    present, wanted = before.get("spec", {}), applied.get("spec", {})
    for entry in before.get("metadata", {}).get("managedFields", []):
        if (entry["manager"], entry["operation"]) == APPLIED:
            continue
        for name, inner in entry["fieldsV1"].get("f:spec", {}).items():
            field = name.removeprefix("f:")
            now, then = present.get(field), wanted.get(field)
            if inner and isinstance(then, dict):
                shared = [one.removeprefix("f:") for one in inner]
                now, then = ({k: one[k] for k in shared if k in then} for one in (now, then))
            if field in wanted and now != then:
                found.append(f"{entry['manager']} {field}")
    return found


def _table(objects: list[Manifest]) -> Manifest:
    rows = []
    for one in objects:
        status = one.get("status", {})
        ready: Manifest = next(iter(status.get("conditions", [])), {})
        cells = [one["metadata"]["name"], ready.get("status"), ready.get("message")]
        rows.append({"cells": cells, "object": {"metadata": one["metadata"]}})
    return {"kind": "Table", "columnDefinitions": COLUMNS, "rows": rows}


def kubeconfig(api: FakeApi, folder: Path) -> Path:
    """One that names the server."""
    file = folder / "kubeconfig"
    content = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{api.port}"}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
    }
    file.write_text(json.dumps(content))
    return file
