"""The image's entry point, started by path: nothing of the user's environment is visible here."""

import signal
import sys
from pathlib import Path


def main() -> int:
    # Process 1 of a container ignores signals that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from fairlead_scoring.front.main import main as serve

    return serve(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
