"""RegistryReachable: did the registry answer the last question?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.errors import RegistryFault
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.verdict import Verdict, false, true, unknown

_ANSWERS = (
    Reason.MODEL_NOT_FOUND,
    Reason.VERSION_NOT_FOUND,
    Reason.ALIAS_NOT_FOUND,
    Reason.STAGE_EMPTY,
    Reason.ARTIFACT_SCHEME_UNSUPPORTED,
)
"""A registry that says no has answered."""


def judge(evidence: Evidence) -> Verdict:
    """Of the registry only; what it says about the model is ArtifactReady's matter."""
    generation, resolution = evidence.owner.metadata.generation, evidence.resolution
    model, fault = evidence.owner.spec.model, resolution.fault
    if not model.storage_uri.startswith("models:"):
        return true(Reason.NOT_NEEDED, "The storageUri names the artifact itself; no registry is asked.", generation)
    if isinstance(fault, RegistryFault) and fault.reason not in _ANSWERS:
        return false(fault.reason, fault.message, generation)
    if resolution.resolved is None and not isinstance(fault, RegistryFault):
        return unknown(Reason.NOT_ASKED_YET, f"Registry {model.registry} has not been asked yet.", generation)
    return true(Reason.REACHABLE, f"Registry {model.registry} answered.", generation)
