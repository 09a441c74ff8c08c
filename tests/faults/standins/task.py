"""A stand-in for every task program: it reads the request and writes a plausible result at once.

    python -I -S task.py PROGRAM REGISTRY FOLDER

REGISTRY is a folder that stands for what the registry remembers: versions of models, environments
by hash, images by version; and ``journal``, a line for each begin and end of a task. Standard
library only, and little of it, for it is started a few hundred times in a test.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]
BAD_SCRIPT, BAD_PACKAGE = "raise ValueError", "no-such-package"
GOOD, BAD = "600d", "bad0"  # digests of images begin with it


class TaskFailed(Exception):  # noqa: N818  (the first argument is the failure, as JSON)
    pass


class Memory:
    """What the registry remembers: one JSON file for each thing, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, kind: str, place: str) -> dict[str, Json]:
        folder = self._folder / kind / place.replace("/", "~")
        return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}

    def write(self, kind: str, place: str, name: str, content: Json) -> None:
        folder = self._folder / kind / place.replace("/", "~")
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{name}.{os.getpid()}"
        draft.write_text(json.dumps(content))
        draft.replace(folder / f"{name}.json")

    def note(self, **line: Any) -> None:
        """One line of the journal; short enough to be written in one piece."""
        with (self._folder / "journal").open("a") as journal:
            journal.write(json.dumps(line) + "\n")


def ingest(request: Json, folder: Path, memory: Memory) -> tuple[Json, bool]:
    place, files = request["repository"], sorted((folder / "files").rglob("*"))
    content = b"".join(path.read_bytes() for path in files if path.is_file())
    digest = _digest(content)
    versions = [known for _, known in sorted(memory.read("models", place).items())]
    same = [known for known in versions if known["digest"] == digest]
    if same:
        return {"version": same[0]["version"], "versions": versions}, False
    number = len(versions) + 1
    stored = {
        "version": number,
        "modelName": request["modelName"],
        "digest": digest,
        "sizeBytes": len(content),
        "files": len(files),
        "source": f"configmap/{request['source']['configMap']['name']}",
        "artifact": f"{place}:{number}",
        "layer": _digest(b"layer" + content),
        "path": files[0].name,
        "registeredAt": "2026-01-01T00:00:00Z",
    }
    memory.write("models", place, f"{number:04}", stored)
    return {"version": number, "versions": [*versions, stored]}, True


def resolve(request: Json, folder: Path, memory: Memory) -> tuple[Json, bool]:  # noqa: ARG001
    recipe = request["recipe"]
    base = _digest(recipe["baseImage"].encode())
    wanted = [base, [line["text"] for line in recipe.get("requirements", ())], recipe.get("steps")]
    hash_ = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()
    known = memory.read("environments", request["environments"]).get(hash_)
    images = memory.read("images", request["repository"])
    used = [int(name) for name in (*images, *memory.read("logs", request["repository"]))]
    result = {
        "baseDigest": base,
        "environmentHash": hash_,
        "lastVersion": max(used, default=0),
        "versions": [images[name] for name in sorted(images, key=int, reverse=True)],
        **({"environmentDigest": known["digest"], "environmentPython": "3.11.2"} if known else {}),
    }
    return result, True


def environment(request: Json, folder: Path, memory: Memory) -> tuple[Json, bool]:  # noqa: ARG001
    place, hash_ = request["environments"], request["hash"]
    _keep_log(request, memory)
    for requirement in request["recipe"].get("requirements", ()):
        if BAD_PACKAGE in requirement["text"]:
            raise TaskFailed(_not_found(requirement["text"]))
    built = hash_ not in memory.read("environments", place)
    digest = _digest(hash_.encode())
    if built:
        memory.write("environments", place, hash_, {"digest": digest})
    return {"digest": digest, "python": "3.11.2", "seconds": 0.1, "built": built}, built


def assemble(request: Json, folder: Path, memory: Memory) -> tuple[Json, bool]:
    place, version, hash_ = request["repository"], str(request["version"]), request["hash"]
    _keep_log(request, memory)
    there = memory.read("images", place).get(version)
    if there and there["hash"] != hash_:
        memory.note(event="version taken", key=f"{place}:{version}", hash=hash_)
        raise TaskFailed(_version_taken(place, version))
    scripts = [path.read_text() for path in (folder / "files").rglob("*.py")]
    mark = BAD if any(BAD_SCRIPT in script for script in scripts) else GOOD
    digest = f"sha256:{mark}{hash_[len(mark) :]}"
    image = {"version": int(version), "digest": digest, "hash": hash_}
    memory.write("images", place, version, image)
    return {"digest": digest, "sizeBytes": 1_000_000, "seconds": 0.1}, there is None


def is_bad(image: str) -> bool:
    """Whether the script in an image (a reference by digest) fails as it starts."""
    return f"@sha256:{BAD}" in image


def _keep_log(request: Json, memory: Memory) -> None:
    """As the real ones do: a version that was tried is used up, also when its build fails."""
    log = request["log"]
    if log["tag"].count("-") == 2:  # log-<version>-<attempt>
        memory.write("logs", log["repository"], log["tag"].split("-")[1], {})


def _not_found(requirement: str) -> Json:
    return {
        "reason": "PackageNotFound",
        "class": "User",
        "message": f"{requirement}: there is no such package",
        "remedy": "Correct the name.",
        "requirement": requirement,
    }


def _version_taken(place: str, version: str) -> Json:
    said = f"{place}:{version} exists and was made from something else."
    return {"reason": "VersionTaken", "class": "Infrastructure", "message": said, "retryable": True}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def key_of(program: str, request: Json, folder: Path) -> str:
    """What the work is about: the same key is the same work."""
    files = sorted(path for path in (folder / "files").rglob("*") if path.is_file())
    parts = {
        "ingest": (request.get("repository"), *(path.read_text() for path in files)),
        "resolve": (request.get("repository"), json.dumps(request.get("recipe"))),
        "environment": (request.get("environments"), request.get("hash")),
        "assemble": (request.get("repository"), request.get("hash")),
    }
    return " ".join(map(str, (program, *parts[program])))


PROGRAMS = {
    "ingest": ingest,
    "resolve": resolve,
    "environment": environment,
    "assemble": assemble,
}


def main(program: str, registry: Path, folder: Path) -> int:
    request = json.loads((folder / "request.json").read_text())
    memory, key = Memory(registry), key_of(program, request, folder)
    memory.note(event="start", key=key, pid=os.getpid())
    try:
        done, new = PROGRAMS[program](request, folder, memory)
        result = {"ok": done}
    except TaskFailed as failure:
        new, result = False, {"failure": failure.args[0]}
    draft = folder / "result.tmp"
    draft.write_text(json.dumps(result))
    draft.replace(folder / "result.json")
    memory.note(event="end", key=key, pid=os.getpid(), new=new, failed="failure" in result)
    return int("failure" in result)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
