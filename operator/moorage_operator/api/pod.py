"""The part of a pod that a user may shape: resources, environment, placement, labels and annotations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from moorage_operator.api.frozen import ATOMIC, Frozen, Label, ObjectName, Quantity, ShapedBy, cel, checked
from moorage_operator.api.placement import Affinity, TopologySpreadConstraint

_RESERVED_ENV = "^((LD_|PYTHON|ORT_|MOORAGE_|AWS_|MLFLOW_|GLIBC_|GCONV_).*|PATH|HOME)$"
_REQUESTS_FIT = (
    "!has(self.requests) || !has(self.limits) || self.requests.all(k, !(k in self.limits)"
    " || !isQuantity(string(self.requests[k])) || !isQuantity(string(self.limits[k]))"
    " || quantity(string(self.requests[k])).compareTo(quantity(string(self.limits[k]))) <= 0)"
)
_OWN_KEYS = "self.all(k, !k.startsWith('moorage.dev/') && !k.startsWith('app.kubernetes.io/'))"
_OWN_KEYS_TOLD = "keys under moorage.dev/ and app.kubernetes.io/ belong to the operator; choose a prefix of your own"


class EnvVar(Frozen):
    """One environment variable of the serving container."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "self.name.matches('^[A-Za-z_][A-Za-z0-9_]*$')",
                "name must be letters, digits and _ and must not start with a digit, for example OMP_NUM_THREADS",
                path=".name",
            ),
            cel(
                f"!self.name.matches('{_RESERVED_ENV}')",
                "name belongs to the server or could load foreign code (LD_*, PYTHON*, ORT_*, MOORAGE_*, AWS_*, "
                "MLFLOW_*, GLIBC_*, GCONV_*, PATH, HOME); remove it",
                path=".name",
            ),
        )
    )

    name: Annotated[str, Field(min_length=1, max_length=128)]
    """Name of the variable: a C identifier, for example OMP_NUM_THREADS. The names of the server itself and those that
    could load foreign code are refused: LD_*, PYTHON*, ORT_*, MOORAGE_*, AWS_*, MLFLOW_*, GLIBC_*, GCONV_*, PATH and
    HOME."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Value of the variable, taken as it is ($(NAME) of Kubernetes is expanded). Default: empty."""


class Toleration(Frozen):
    """As in a pod: lets the pods onto nodes with a matching taint."""

    key: Annotated[str, Field(max_length=317)] | None = None
    """Key of the taint. Absent together with operator Exists: every taint."""
    operator: Literal["Exists", "Equal"] | None = None
    """How key and value are compared. Default: Equal."""
    value: Label | None = None
    """Value of the taint, with operator Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Absent: every effect."""
    toleration_seconds: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """Seconds that a pod stays on a node after a NoExecute taint came. Absent: for ever."""


class Resources(Frozen):
    """As in a container: quantities by resource name. What is absent comes from the operator's settings."""

    model_config = ConfigDict(
        json_schema_extra=checked(cel(_REQUESTS_FIT, "requests must not be greater than limits; raise the limit"))
    )

    requests: Annotated[dict[str, Quantity], Field(max_length=16)] = Field(default_factory=dict)
    """What the scheduler sets aside for one pod, for example {cpu: 500m, memory: 512Mi}."""
    limits: Annotated[dict[str, Quantity], Field(max_length=16)] = Field(default_factory=dict)
    """What one pod may use at most, for example {memory: 1Gi}."""


class PodMetadata(Frozen):
    """Labels and annotations added to the pods."""

    labels: Annotated[dict[str, Label], Field(max_length=32)] = Field(
        default_factory=dict, json_schema_extra=checked(cel(_OWN_KEYS, _OWN_KEYS_TOLD))
    )
    """Labels added to the pods, for example {team: risk}. The operator's own (moorage.dev/, app.kubernetes.io/) are
    refused."""
    annotations: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=32)] = Field(
        default_factory=dict, json_schema_extra=checked(cel(_OWN_KEYS, _OWN_KEYS_TOLD))
    )
    """Annotations added to the pods. Changing one makes a new revision: the way to restart the pods, or to take a newer
    operator's defaults."""


class LocalObjectReference(Frozen):
    """The name of an object in the same namespace."""

    name: ObjectName
    """Name of the object."""


class PodSpec(Frozen):
    """The part of a pod's spec that a user may set. Nothing here can loosen the pod's security."""

    affinity: Annotated[dict[str, Any], ShapedBy(Affinity)] | None = None
    """Rules that draw the pods to nodes, to other pods, or away from them."""
    topology_spread_constraints: (
        Annotated[tuple[Annotated[dict[str, Any], ShapedBy(TopologySpreadConstraint)], ...], Field(max_length=8)] | None
    ) = Field(default=None, json_schema_extra=ATOMIC)
    """How evenly the pods lie over nodes or zones. Default: spread over nodes, as far as that is possible."""
    priority_class_name: ObjectName | None = None
    """Name of the PriorityClass of the pods."""
    runtime_class_name: ObjectName | None = None
    """Name of the RuntimeClass that runs the pods, for example gvisor."""
    scheduler_name: ObjectName | None = None
    """Name of the scheduler that places the pods. Default: default-scheduler."""
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], Field(max_length=8)] | None = Field(
        default=None, json_schema_extra=ATOMIC
    )
    """Names of Secrets of this namespace that the kubelet uses to pull the image."""
    termination_grace_period_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    """Seconds that a pod may take to finish its requests before it is killed. Default: enough for the operator's own
    drain time."""


class PodTemplate(Frozen):
    """What the chosen fields of the spec do not cover."""

    metadata: PodMetadata = PodMetadata()
    """Labels and annotations added to the pods."""
    spec: PodSpec = PodSpec()
    """Placement, priority and the like of the pods."""
