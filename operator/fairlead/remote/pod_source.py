"""The source that a debug pod runs with: what its image has, and what was edited there.

The app root of a pod cannot be written to: an edited source lies in a folder of its own, from which
the runtime loads it in debug mode.
"""

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.finding import listed, shown
from fairlead.images.layout import APP_ROOT, EDITS, ENVIRONMENT, MODELS
from fairlead.local.diffs import changed_names
from fairlead.local.errors import LocalError, refusal
from fairlead.local.source_archive import MAX_ARCHIVE_BYTES, PACK, source_of
from fairlead.remote.access import Access
from fairlead.remote.client import Client
from fairlead.remote.debugging import SWITCH, runs_in_debug_mode
from fairlead.remote.execution import Place, run
from fairlead.remote.pods import containers, is_ready, scoring_pods
from fairlead.remote.state import mapping, mappings
from fairlead.remote.targets import Target

CONTAINER = "scoring"
PYTHON = f"/{ENVIRONMENT}/bin/python"
EDITS_VARIABLE = "FAIRLEAD_DEBUG_EDITS"
RELOAD_S = 3600.0  # init() may take as long as it takes
MAX_ANSWER_BYTES = 1024 * 1024
UNPACK = (
    "import os, shutil, sys, tarfile\n"
    "target, models = sys.argv[1:]\n"
    "new, old = target + '.new', target + '.old'\n"
    "for path in (new, old): shutil.rmtree(path, ignore_errors=True)\n"
    "os.mkdir(new)\n"
    "with tarfile.open(fileobj=sys.stdin.buffer, mode='r|') as archive: archive.extractall(new)\n"
    "if os.path.isdir(models): os.symlink(models, os.path.join(new, os.path.basename(models)))\n"
    "if os.path.isdir(target): os.rename(target, old)\n"
    "os.rename(new, target)\n"
    "shutil.rmtree(old, ignore_errors=True)\n"
)
"""Standard input is never closed: the archive itself says where it ends."""
RELOAD = (
    "import http.client, os, sys\n"
    "keys = os.environ.get('FAIRLEAD_KEYS_DIR')\n"
    "names = [n for n in sorted(os.listdir(keys)) if n[0] != '.'] if keys else []\n"
    "texts = [open(os.path.join(keys, n)).read().strip() for n in names]\n"
    "headers = {'Authorization': 'Bearer ' + t for t in texts if t}\n"
    "port = int(os.environ.get('FAIRLEAD_PORT') or 5001)\n"
    "connection = http.client.HTTPConnection('127.0.0.1', port)\n"
    "connection.request('POST', '/-/reload', b'', headers)\n"
    "sys.stdout.write(connection.getresponse().read().decode())\n"
)
"""The key stays in the pod: whoever may run commands there could read it."""
Files = Mapping[str, bytes]


class PodSource:
    """Of one pod in debug mode. All of it raises ``LocalError``."""

    def __init__(self, access: Access, place: Place) -> None:
        self._access, self._place = access, place

    def given(self) -> dict[str, bytes]:
        """What the image has."""
        return self._packed(f"/{APP_ROOT}")

    def now(self) -> dict[str, bytes]:
        """What the runtime loads."""
        return self._packed(f"/{EDITS}", f"/{APP_ROOT}")

    def put(self, before: Files, after: Files) -> None:
        """Replace ``before``, which it had, by ``after``, and have it loaded."""
        moved = changed_names(before, self.now())
        if moved:
            raise refusal(
                Reason.EDITS_NOT_COMMITTED,
                f"{listed([shown(one) for one in moved])} of {self._place.words} has changed "
                "meanwhile.",
                "See what it is now (fairlead edit), and put your change there.",
            )
        self._run(UNPACK, f"/{EDITS}", f"/{MODELS}", stdin=archive_of(after))
        answer = self._run(RELOAD, silence_s=RELOAD_S)
        failed = failure_of(answer)
        if failed is not None:
            raise reload_failed(failed)

    def _packed(self, *folders: str) -> dict[str, bytes]:
        return source_of([self._run(PACK, *folders, most=MAX_ARCHIVE_BYTES)])

    def _run(
        self, program: str, *arguments: str, most: int = MAX_ANSWER_BYTES, **how: Any
    ) -> bytes:
        command = [PYTHON, "-c", program, *arguments]
        return run(self._access, self._place, command, most, **how)


def archive_of(files: Files) -> bytes:
    """For this user's own eyes in the pod."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def failure_of(answer: bytes) -> dict[str, Any] | None:
    """Why the runtime has not loaded it; None where it has."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return {"message": answer.decode(errors="replace")}
    if not isinstance(found, dict):
        return {"message": "its answer is none of the runtime's"}
    failure = found.get("failure")
    if isinstance(failure, dict):
        return failure
    return None if "reloads" in found else {"message": str(found.get("message") or found)}


def reload_failed(failure: Mapping[str, Any]) -> LocalError:
    """What was loaded before serves on."""
    said = f"{shown(str(failure.get('exception') or 'Error'))}: "
    place = mapping(failure.get("location"))
    file, line = place.get("file"), place.get("line")
    where = f" at {shown(str(file))}:{line}" if file and isinstance(line, int) else ""
    said += shown(str(failure.get("message") or "no words"), 400)
    error = refusal(
        Reason.USER_SCRIPT_IMPORT_ERROR
        if failure.get("stage") == "import"
        else Reason.USER_SCRIPT_INIT_FAILED,
        f"The script cannot be loaded{where}: {said}. What was loaded before serves on.",
        "Correct it, and edit once more.",
    )
    return LocalError(error.finding, str(failure.get("traceback") or "")[:4000])


def debug_place(client: Client, target: Target) -> Place:
    """The newest pod in debug mode. Raises ``LocalError`` where there is none, or its image or the
    operator is of a version that cannot take edits."""
    for pod in reversed(scoring_pods(client, target)):
        if runs_in_debug_mode(pod, ""):
            if not _takes_edits(pod):
                raise refusal(
                    Reason.SERVICE_NOT_RUNNING,
                    f"Pod '{pod['metadata']['name']}' was made by an operator that knows no edits.",
                    "Upgrade Fairlead's chart to the version of this program: fairlead doctor.",
                )
            return _place(target, pod)
    raise refusal(
        Reason.SERVICE_NOT_RUNNING,
        f"No pod of '{target.name}' runs in debug mode: in others nothing can be edited.",
        f"Switch it on: fairlead debug {target.spoken}",
    )


def running_place(client: Client, target: Target) -> Place:
    """The newest pod that runs, one that is ready before others. Raises ``LocalError``."""
    pods = [pod for pod in reversed(scoring_pods(client, target)) if _runs(pod)]
    for pod in sorted(pods, key=lambda pod: not is_ready(pod)):
        return _place(target, pod)
    raise refusal(
        Reason.SERVICE_NOT_RUNNING,
        f"No pod of '{target.name}' runs.",
        f"See why: fairlead describe {target.spoken}.",
    )


def _takes_edits(pod: Manifest) -> bool:
    wanted = {"name": EDITS_VARIABLE, "value": f"/{EDITS}"}
    return any(
        SWITCH in mappings(one.get("env")) and wanted in mappings(one.get("env"))
        for one in containers(pod)
    )


def _runs(pod: Manifest) -> bool:
    states = mappings(mapping(pod.get("status")).get("containerStatuses"))
    leaving = mapping(pod.get("metadata")).get("deletionTimestamp")
    return not leaving and any(
        one.get("name") == CONTAINER and mapping(one.get("state")).get("running") is not None
        for one in states
    )


def _place(target: Target, pod: Manifest) -> Place:
    return Place(target.namespace, str(pod["metadata"]["name"]), CONTAINER)
