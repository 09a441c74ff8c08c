"""``python -m tests.counted_pytest FILE ARGUMENT...``: pytest; FILE says what of the operator ran.

Slipcover marks each line and branch when a module of the operator is imported, and takes a mark
away once it was met. A tracer such as coverage.py's is called for every line of every library too:
the tests took twice the processor time. What runs in child processes is not counted.
"""

import json
import sys
from pathlib import Path

import pytest
import slipcover

CHECKOUT = Path(__file__).parents[1]
OPERATOR = "operator/fairlead"
NOT_REWRITTEN = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"  # slipcover
NOT_TO_BE_RUN = ("if __name__ == .__main__.:", r": \.\.\.$")  # the latter: a Protocol's methods


def main(counts: Path, arguments: list[str]) -> int:
    """Slipcover's JSON goes to ``counts``. Returns pytest's exit code."""
    source = [str(CHECKOUT / OPERATOR)]
    counting = slipcover.Slipcover(branch=True, source=source, exclude_also=NOT_TO_BE_RUN)
    with slipcover.ImportManager(counting, slipcover.FileMatcher(sources=source)):
        code = pytest.main(["-W", NOT_REWRITTEN, *arguments])
    counts.write_text(json.dumps(counting.get_coverage()))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
