"""``python -m tests``: every test, in two processes side by side.

One runs the tests that use the cluster, which mostly wait for it; the other runs all the others.
What the second prints is shown when the first has ended. Ends with 1 where either has failed.
"""

import shutil
import subprocess
import sys
import tempfile
from typing import IO

PYTEST = (sys.executable, "-m", "pytest")


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryFile() as output:
        others = subprocess.Popen(
            [*PYTEST, "--cluster-tests=none", "-p", "no:cacheprovider", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            on_the_cluster = subprocess.call([*PYTEST, "--cluster-tests=only", *arguments])
            without_one = others.wait()
        finally:
            others.kill()
            _show(output)
    for which, code in (("on the cluster", on_the_cluster), ("without it", without_one)):
        outcome = "passed" if code == 0 else f"failed, exit code {code}"
        sys.stdout.write(f"Tests {which}: {outcome}\n")
    return int(bool(on_the_cluster or without_one))


def _show(output: IO[bytes]) -> None:
    output.seek(0)
    sys.stdout.flush()
    shutil.copyfileobj(output, sys.stdout.buffer)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
