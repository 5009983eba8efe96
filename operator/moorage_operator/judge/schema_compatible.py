"""SchemaCompatible: does the newest revision take and give what the one that serves does?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.verdict import Verdict, false, true, unknown


def asked(evidence: Evidence) -> bool:
    """Whether there are two revisions to compare, or one that was sent away for its schema."""
    return _blamed(evidence) is not None or (evidence.step.candidate is not None and evidence.step.stable is not None)


def judge(evidence: Evidence) -> Verdict:
    """False keeps the newest revision from any traffic."""
    generation, fit = evidence.owner.metadata.generation, evidence.trial.fit
    misfit = _blamed(evidence) or fit.misfit
    if misfit is not None and not fit.allowed:
        return false(Reason.SCHEMA_INCOMPATIBLE, misfit, generation)
    if misfit is not None:
        return true(Reason.CHANGE_ALLOWED, f"spec.allowSchemaChange allows what changes: {misfit}", generation)
    if fit.compared:
        message = "The newest revision takes and gives what the one that serves does."
        return true(Reason.COMPATIBLE, message, generation)
    return unknown(Reason.NOT_COMPARED, "The schemas of both revisions are not known yet.", generation)


def _blamed(evidence: Evidence) -> str | None:
    """What the newest revision was sent away for, if that was its schema."""
    failure = evidence.failure
    return failure.message if failure is not None and failure.reason == Reason.SCHEMA_INCOMPATIBLE else None
