"""However large a model is, the task that fetches it stays small."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.integration.registry.server import WebServer
from tests.integration.sources.fetching import secret

MODEL_BYTES = 320 * 1024**2
MOST_BYTES = 160 * 1024**2  # of the whole process, Python and its modules included
PIECE = bytes(1024**2)
PROGRAM = r"""
import re, sys, time
from pathlib import Path
from fairlead.connection import trust
from fairlead.registry.addresses import NamedHosts
from fairlead.sources.base import Limits
from fairlead.sources.kinds import STORES
from fairlead.sources.remote import RemoteSource, SourceAccess
uri, keys, into, host = sys.argv[1:]
access = SourceAccess(uri, Path(keys), {})
opener = STORES["s3"]
source = RemoteSource(uri, lambda: opener(access), trust(None), NamedHosts.insecurely([host]))
source.fetch(Path(into), Limits(2**40, 10, time.monotonic() + 300))
peak = re.search(r"VmHWM:\s*([0-9]+) kB", Path("/proc/self/status").read_text())
print(int(peak[1]) * 1024)  # of this program alone: getrusage() counts who has started it, too
"""


def large(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(MODEL_BYTES))
    request.end_headers()
    try:
        for _ in range(MODEL_BYTES // len(PIECE)):
            request.wfile.write(PIECE)
    except OSError:  # it was only asked for the size
        request.close_connection = True


def test_a_task_does_not_grow_with_the_model(web: WebServer, tmp_path: Path) -> None:
    web.otherwise = large
    keys, into = secret(tmp_path / "keys", AWS_ENDPOINT_URL=web.url("")), tmp_path / "into"
    into.mkdir()
    command = [sys.executable, "-c", PROGRAM, "s3://b/m", str(keys), str(into), web.host]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert told.returncode == 0, told.stderr
    assert (into / "m").stat().st_size == MODEL_BYTES
    (into / "m").unlink()
    assert int(told.stdout) < MOST_BYTES
