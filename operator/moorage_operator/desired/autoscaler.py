"""The HorizontalPodAutoscaler of the stable revision."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import AutoScaling, ModelDeployment, ModelDeploymentSpec
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import autoscaler, common_labels, revision_name

DEFAULT_METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def wanted(spec: ModelDeploymentSpec) -> bool:
    """Whether there is anything to scale between."""
    return spec.max_replicas is not None and spec.max_replicas > spec.min_replicas


def horizontal_pod_autoscaler(owner: ModelDeployment, stable: str) -> dict[str, Any]:
    """Scales the stable revision's Deployment between both bounds."""
    name, scaling = owner.metadata.name, owner.spec.auto_scaling or AutoScaling()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": revision_name(name, stable)}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(owner, autoscaler(name), common_labels(name)),
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": owner.spec.min_replicas,
            "maxReplicas": owner.spec.max_replicas,
            "metrics": _plain(scaling)["metrics"] or [DEFAULT_METRIC],
            **({"behavior": _plain(scaling)["behavior"]} if scaling.behavior else {}),
        },
    }


def _plain(scaling: AutoScaling) -> dict[str, Any]:
    return {"metrics": [], **scaling.model_dump(mode="json", by_alias=True, exclude_none=True)}
