"""Why the scoring server did not start, from its start-up record or the traceback in its log."""

import difflib
import re

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.images.layout import APP_ROOT
from fairlead.inputs.startup_record import StartupRecord

MODEL_ASKED_FOR = re.compile(r"Model (\S+) not found")  # Azure ML's own words
MODULE_ASKED_FOR = re.compile(r"No module named '([^']+)'")
INTERRUPTED = "InitInterrupted"  # the runtime was told to stop before init() returned
ENDED = ("ProcessKilled", "ProcessExited")  # no exception of the script: its process was ended
NO_MODEL = ("ModelNotFoundException", "WebserviceException")
NO_MODULE = ("ModuleNotFoundError", "ImportError")


def startup_failure(record: StartupRecord, about: PodContext) -> Finding:
    """Return what the record means; the first meaning that fits wins."""
    exception = record.exception.rsplit(".", 1)[-1]
    asked_for = MODEL_ASKED_FOR.search(record.message)
    if exception == INTERRUPTED:
        return init_timed_out(about, str(record.location) if record.location else None)
    if exception in NO_MODEL and asked_for:
        return _model_not_found(record, asked_for[1], about)
    if exception in ENDED:
        return _ended(record, about)
    if record.stage == "import":
        return _import_failed(record, exception, about)
    if record.stage == "script":
        return _function_not_found(record, about)
    return _init_raised(record, exception, about)


def init_timed_out(about: PodContext, where: str | None) -> Finding:
    at = f"; it was at {where}" if where else ""
    return Finding(
        Reason.INIT_TIMED_OUT,
        FailureClass.USER,
        f"init() had not returned after {about.startup_budget} s and was ended{at}.",
        f"Let init() do less, or raise spec.probes.initialDelaySeconds of Webservice "
        f"'{about.webservice}' (now {about.startup_budget}).",
        where,
    )


def is_module_missing(record: StartupRecord) -> bool:
    exception = record.exception.rsplit(".", 1)[-1]
    return exception in NO_MODULE and MODULE_ASKED_FOR.search(record.message) is not None


def _model_not_found(record: StartupRecord, asked_for: str, about: PodContext) -> Finding:
    models = record.models or ()
    present = ", ".join(
        f"{model.name} (version {', '.join(map(str, model.versions))})" for model in models
    )
    none = "" if record.models is None else " The image has no model."  # a record that was cut
    has = f" The image has: {present}." if present else none
    names = difflib.get_close_matches(asked_for, [model.name for model in models], n=1)
    hint = f" (did you mean '{names[0]}'?)" if names else ""
    return Finding(
        Reason.MODEL_FILE_NOT_FOUND,
        FailureClass.USER,
        f"{record.stage}() raised {record.exception.rsplit('.', 1)[-1]}{_at(record)}: no model "
        f"'{asked_for}' in this image.{has}",
        f"Correct the name{_in(record)}{hint}, or add the model to spec.models of {_image(about)}.",
        _location(record),
    )


def _import_failed(record: StartupRecord, exception: str, about: PodContext) -> Finding:
    module = MODULE_ASKED_FOR.search(record.message)
    if exception in NO_MODULE and module:
        remedy = (
            f"Add the package that provides '{module[1]}' to the conda or requirements file of "
            f"{_image(about)}, or correct the import."
        )
    else:
        remedy = f"Correct the code{_in(record)}."
    return Finding(
        Reason.USER_SCRIPT_IMPORT_ERROR,
        FailureClass.USER,
        f"The script could not be imported: {exception}{_at(record)}: {record.message}",
        remedy,
        _location(record),
    )


def _function_not_found(record: StartupRecord, about: PodContext) -> Finding:
    return Finding(
        Reason.USER_SCRIPT_FUNCTION_NOT_FOUND,
        FailureClass.USER,
        record.message,
        f"Define init() and run(data) at the top level of the entry script of {_image(about)}.",
        _location(record),
    )


def _init_raised(record: StartupRecord, exception: str, about: PodContext) -> Finding:
    return Finding(
        Reason.USER_SCRIPT_INIT_FAILED,
        FailureClass.USER,
        f"init() raised {exception}{_at(record)}: {record.message}",
        f"Correct the code{_in(record)} in the source of {_image(about)}; the traceback is in "
        "status.failure.logTail.",
        _location(record),
    )


def _ended(record: StartupRecord, about: PodContext) -> Finding:
    return Finding(
        Reason.USER_SCRIPT_INIT_FAILED,
        FailureClass.USER,
        record.message,
        "See the end of the log for what it did last: native code that crashed, or a call of "
        f"exit() in the source of {_image(about)}.",
        _location(record),
    )


def _location(record: StartupRecord) -> str | None:
    return str(record.location) if record.location else None


def _at(record: StartupRecord) -> str:
    return f" at {record.location}" if record.location else ""


def _in(record: StartupRecord) -> str:
    return f" in {record.location}" if record.location else ""


def _image(about: PodContext) -> str:
    image = about.inference_image
    return f"InferenceImage '{image}'" if image else f"the image {about.image}"


FRAME = re.compile(rf'File "/{re.escape(APP_ROOT)}/([^"]+)", line (\d+)')


def user_location(log: str) -> str | None:
    """Return ``score.py:12``: the innermost frame in the user's files, of the last traceback."""
    frames = FRAME.findall(log)
    return "{}:{}".format(*frames[-1]) if frames else None
