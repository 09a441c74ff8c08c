"""The scoring runtime for a local service: where it cannot be had, that is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.finding import Finding
from fairlead.images.bundled_runtime import RuntimeInstallError, RuntimeMissingError
from fairlead.images.front_python import FrontPythonError
from fairlead.local.errors import LocalError, refusal
from fairlead.redact import redacted

LOG_CHARS = 2000


@contextmanager
def runtime_told() -> Iterator[Path]:
    """Yield a folder to work in. Raises ``LocalError``."""
    try:
        with TemporaryDirectory(prefix="fairlead-") as work:
            yield Path(work)
    except RuntimeMissingError as error:
        said = f"This Fairlead has no scoring runtime. {error}"
        remedy = "Install Fairlead again, from a whole wheel; in a checkout, run `make setup`."
        class_ = FailureClass.INFRASTRUCTURE
        raise refusal(Reason.IMAGE_BUILD_FAILURE, said, remedy, class_) from error
    except (RuntimeInstallError, FrontPythonError) as error:
        words = redacted(getattr(error, "output", str(error)), LOG_CHARS)
        found = Finding(
            Reason.PACKAGE_INDEX_UNREACHABLE,
            FailureClass.NETWORK,
            "The scoring runtime could not be installed: the package index does not answer, or "
            "lacks what the runtime is made of.",
            "See that this machine reaches the index (FAIRLEAD_PACKAGE_INDEX), and try again.",
        )
        raise LocalError(found, words) from error
