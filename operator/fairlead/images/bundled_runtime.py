"""Which scoring runtime an image gets, and under which key its layer is kept.

How such a layer is made is not known here (``runtime_layer``): most images get one that is there.
"""

import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from fairlead.canonical import canonical_json
from fairlead.images.debugger import debugger_requirement
from fairlead.images.front_python import FrontPython, front_python, is_too_old
from fairlead.registry.oci import PLATFORM, digest_of
from fairlead.settings import Settings

BUNDLE = Path(__file__).parent / "runtime"
DISTRIBUTION = "fairlead_scoring"
LAYER_FORMAT = 3  # goes up when the layer is made in another way


class RuntimeMissingError(Exception):
    """This Fairlead was put together without the runtime's wheel."""


class RuntimeInstallError(Exception):
    """pip could not install the runtime; ``output`` is what it said."""

    def __init__(self, output: str) -> None:
        super().__init__("pip could not install the scoring runtime")
        self.output = output


@dataclass(frozen=True)
class Runtime:
    """What the layer is made from. ``python`` is that of the environment, ``3.11``.

    ``front`` is the Python that is brought along for the server, where that is another one; it may
    also be one of the base image, of the version ``server``. ``musl``: for an image without glibc.
    ``debugger``: with debugpy in a folder of its own.
    """

    wheel: Path
    python: str
    front: FrontPython | None = None
    server: str | None = None
    musl: bool = False
    debugger: bool = False

    @property
    def compiled(self) -> bool:
        """Whether the layer brings bytecode of our making: the server's Python is one like ours."""
        own = "{}.{}".format(*sys.version_info[:2])
        return self.front is None and (self.server or self.python) == own

    @property
    def key(self) -> str:
        """The tag under which the layer is kept."""
        made_from = {
            "format": LAYER_FORMAT,
            "wheel": digest_of(self.wheel.read_bytes()),
            "python": self.python,
            "platform": str(PLATFORM),
            **({"front": self.front.sha256} if self.front else {}),
            **({"server": self.server} if self.server else {}),
            **({"compiled": True} if self.compiled else {}),
            **({"libc": "musl"} if self.musl else {}),
            **({"debugger": debugger_requirement(self.python)} if self.debugger else {}),
        }
        return hashlib.sha256(canonical_json(made_from)).hexdigest()


def bundled_runtime(
    python: str, settings: Settings, server: str | None = None, *, musl: bool = False
) -> Runtime:
    """Return the newest bundled wheel for a Python such as ``3.11.2``.

    ``server`` is the version of one of the base image's, which the server can run on.

    Raises ``RuntimeMissingError``, ``FrontPythonError``.
    """
    wheels = sorted(BUNDLE.glob(f"{DISTRIBUTION}-*.whl"), key=_version)
    if not wheels:
        raise RuntimeMissingError(f"There is no {DISTRIBUTION}-*.whl in {BUNDLE}.")
    if server is not None and is_too_old(python):
        return Runtime(wheels[-1], minor(python), server=minor(server))
    return Runtime(wheels[-1], minor(python), front_python(python, settings), musl=musl)


def minor(python: str) -> str:
    """``3.11`` of ``3.11.2``."""
    return ".".join(python.split(".")[:2])


def _version(wheel: Path) -> list[int]:
    """Of ``fairlead_scoring-0.10.0-py3-none-any.whl``: ours are numbers with dots."""
    return [int(part) for part in re.findall("[0-9]+", wheel.name.split("-")[1])]
