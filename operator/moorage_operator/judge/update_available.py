"""UpdateAvailable: would this release of the operator render the pods differently?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.verdict import Verdict, false, true


def judge(evidence: Evidence) -> Verdict:
    """True when so; nothing restarts because of it."""
    generation = evidence.owner.metadata.generation
    if not evidence.update:
        return false(Reason.UP_TO_DATE, "The pods are as this release of the operator renders them.", generation)
    message = (
        f"This release of the operator would render {', '.join(evidence.update)} differently. Nothing restarts because "
        "of that; to take it, change any pod setting (an annotation in spec.podTemplate does) or the model's version."
    )
    return true(Reason.DEFAULTS_CHANGED, message, generation)
