"""What the chart's hooks do, in the operator's image and with the standard library alone.

``test NAMESPACE NAME``: wait until a Model, an InferenceImage and a Webservice of that name are
ready, and score (`helm test`). ``release NAMESPACE...``: take the finalizer of Fairlead's first
release off every object (before `helm uninstall`); no namespace: in all.
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

PATIENCE_S = 280.0  # for all of it: `helm test` gives up after 300 s
POLL_S = 1.0
TIMEOUT_S = 10.0
PAGE_ITEMS = 500
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
GROUP = "/apis/fairlead.dev/v1alpha1"
PLURALS = ("models", "inferenceimages", "webservices")
REQUEST, ANSWER = {"data": [1, 2, 3]}, {"sum": 6, "model": "A model of a few bytes."}
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


def test(namespace: str, name: str) -> str:
    """Return what came of it; exit with what is wrong at the deadline, or once it is final."""
    deadline = time.monotonic() + PATIENCE_S
    status: Any = {}
    for plural in PLURALS:
        status = wait(f"{GROUP}/namespaces/{namespace}/{plural}/{name}", deadline)
        ready = condition(status, "Ready")
        say(f"{plural}/{name} {ready['reason']}: {ready['message']}")
    return score(status["scoringUri"], deadline)


def wait(path: str, deadline: float) -> Any:
    """Return the status once the object is ready; exit where it never will be."""
    while True:
        try:
            status = call(path).get("status", {})
        except OSError as error:  # the API server's own answers included
            status = {"failure": {"remedy": f"Reading it failed: {error}"}}
        ready = condition(status, "Ready")
        if ready.get("status") == "True":
            return status
        final = condition(status, "Stalled").get("status") == "True"
        if final or time.monotonic() > deadline:
            remedy = status.get("failure", {}).get("remedy", "")
            said = f"{ready.get('reason')}: {ready.get('message')} {remedy}"
            sys.exit(f"{path} is not ready: {said}")
        time.sleep(POLL_S)


def condition(status: Any, kind: str) -> Any:
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


def score(address: str, deadline: float) -> str:
    """One request; again where a node does not know the way to the pod yet."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(REQUEST).encode(), headers)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                found = json.load(answer)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"{address} does not answer: {error}")
            time.sleep(POLL_S)
    if found != ANSWER:
        sys.exit(f"{address} answers {found}, and not {ANSWER}")
    return f"Scored: {address} answers {json.dumps(found)}"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


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
    """Every object of a collection; none where its definition is gone, or where it may not be
    listed: a namespace without rights must not keep the release from being uninstalled."""
    token = ""
    while True:
        try:
            page = call(f"{path}?limit={PAGE_ITEMS}&continue={token}")
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return
            if error.code == HTTPStatus.FORBIDDEN:
                say(f"{path} may not be listed, and is left as it is.")
                return
            raise
        yield from page["items"]
        token = page["metadata"].get("continue", "")
        if not token:
            return


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    say(test(*words) if command == "test" else release(words))
