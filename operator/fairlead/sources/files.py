"""Files handed over by the operator: a ConfigMap's keys, each a file."""

from dataclasses import dataclass
from pathlib import Path

from fairlead.sources.base import Digests, Limits, Meter, chunks


@dataclass(frozen=True)
class FilesSource:
    """What lies in ``folder``; it stays there."""

    folder: Path
    name: str
    """``configmap/<name>``, for messages."""

    @property
    def origin(self) -> str:
        return ""

    def fetch(self, into: Path, limits: Limits) -> Digests:
        meter, digests = Meter(limits, self.name), {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                meter.count_file()
                name = path.relative_to(self.folder).as_posix()
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                with path.open("rb") as file:
                    digests[name] = meter.store(chunks(file), into / name)
        return digests
