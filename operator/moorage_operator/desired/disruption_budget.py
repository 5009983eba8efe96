"""The PodDisruptionBudget of the stable revision."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import common_labels, disruption_budget, revision_selector


def wanted(owner: ModelDeployment) -> bool:
    """A budget around a single pod would block every node drain."""
    return owner.spec.min_replicas > 1


def pod_disruption_budget(owner: ModelDeployment, stable: str) -> dict[str, Any]:
    """At most one serving pod is evicted at a time; pods that serve nobody may always go."""
    name = owner.metadata.name
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(owner, disruption_budget(name), common_labels(name)),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": revision_selector(name, stable)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
