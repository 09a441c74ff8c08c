"""Task programs run as the operator runs them, and what becomes of them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairlead.api.wire import Wire
from fairlead.contract import FILES_FOLDER, REQUEST_FILE, RESULT_FILE, TaskFailure, TaskResult

PATIENCE = 300.0  # seconds, beside other tests


@dataclass(frozen=True)
class Ended:
    """``result`` is None where the program left none."""

    code: int
    result: TaskResult | None
    log: str

    @property
    def ok(self) -> dict[str, Any]:
        assert self.result, self.log
        assert self.result.ok is not None, self.log
        assert self.code == 0
        return self.result.ok

    @property
    def failure(self) -> TaskFailure:
        assert self.result, self.log
        assert self.result.failure, self.log
        assert self.code == 1
        return self.result.failure


@dataclass
class Tasks:
    """Starts programs in folders below ``root``; ``settings`` are environment variables."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def run(self, program: str, request: Wire, files: Mapping[str, bytes] | None = None) -> Ended:
        folder = self.prepare(request, files or {})
        return self.finish(self.start(program, folder), folder)

    def prepare(self, request: Wire, files: Mapping[str, bytes]) -> Path:
        self.count += 1
        folder = self.root / f"task-{self.count}"
        folder.mkdir()
        (folder / REQUEST_FILE).write_text(request.model_dump_json(by_alias=True))
        for name, content in files.items():
            path = folder / FILES_FOLDER / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    def start(self, program: str, folder: Path) -> "subprocess.Popen[str]":
        with (folder / "log").open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"fairlead.tasks.{program}", str(folder)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.settings},
                start_new_session=True,
                text=True,
            )

    def finish(self, process: "subprocess.Popen[str]", folder: Path) -> Ended:
        code = process.wait(PATIENCE)
        path = folder / RESULT_FILE
        result = TaskResult.model_validate(json.loads(path.read_text())) if path.exists() else None
        assert not (folder / "work").exists() or code < 0, "the work folder is left over"
        return Ended(code, result, (folder / "log").read_text())
