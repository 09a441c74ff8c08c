"""What changes from one image to the next, and the contents that stand for it."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

MIB = 1024**2
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return {}\n"
PINS = ("24.2.0", "25.3.0")
TWENTIETHS_PIN = "25.1.0"  # that no image before had
REQUIREMENTS = "numpy==2.0.2\nattrs=={}\n"
CONDA_FILE = """\
dependencies:
- python={version}
- attributes={pin}
- pip:
  - numpy==2.0.2
"""


@dataclass(frozen=True)
class Inputs:
    """What an image is made of; each number stands for other content."""

    pin: int = 0
    script: int = 0
    model: int = 0


FIRST = Inputs()
CHANGES = {
    "first build": FIRST,
    "changed pin": replace(FIRST, pin=1),
    "changed script": replace(FIRST, pin=1, script=1),
    "changed model": replace(FIRST, pin=1, script=1, model=1),
    "nothing changed": replace(FIRST, pin=1, script=1, model=1),
}
NEW_MODEL = frozenset({"first build", "changed model"})


class Maker(Protocol):
    def prepare(self, inputs: Inputs, change: str) -> None:
        """What the user has at hand before; it is not measured."""

    def make(self, inputs: Inputs, change: str) -> None:
        """Put an image of these inputs into the registry."""


def write_model(path: Path, size_mib: int) -> None:
    """Bytes that nothing makes smaller: compression looks back 32 KiB, and a block is 1 MiB."""
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for number in range(size_mib):
            file.write(number.to_bytes(8, "big") + block[8:])
