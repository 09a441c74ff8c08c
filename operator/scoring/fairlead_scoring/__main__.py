"""The image's entry point, started by path: nothing of the user's environment is visible here."""

import gc
import os
import signal
import sys
from pathlib import Path


def open_standard_streams() -> None:
    """Open what was closed: else the next files to be opened would be stdout and stderr."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
            os.set_inheritable(number, True)  # noqa: FBT003 - it takes no keyword


def main() -> int:
    open_standard_streams()
    # Process 1 of a container ignores signals that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda *_: None)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    gc.disable()  # what is imported stays: looking through it takes a twentieth of a start
    from fairlead_scoring.front.main import main as serve

    gc.enable()
    return serve(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
