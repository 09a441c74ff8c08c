"""How an attempt ended, from what it left behind: whatever that is, there is a state."""

import errno
import signal
from dataclasses import replace
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    EXIT_NO_SPACE,
    MAX_RESULT_BYTES,
    RESULT_FILE,
    Task,
    TaskFailure,
    TaskPhase,
    TaskResult,
    TaskState,
    read_result,
    timed_out,
)
from fairlead.runners.attempt_log import read_log
from fairlead.runners.handed_files import UnsafeFileError
from fairlead.runners.process import Ending
from fairlead.runners.regular_file import read_start

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
LOG_TAIL_BYTES = 8000  # of a log, that a crash shows the end of


def outcome(folder: Path, state: TaskState, task: Task, ending: Ending) -> TaskState:
    """Return ``state`` as the attempt in ``folder`` ended it."""
    result = left_result(folder, task.program)
    if isinstance(result, TaskResult) and result.ok is not None:
        return replace(state, phase=TaskPhase.SUCCEEDED, result=result.ok)
    failure = result.failure if isinstance(result, TaskResult) else None
    if not ending.in_time and (failure is None or failure.reason is Reason.TASK_INTERRUPTED):
        failure = timed_out(task.program, task.timeout, _log_tail(folder))
    if failure is None:
        failure = _crashed(folder, result if isinstance(result, str) else "", ending.code)
    return failed(state, failure)


def failed(state: TaskState, failure: TaskFailure) -> TaskState:
    return replace(state, phase=TaskPhase.FAILED, failure=failure)


def left_result(folder: Path, program: str) -> TaskResult | str | None:
    """The result in ``folder``; what is wrong with it, where it cannot be taken; None where there
    is none."""
    try:
        content = read_start(folder / RESULT_FILE, MAX_RESULT_BYTES + 1)
        return read_result(program, content)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    except ValueError:
        return "is not what the program returns"


def not_prepared(error: OSError | UnsafeFileError) -> TaskFailure:
    """The failure of a task whose folder could not be written."""
    if isinstance(error, UnsafeFileError):
        return TaskFailure(
            reason=Reason.INVALID_SPEC,
            class_=FailureClass.USER,
            message=f"The source cannot be handed to a task: {error}.",
            remedy="Give the file another name.",
        )
    if error.errno in DISK_FULL:
        return _out_of_disk("There is no room on the disk for the folder of a task.")
    return _infrastructure(f"The folder of a task could not be written ({error.strerror}).")


def not_started(error: OSError) -> TaskFailure:
    """The failure of a task whose process could not be made."""
    if error.errno in DISK_FULL:
        return _out_of_disk("There is no room on the disk for the log of a task.")
    return _infrastructure(f"The task could not be started ({error.strerror}).")


def runner_failed(error: BaseException) -> TaskFailure:
    """The failure of a task because of a bug of ours; the operator's log has the traceback."""
    return _infrastructure(f"The operator could not run the task ({type(error).__name__}).")


def _crashed(folder: Path, wrong: str, code: int | None) -> TaskFailure:
    if not wrong and code == EXIT_NO_SPACE:
        return _out_of_disk("The disk had no room for the result of the task.")
    what = f"a result that {wrong}" if wrong else "no result"
    return TaskFailure(
        reason=Reason.TASK_CRASHED,
        class_=FailureClass.UNKNOWN,
        message=f"The task ended with {what} ({_words(code)}); the end of its log is below.",
        remedy="It is tried again. If that does not help, report it with the log.",
        log_tail=_log_tail(folder),
        retryable=True,
    )


def _log_tail(folder: Path) -> str:
    return read_log(folder, LOG_TAIL_BYTES).decode(errors="replace")


def _words(code: int | None) -> str:
    if code is None:
        return "it could not be ended"
    if code >= 0:
        return f"exit code {code}"
    known = {number.value: number.name for number in signal.Signals}
    return f"killed by {known.get(-code, f'signal {-code}')}"


def _out_of_disk(message: str) -> TaskFailure:
    return TaskFailure(
        reason=Reason.OUT_OF_DISK,
        class_=FailureClass.RESOURCE,
        message=message,
        remedy="Make room in FAIRLEAD_STATE_FOLDER of the operator, or point it at a larger disk; "
        "it is tried again.",
        retryable=True,
    )


def _infrastructure(message: str) -> TaskFailure:
    return TaskFailure(
        reason=Reason.TASK_CRASHED,
        class_=FailureClass.INFRASTRUCTURE,
        message=message,
        remedy="It is tried again. The operator's log tells more.",
        retryable=True,
    )
