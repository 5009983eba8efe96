"""All conditions of one CR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moorage_operator.api.conditions import ConditionType
from moorage_operator.judge import (
    artifact_ready,
    guests_healthy,
    ready,
    reconciling,
    registry_reachable,
    rollout_healthy,
    scaling_active,
    schema_compatible,
    stalled,
    update_available,
)
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.times import seconds
from moorage_operator.judge.verdict import Verdict, as_condition

_JUDGES: dict[ConditionType, Callable[[Evidence], Verdict]] = {
    ConditionType.READY: ready.judge,
    ConditionType.RECONCILING: reconciling.judge,
    ConditionType.STALLED: stalled.judge,
    ConditionType.ARTIFACT_READY: artifact_ready.judge,
    ConditionType.ROLLOUT_HEALTHY: rollout_healthy.judge,
    ConditionType.REGISTRY_REACHABLE: registry_reachable.judge,
    ConditionType.SCHEMA_COMPATIBLE: schema_compatible.judge,
    ConditionType.UPDATE_AVAILABLE: update_available.judge,
    ConditionType.SCALING_ACTIVE: scaling_active.judge,
    ConditionType.GUESTS_HEALTHY: guests_healthy.judge,
}


_ASKED: dict[ConditionType, Callable[[Evidence], bool]] = {
    ConditionType.SCHEMA_COMPATIBLE: schema_compatible.asked,
    ConditionType.SCALING_ACTIVE: lambda evidence: evidence.scaled,
    ConditionType.GUESTS_HEALTHY: guests_healthy.asked,
}
"""Those that are only told where there is something to tell."""


def conditions(evidence: Evidence) -> list[dict[str, Any]]:
    """Each judge's verdict as a condition."""
    previous = {each.type: each for each in evidence.owner.status.conditions}
    now = seconds(evidence.now)
    return [
        as_condition(kind.value, judge(evidence), previous.get(kind.value), now)
        for kind, judge in _JUDGES.items()
        if kind not in _ASKED or _ASKED[kind](evidence)
    ]
