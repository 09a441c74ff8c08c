"""What an object refers to and what is not there yet: any order of creation converges."""

from datetime import datetime, timedelta
from typing import Any

from fairlead.api.conditions import false, unknown
from fairlead.api.objects import Resource
from fairlead.api.reasons import Reason
from fairlead.api.status import CommonStatus, FailureClass, FailureStatus
from fairlead.decide.decision import StageResult

APPLIED_TOGETHER = timedelta(seconds=3)


def missing(
    type_: str,
    reason: Reason,
    message: str,
    remedy: str,
    known: FailureStatus | None,
    now: datetime,
) -> StageResult:
    """Return the stage of a stage that waits for an object somebody has to make."""
    failure = FailureStatus(
        reason=reason,
        class_=FailureClass.DEPENDENCY,
        message=message,
        remedy=remedy,
        since=known.since if known and known.reason == reason else now,
    )
    return StageResult(false(type_, reason, message), failure)


def not_found(
    type_: str,
    reason: Reason,
    message: str,
    remedy: str,
    resource: Resource[Any, CommonStatus],
    now: datetime,
) -> StageResult:
    """Return the stage of a ``resource`` that names what does not exist.

    Manifests of one folder are applied one after the other: what a new object names is given a
    moment to come, before anybody is warned.
    """
    left_s = (resource.created_at + APPLIED_TOGETHER - now).total_seconds()
    if left_s > 0:
        return StageResult(unknown(type_, Reason.PENDING, message), changes_in_s=left_s)
    return missing(type_, reason, message, remedy, resource.status.failure, now)


def missing_config_map(
    type_: str, name: str, resource: Resource[Any, CommonStatus], now: datetime
) -> StageResult:
    message = f"ConfigMap '{name}' does not exist in namespace '{resource.namespace}'."
    remedy = (
        f"Create it, or correct spec.source.configMap.name of {resource.kind.kind} "
        f"'{resource.name}'. It is noticed as soon as it exists."
    )
    return not_found(type_, Reason.CONFIG_MAP_NOT_FOUND, message, remedy, resource, now)
