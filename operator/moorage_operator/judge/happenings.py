"""What changed between the last status and this one, as a person would tell it: the Events of `kubectl describe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage_operator.api.conditions import ConditionType, Reason
from moorage_operator.api.model_deployment import ModelDeploymentStatus
from moorage_operator.api.records import Happening

_WARNED = (ConditionType.STALLED, "True"), (ConditionType.REGISTRY_REACHABLE, "False"), (ConditionType.READY, "False")
"""The condition statuses that are worth a warning when they come, or come for another reason."""


def happenings(before: ModelDeploymentStatus, after: Mapping[str, Any]) -> tuple[Happening, ...]:
    """In the order in which they are told. Equal statuses give none."""
    told = ModelDeploymentStatus.model_validate(after)
    return (*_newcomer(before, told), *_promotion(before, told), *_warnings(before, told), *_recovery(before, told))


def _newcomer(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    candidate = after.candidate
    if candidate is not None and (before.candidate is None or before.candidate.revision != candidate.revision):
        yield Happening("Normal", Reason.LOADING, f"Version {candidate.version} comes in ({candidate.revision}).")


def _promotion(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    stable, previous = after.stable, before.stable
    if stable is None or (previous is not None and previous.revision == stable.revision):
        return
    instead = f" instead of {previous.version} ({previous.revision})" if previous is not None else ""
    yield Happening("Normal", Reason.SERVING, f"Version {stable.version} ({stable.revision}) serves{instead}.")


def _warnings(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    for kind, bad in _WARNED:
        was, now = before.condition(kind), after.condition(kind)
        if now is None or now.status != bad or now.reason == Reason.NOT_SERVED_YET:
            continue
        if was is None or (was.status, was.reason) != (now.status, now.reason):
            yield Happening("Warning", now.reason, now.message)


def _recovery(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Happening]:
    was, now = before.condition(ConditionType.STALLED), after.condition(ConditionType.STALLED)
    if was is not None and now is not None and (was.status, now.status) == ("True", "False"):
        yield Happening("Normal", now.reason, f"{was.reason} is over.")
