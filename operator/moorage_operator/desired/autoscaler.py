"""The HorizontalPodAutoscalers: of the stable revision, and of a candidate on trial."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import AutoScaling, ModelDeployment, ModelDeploymentSpec
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import autoscaler, common_labels, revision_labels, revision_name, trial_autoscaler

DEFAULT_METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def wanted(spec: ModelDeploymentSpec) -> bool:
    """Whether there is anything to scale between."""
    return spec.max_replicas is not None and spec.max_replicas > spec.min_replicas


def horizontal_pod_autoscaler(owner: ModelDeployment, stable: str, floor: int) -> dict[str, Any]:
    """Scales the stable revision's Deployment, never below `floor`."""
    name = owner.metadata.name
    return _scaler(owner, autoscaler(name), common_labels(name), stable, floor)


def of_trial(owner: ModelDeployment, candidate: str, floor: int) -> dict[str, Any]:
    """Scales the candidate's Deployment, never below what its share of the traffic takes."""
    name = owner.metadata.name
    return _scaler(owner, trial_autoscaler(name, candidate), revision_labels(name, candidate), candidate, floor)


def _scaler(owner: ModelDeployment, name: str, labels: dict[str, str], revision: str, floor: int) -> dict[str, Any]:
    scaling = owner.spec.auto_scaling or AutoScaling()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": revision_name(owner.metadata.name, revision)}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(owner, name, labels),
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": floor,
            "maxReplicas": owner.spec.max_replicas,
            "metrics": _plain(scaling)["metrics"] or [DEFAULT_METRIC],
            **({"behavior": _plain(scaling)["behavior"]} if scaling.behavior else {}),
        },
    }


def _plain(scaling: AutoScaling) -> dict[str, Any]:
    return {"metrics": [], **scaling.model_dump(mode="json", by_alias=True, exclude_none=True)}
