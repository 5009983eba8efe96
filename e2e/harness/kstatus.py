"""The verdict that Flux, kpt and Argo CD's kstatus mode reach about an object, from the object alone."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What a GitOps tool believes."""

    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"
    TERMINATING = "Terminating"


def verdict(body: Mapping[str, Any]) -> Verdict:
    """Judge in kstatus' own order; an object without any condition counts as Current."""
    metadata, status = body["metadata"], body.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return Verdict.TERMINATING
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return Verdict.IN_PROGRESS
    conditions = {item["type"]: item["status"] for item in status.get("conditions", [])}
    if conditions.get("Reconciling") == "True":
        return Verdict.IN_PROGRESS
    if conditions.get("Stalled") == "True":
        return Verdict.FAILED
    if conditions.get("Ready", "True") == "True":
        return Verdict.CURRENT
    return Verdict.IN_PROGRESS


def condition(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One condition of the object; empty when it is not told."""
    conditions = (body.get("status") or {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == kind), {})
