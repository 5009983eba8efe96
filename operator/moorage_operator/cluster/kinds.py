"""Which kinds the operator reads and writes, and where the API server keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from moorage_operator import names


@dataclass(frozen=True, slots=True)
class Kind:
    """One namespaced kind."""

    name: str
    api_version: str
    plural: str

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The path of a collection (of one namespace or of all), an object or its subresource."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        place = f"/namespaces/{namespace}" if namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}{place}/{self.plural}{tail}"


MODEL_DEPLOYMENT = Kind(names.KIND, names.API_VERSION, names.PLURAL)
POD = Kind("Pod", "v1", "pods")
EVENT = Kind("Event", "v1", "events")
LEASE = Kind("Lease", "coordination.k8s.io/v1", "leases")
CHILDREN = (
    Kind("Deployment", "apps/v1", "deployments"),
    Kind("ControllerRevision", "apps/v1", "controllerrevisions"),
    Kind("Service", "v1", "services"),
    Kind("ConfigMap", "v1", "configmaps"),
    Kind("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers"),
    Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
    Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
)
BY_NAME = {kind.name: kind for kind in (*CHILDREN, POD, MODEL_DEPLOYMENT)}
