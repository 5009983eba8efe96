"""Which URL each kind lives under."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object. `group`: path of its API group version; `plural`: its collection."""

    group: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As in an object's apiVersion."""
        return self.group.removeprefix("apis/").removeprefix("api/")

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection, of one object, or of its subresource."""
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"/{self.group}{scope}/{self.plural}{tail}"


MODEL_DEPLOYMENT = Kind("apis/moorage.dev/v1alpha1", "modeldeployments")
POD = Kind("api/v1", "pods")
SERVICE = Kind("api/v1", "services")
SECRET = Kind("api/v1", "secrets")
CONFIG_MAP = Kind("api/v1", "configmaps")
EVENT = Kind("api/v1", "events")
NAMESPACE = Kind("api/v1", "namespaces", namespaced=False)
QUOTA = Kind("api/v1", "resourcequotas")
DEPLOYMENT = Kind("apis/apps/v1", "deployments")
CONTROLLER_REVISION = Kind("apis/apps/v1", "controllerrevisions")
AUTOSCALER = Kind("apis/autoscaling/v2", "horizontalpodautoscalers")
DISRUPTION_BUDGET = Kind("apis/policy/v1", "poddisruptionbudgets")
NETWORK_POLICY = Kind("apis/networking.k8s.io/v1", "networkpolicies")
LEASE = Kind("apis/coordination.k8s.io/v1", "leases")

CHILDREN = {
    "Deployment": DEPLOYMENT,
    "Service": SERVICE,
    "ConfigMap": CONFIG_MAP,
    "ControllerRevision": CONTROLLER_REVISION,
    "HorizontalPodAutoscaler": AUTOSCALER,
    "PodDisruptionBudget": DISRUPTION_BUDGET,
    "NetworkPolicy": NETWORK_POLICY,
}
"""Every kind that the operator makes for a ModelDeployment."""
