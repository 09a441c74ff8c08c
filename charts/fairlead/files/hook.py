"""What the chart's hooks do, in the operator's image and with the standard library alone.

``wait PATH``: until the object is ready (`helm test`). ``release NAMESPACE...``: take the finalizer
of Fairlead's first release off every object (before `helm uninstall`); no namespace: in all.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
POLL_S = 1.0
TIMEOUT_S = 10.0
PAGE_ITEMS = 500
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
GROUP = "/apis/fairlead.dev/v1alpha1"
PLURALS = ("models", "inferenceimages", "webservices")
FINALIZER = "fairlead.dev/finalizer"


def call(path: str, patch: Any = None) -> Any:
    """Ask the API server. Raises ``HTTPError``."""
    host, port = (os.environ[f"KUBERNETES_SERVICE_{part}"] for part in ("HOST", "PORT"))
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"}
    if patch is not None:
        headers["Content-Type"] = "application/merge-patch+json"
    request = urllib.request.Request(
        server + path,
        headers=headers,
        data=None if patch is None else json.dumps(patch).encode(),
        method="GET" if patch is None else "PATCH",
    )
    trusted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, context=trusted, timeout=TIMEOUT_S) as answer:
        return json.load(answer)


def wait(path: str) -> str:
    """Return what ``Ready`` says once it is true; exit with what it says at the deadline."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        conditions = call(path).get("status", {}).get("conditions", ())
        seen = next((one for one in conditions if one["type"] == "Ready"), {})
        said = f"{seen.get('reason')}: {seen.get('message')}"
        if seen.get("status") == "True":
            return said
        if time.monotonic() > deadline:
            sys.exit(f"{path} is not ready: {said}")
        time.sleep(POLL_S)


def release(namespaces: list[str]) -> str:
    """Take the finalizer off; what is gone, or changes meanwhile, needs or gets another look."""
    taken = 0
    for collection in collections(namespaces):
        for item in listed(collection):
            meta = item["metadata"]
            others = [one for one in meta.get("finalizers", ()) if one != FINALIZER]
            if len(others) < len(meta.get("finalizers", ())):
                head = {"finalizers": others, "resourceVersion": meta["resourceVersion"]}
                plural = collection.rpartition("/")[2]
                path = f"{GROUP}/namespaces/{meta['namespace']}/{plural}/{meta['name']}"
                call(path, {"metadata": head})
                taken += 1
    return f"{FINALIZER} was taken off {taken} objects."


def collections(namespaces: list[str]) -> Iterator[str]:
    for plural in PLURALS:
        for namespace in namespaces or [""]:
            scope = f"/namespaces/{namespace}" if namespace else ""
            yield f"{GROUP}{scope}/{plural}"


def listed(path: str) -> Iterator[Any]:
    """Every object of a collection; none where its definition is gone."""
    token = ""
    while True:
        try:
            page = call(f"{path}?limit={PAGE_ITEMS}&continue={token}")
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return
            raise
        yield from page["items"]
        token = page["metadata"].get("continue", "")
        if not token:
            return


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    sys.stdout.write(f"{wait(words[0]) if command == 'wait' else release(words)}\n")
