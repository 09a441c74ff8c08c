"""Ages, owners, and lines of logs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fairlead.remote.ages import age, words
from fairlead.remote.gitops import owner_of, warning
from fairlead.remote.logs import MAX_LINE_BYTES, lines_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0s"),
        (59, "59s"),
        (60, "1m"),
        (7199, "119m"),
        (7200, "2h"),
        (2 * 86_400 - 1, "47h"),
        (2 * 86_400, "2d"),
        (10**8, "1157d"),
    ],
)
def test_ages(seconds: int, said: str) -> None:
    assert words(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-01-01", 3, {}])
def test_what_is_no_time(text: Any) -> None:
    assert age(text, NOW) == ""
    assert age("2026-01-01T00:00:00Z", NOW) == "24h"


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, None),
        ({"labels": ["x"], "annotations": 3, "managedFields": "x"}, None),
        ({"managedFields": [None, {"manager": "kubectl"}]}, None),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "fleet:fairlead.dev/W:a/b"}},
            "Argo CD (application fleet)",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "x"}}, "Argo CD (application x)"),
        (
            {
                "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "apps",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                }
            },
            "Flux (Kustomization flux-system/apps)",
        ),
        (
            {
                "labels": {
                    "helm.toolkit.fluxcd.io/name": "apps",
                    "helm.toolkit.fluxcd.io/namespace": "x\x1b[2J",
                }
            },
            "Flux (HelmRelease x/apps)",
        ),
        ({"managedFields": [{"manager": "argocd-controller"}]}, "Argo CD"),
        ({"managedFields": [{"manager": "kustomize-controller"}]}, "Flux"),
    ],
)
def test_who_applies_an_object_from_git(metadata: Any, said: str | None) -> None:
    owner = owner_of({"metadata": metadata})
    assert (owner.words if owner else None) == said
    assert bool(warning({"metadata": metadata})) == (said is not None)


def test_lines_come_whole_and_never_too_long() -> None:
    assert list(lines_of(iter([b"a\nb", b"c\n", b"d"]))) == [b"a\n", b"bc\n", b"d"]
    long = b"x" * (3 * MAX_LINE_BYTES)
    found = list(lines_of(iter([long[:10], long[10:], b"y\nz"])))
    assert b"".join(found) == long + b"y\nz"
    assert max(map(len, found)) <= MAX_LINE_BYTES
    assert max(map(len, lines_of(iter([long + b"\n"])))) <= MAX_LINE_BYTES
