"""ScalingActive: can the autoscaler do its work?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.verdict import Verdict, false, true, unknown
from moorage_operator.observed.pod import find_condition


def judge(evidence: Evidence) -> Verdict:
    """What the HorizontalPodAutoscaler says of itself."""
    generation = evidence.owner.metadata.generation
    told = find_condition(evidence.autoscaler, "ScalingActive") if evidence.autoscaler is not None else {}
    if told.get("status") == "True":
        return true(Reason.METRICS_VALID, "The autoscaler reads its metrics.", generation)
    if told.get("status") != "False":
        return unknown(Reason.AUTOSCALER_PENDING, "The autoscaler has not looked yet.", generation)
    if told.get("reason") == "ScalingDisabled":
        return false(Reason.SCALING_DISABLED, "The Deployment was scaled to zero; it is being raised.", generation)
    said = str(told.get("message") or told.get("reason")).rstrip(". ")
    cure = "Install metrics-server, and set requests for the metric's resource in spec.resources."
    return false(Reason.METRICS_UNAVAILABLE, f"The autoscaler cannot read its metrics: {said}. {cure}", generation)
