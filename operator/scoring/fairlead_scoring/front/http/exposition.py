"""Prometheus' text format, written by ourselves: its client imports an HTTP server, an archiver and
temporary files, an eighth of a start, before there is anything to count."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
GO_DIGITS = 6  # before the dot: Go writes a larger number with an exponent


class Sample(NamedTuple):
    """``label``: a name and a value."""

    name: str
    value: float
    label: tuple[str, str] | None = None


class Family(NamedTuple):
    """Samples of one kind (``gauge``, ``counter``, ``histogram``) below one name."""

    name: str
    kind: str
    description: str
    samples: Sequence[Sample]


def gauge(name: str, description: str, value: float) -> Family:
    return Family(name, "gauge", description, [Sample(name, value)])


def counter(name: str, description: str, value: float) -> Family:
    """``name`` is without its ``_total``."""
    total = f"{name}_total"
    return Family(total, "counter", description, [Sample(total, value)])


def counters(name: str, description: str, label: str, values: Iterable[tuple[str, int]]) -> Family:
    """One for each value of ``label``; ``name`` is without its ``_total``."""
    total = f"{name}_total"
    samples = [Sample(total, count, (label, value)) for value, count in values]
    return Family(total, "counter", description, samples)


def histogram(
    name: str, description: str, buckets: Sequence[tuple[str, int]], sum_: float
) -> Family:
    """``buckets``: each bound with how many values are not above it; the last is ``+Inf``."""
    samples = [Sample(f"{name}_bucket", count, ("le", bound)) for bound, count in buckets]
    samples += [Sample(f"{name}_count", buckets[-1][1]), Sample(f"{name}_sum", sum_)]
    return Family(name, "histogram", description, samples)


def exposition(families: Iterable[Family]) -> bytes:
    return "".join(line for family in families for line in _lines(family)).encode()


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.description)}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for name, value, label in family.samples:
        labels = f'{{{label[0]}="{_escaped(label[1], quoted=True)}"}}' if label else ""
        yield f"{name}{labels} {number(value)}\n"


def _escaped(text: str, *, quoted: bool = False) -> str:
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quoted else escaped


def number(value: float) -> str:
    """As Go writes it."""
    value = float(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    text = repr(value)
    dot = text.find(".")
    if value > 0 and dot > GO_DIGITS:
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return text
