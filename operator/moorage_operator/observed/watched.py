"""Whether anything depends on what the pods of a deployment count and follow."""

from __future__ import annotations

from moorage_operator.api.judgement import read_totals
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.step import Phase

_QUIET = (Phase.RESOLVING, Phase.STEADY)


def watched(deployment: ModelDeployment) -> bool:
    """While a candidate comes in beside a stable revision, and as long as a shadow or an A/B test runs."""
    spec, status = deployment.spec, deployment.status
    if spec.shadow is not None or spec.ab_test is not None:
        return True
    rollout = status.rollout
    return status.stable is not None and rollout is not None and rollout.phase not in _QUIET


def counted_marks(deployment: ModelDeployment) -> frozenset[str]:
    """The marks of the readings that the totals in the status count from."""
    rollout = deployment.status.rollout
    return frozenset({read_totals(rollout.totals).mark} if rollout is not None else ())
