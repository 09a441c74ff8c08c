"""Debian packages, installed without starting any service that comes with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.command import run

POLICY = Path("/usr/sbin/policy-rc.d")  # asked by every package before it starts a service
NO_SERVICES = "#!/bin/sh\nexit 101\n"
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def install(packages: Sequence[str]) -> None:
    with no_services():
        run(["apt-get", "update", "--quiet"], environment=QUIET)
        run(
            ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages],
            environment=QUIET,
        )


@contextmanager
def no_services() -> Iterator[None]:
    """Keep installed services from starting; a policy that the machine has stays in force."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(NO_SERVICES)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
