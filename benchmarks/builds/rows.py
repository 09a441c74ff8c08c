"""The rows of the table: who makes images, of which environment, for a model of which size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DOCKER, LOCAL, JOB = "docker", "local", "job"
PIP, CONDA = "pip", "conda"
SIZES_MIB = (10, 1024, 4096)
LARGE_MIB = 4096  # minutes a row: measured where it is asked for
TWENTY = "job-twenty"
"""The row of its own kind: twenty images with one environment at once."""


@dataclass(frozen=True)
class Row:
    builder: str
    environment: str
    model_mib: int

    @property
    def name(self) -> str:
        return f"{self.builder}-{self.environment}-{self.model_mib}"

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.name.split("-"))


ROWS = tuple(
    Row(builder, environment, size)
    for builder in (DOCKER, LOCAL, JOB)
    for environment in ((PIP,) if builder == DOCKER else (PIP, CONDA))
    for size in SIZES_MIB
)


def chosen(selectors: Iterable[str]) -> tuple[Sequence[Row], bool]:
    """The rows that have all words of a selector (``job-conda``, ``4096``), in the table's order;
    and whether ``job-twenty`` is asked for. Without selectors: all but the largest models.

    Raises ``ValueError`` for a selector that no row has.
    """
    asked = [frozenset(selector.split("-")) for selector in selectors]
    if not asked:
        return [row for row in ROWS if row.model_mib != LARGE_MIB], True
    twenty = frozenset(TWENTY.split("-"))
    for words in asked:
        if not any(words <= known for known in (twenty, *(row.words for row in ROWS))):
            names = ", ".join((*(row.name for row in ROWS), TWENTY))
            raise ValueError(f"No row is called {'-'.join(sorted(words))}. There are: {names}.")
    rows = [row for row in ROWS if any(words <= row.words for words in asked)]
    return rows, any(words <= twenty for words in asked)
