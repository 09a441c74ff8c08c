"""Where `fairlead` begins. What is imported is what is needed: the first line is there soon."""

import gc
import os
import sys
from types import TracebackType

from fairlead.cli.exit_codes import BUG, INTERRUPTED, USAGE
from fairlead.left_out import leave_out

TRACEBACK = "FAIRLEAD_TRACEBACK"
NOT_INSTALLED = "fairlead: the command line is not installed here: pip install 'fairlead[cli]'\n"
MAX_SAID_CHARS = 300
EXTRA = ("typer", "rich")
GARBAGE_EVERY = 50_000  # new objects: most commands end before that, and what is imported is none


def main() -> None:
    """Run the command that the command line names, and end the process."""
    sys.excepthook = _bug
    gc.set_threshold(GARBAGE_EVERY)
    leave_out("httpx._main")  # its command line, and rich with it
    try:
        import typer.main

        from fairlead.cli.app import app
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in EXTRA:
            raise
        sys.stderr.write(NOT_INSTALLED)
        sys.exit(USAGE)
    typer.main.get_command(app)(prog_name=_name(sys.argv[0]))


def _name(path: str) -> str:
    """As it was called: kubectl calls plug-ins by another name."""
    return "kubectl fairlead" if os.path.basename(path).startswith("kubectl-") else "fairlead"  # noqa: PTH119


def _bug(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """What nobody expected: one line, and the traceback for whoever asks for it."""
    if issubclass(kind, KeyboardInterrupt):  # before the command had begun, or after it
        sys.stderr.write("\nInterrupted.\n")
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    if os.environ.get(TRACEBACK):
        sys.stderr.write(_traceback(error))
    else:
        from fairlead.redact import one_line

        said = one_line(str(error))[:MAX_SAID_CHARS]
        sys.stderr.write(
            f"InternalError: {kind.__name__}: {said}\n"
            f"  Remedy:  This is a bug of Fairlead: please report it, with what {TRACEBACK}=1 "
            "shows.\n"
        )
    sys.stderr.flush()
    os._exit(BUG)  # Python itself would end with 1


def _traceback(error: BaseException) -> str:
    """All of it but for secrets: it is to be sent to others."""
    from traceback import format_exception

    from fairlead.redact import redacted_log

    return redacted_log("".join(format_exception(error)))


if __name__ == "__main__":
    main()
