"""Where things lie: the checkout, and the one folder outside it for what is kept and what runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.versions import UV

PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Places:
    """``checkout`` is the folder with the Makefile; ``cache`` outlives it."""

    checkout: Path
    cache: Path

    @property
    def programs(self) -> Path:
        return self.cache / "programs"

    @property
    def scratch(self) -> Path:
        """For what is under construction; emptied whenever a run begins."""
        return self.cache / "scratch"

    @property
    def bytecode(self) -> Path:
        """Of all Python that tests run."""
        return self.cache / "bytecode"

    @property
    def engine_data(self) -> Path:
        """The data-root of a Docker Engine of our own: its images are kept."""
        return self.cache / "docker"

    @property
    def run(self) -> Path:
        """Lock, state and logs of what runs now."""
        return self.cache / "run"

    @property
    def log(self) -> Path:
        return self.run / "cluster.log"

    @property
    def kubeconfig(self) -> Path:
        return self.run / "kubeconfig"

    @property
    def uv(self) -> Path:
        return self.cache / f"uv-{UV}/bin/uv"

    @property
    def kind_config(self) -> Path:
        return self.checkout / "kind-config.yaml"

    @property
    def artifacts(self) -> Path:
        """What a failed run leaves to be read."""
        return self.checkout / ".artifacts"


def places(environment: Mapping[str, str] = os.environ) -> Places:
    """FAIRLEAD_CACHE, or ``fairlead`` in XDG_CACHE_HOME, or ~/.cache/fairlead."""
    named = environment.get("FAIRLEAD_CACHE")
    home = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(named) if named else home / "fairlead"
    return Places(checkout=PACKAGE.parent.parent, cache=cache.absolute())
