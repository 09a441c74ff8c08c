"""`helm test`: wait until the operator has stored the Model, and say what its status says."""

import json
import os
import ssl
import sys
import time
import urllib.request
from pathlib import Path

PATIENCE_S = 120.0
POLL_S = 1.0
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def ready(path: str) -> dict[str, str]:
    """The condition Ready of the object; empty where there is none yet."""
    server = (
        f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    )
    token = (ACCOUNT / "token").read_text()
    request = urllib.request.Request(server + path, headers={"Authorization": f"Bearer {token}"})
    trusted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, context=trusted, timeout=10) as answer:
        status = json.load(answer).get("status", {})
    return next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), {})


deadline = time.monotonic() + PATIENCE_S
while (seen := ready(sys.argv[1])).get("status") != "True":
    if time.monotonic() > deadline:
        sys.exit(f"The Model is not ready: {seen.get('reason')}: {seen.get('message')}")
    time.sleep(POLL_S)
sys.stdout.write(f"{seen['reason']}: {seen['message']}\n")
