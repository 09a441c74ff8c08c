"""``python -m fairlead``: begins the operator, most of whose start is what it imports.

While modules are imported there is no garbage to look for, and what they are is looked at no more.
What libraries import only where it is installed, for purposes that are not ours, is left out: where
there is nothing else, as in the image, it is not installed.
"""

import gc

from fairlead.left_out import leave_out

UNUSED = (
    "google.auth",  # kubernetes' own way to log in, which is not the operator's
    "rich",  # structlog's colours
)


def main() -> None:
    """Import the operator and run it."""
    gc.disable()
    leave_out(*UNUSED)
    from fairlead.operator_program import main as run

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
