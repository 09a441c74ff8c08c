"""``Experiment`` and ``Run``: enough for scripts that train here and register what they wrote."""

import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairlead.azureml.absent import TRAIN_ELSEWHERE
from fairlead.azureml.exceptions import UnsupportedError, WebserviceException
from fairlead.azureml.model import Model

if TYPE_CHECKING:
    from fairlead.azureml.workspace import Workspace


class Run:
    """A run of this process. Metrics are kept as long as it lasts; files stay where they are."""

    def __init__(self, experiment: "Experiment | None" = None) -> None:
        self.experiment = experiment
        self.id = f"local-{datetime.now(UTC):%Y%m%d%H%M%S}"
        self.status = "Running"
        self._metrics: dict[str, Any] = {}
        self._files: dict[str, Path] = {}

    @staticmethod
    def get_context(allow_offline: bool = True, **kwargs: object) -> "Run":
        del allow_offline, kwargs
        return Run()

    def log(self, name: str, value: Any, description: str = "", **kwargs: object) -> None:
        """Logged twice, it is a list."""
        del description, kwargs
        known = self._metrics.get(name)
        if known is None:
            self._metrics[name] = value
        else:
            self._metrics[name] = [*(known if isinstance(known, list) else [known]), value]

    def log_list(self, name: str, value: list[Any], description: str = "") -> None:
        del description
        self._metrics[name] = list(value)

    def log_row(self, name: str, description: str | None = None, **row: Any) -> None:
        del description
        self.log(name, row)

    def log_image(self, name: str, path: str | None = None, **kwargs: object) -> None:
        """Nothing is kept of it."""

    log_table = log_list

    def tag(self, key: str, value: str | None = None) -> None:
        """Nothing is kept of it."""

    def get_metrics(self, name: str | None = None, **kwargs: object) -> dict[str, Any]:
        del kwargs
        return {key: one for key, one in self._metrics.items() if name in (None, key)}

    def upload_file(self, name: str, path_or_stream: str, **kwargs: object) -> None:
        """``register_model`` finds it under ``name``."""
        del kwargs
        path = Path(path_or_stream)
        if not path.exists():
            raise WebserviceException(f"{path_or_stream} cannot be found in {Path.cwd()}.")
        self._files[name] = path.absolute()

    def upload_folder(self, name: str, path: str, **kwargs: object) -> None:
        self.upload_file(name, path, **kwargs)

    def get_file_names(self) -> list[str]:
        return sorted(self._files)

    def download_file(self, name: str, output_file_path: str | None = None) -> None:
        target = Path(output_file_path or Path(name).name)
        target.parent.mkdir(parents=True, exist_ok=True)
        source = self._files.get(name, Path(name))
        if source.absolute() != target.absolute():
            shutil.copy2(source, target)

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> Model:
        """Of what was uploaded under ``model_path``, else of the file or folder of that path."""
        if self.experiment is None:
            raise WebserviceException(
                "This run has no workspace: begin it with Experiment(ws, name).start_logging(), or "
                "use Model.register(workspace=ws, ...)."
            )
        asked = model_path or model_name
        return Model.register(
            self.experiment.workspace,
            str(self._files.get(asked, asked)),
            model_name,
            tags=tags,
            properties=properties,
            description=description,
            model_framework=model_framework,
            model_framework_version=model_framework_version,
            **kwargs,
        )

    def get_portal_url(self) -> str:
        """Empty: nobody shows it."""
        return ""

    def get_details(self) -> dict[str, Any]:
        return {"runId": self.id, "status": self.status}

    def wait_for_completion(self, show_output: bool = False, **kwargs: object) -> dict[str, Any]:
        del show_output, kwargs
        return {"runId": self.id, "status": self.status}

    def complete(self) -> None:
        self.status = "Completed"

    def fail(self, error_details: object = None, **kwargs: object) -> None:
        del error_details, kwargs
        self.status = "Failed"

    def cancel(self) -> None:
        self.status = "Canceled"

    def get_status(self) -> str:
        return self.status

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.status = "Completed" if kind is None else "Failed"


class Experiment:
    """A name for runs."""

    def __init__(self, workspace: "Workspace", name: str, **kwargs: object) -> None:
        del kwargs
        self.workspace, self.name = workspace, name

    def start_logging(self, *args: object, **kwargs: object) -> Run:
        """A run of this process."""
        del args, kwargs
        sys.stdout.write("The run is of this process: its metrics are not kept.\n")
        return Run(self)

    def submit(self, config: object, tags: object = None, **kwargs: object) -> Run:
        del config, tags, kwargs
        raise UnsupportedError("Experiment.submit()", TRAIN_ELSEWHERE)

    def get_runs(self, *args: object, **kwargs: object) -> list[Run]:
        del args, kwargs
        return []
