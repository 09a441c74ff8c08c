"""``python -m tests.faults.standins.run_operator REGISTRY``: the operator, with stand-in tasks.

Everything but the programs of its tasks is the operator's own.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from unittest.mock import patch

from fairlead import operator_program as operator
from fairlead.runners.local import LocalRunner

TASK = Path(__file__).with_name("task.py")


def main(registry: Path) -> None:
    """Run the operator until it is told to stop; its tasks share the folder ``registry``."""

    def command(program: str) -> Sequence[str]:
        return sys.executable, "-I", "-S", str(TASK), program, str(registry)

    with patch("fairlead.runners.local.LocalRunner", partial(LocalRunner, command=command)):
        operator.main()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
