"""`ModelDeployment` as frozen pydantic models: the one source of the CRD schema, its defaults and its documentation."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Frozen(BaseModel):
    """Immutable, camelCase outside, snake_case inside, unknown fields refused."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")


class ModelFormat(Frozen):
    """The format of the artifact."""

    name: Literal["onnx"]


class Model(Frozen):
    """Which model, and how its artifact may be read."""

    storage_uri: str
    model_format: ModelFormat | None = None
    digest: str | None = None
    registry: str = "default"
    secret_name: str | None = None
    service_account_name: str | None = None


class EnvVar(Frozen):
    """One environment variable of the serving container."""

    name: str
    value: str = ""


class Toleration(Frozen):
    """As in a pod."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class Resources(Frozen):
    """As in a container: quantities by resource name."""

    requests: dict[str, int | str] = Field(default_factory=dict)
    limits: dict[str, int | str] = Field(default_factory=dict)


class PodMetadata(Frozen):
    """Labels and annotations added to the pods."""

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class LocalObjectReference(Frozen):
    """The name of an object in the same namespace."""

    name: str


class PodSpec(Frozen):
    """The part of a pod's spec that a user may set."""

    affinity: dict[str, Any] | None = None
    topology_spread_constraints: tuple[dict[str, Any], ...] | None = None
    priority_class_name: str | None = None
    runtime_class_name: str | None = None
    scheduler_name: str | None = None
    image_pull_secrets: tuple[LocalObjectReference, ...] | None = None
    termination_grace_period_seconds: int | None = None


class PodTemplate(Frozen):
    """What the chosen fields of the spec do not cover."""

    metadata: PodMetadata = PodMetadata()
    spec: PodSpec = PodSpec()


class Tensor(Frozen):
    """One tensor in Open Inference Protocol V2 form."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: Any


class ExpectedTensor(Frozen):
    """One output tensor that the test request must give."""

    name: str
    data: Any
    shape: tuple[int, ...] | None = None


class Expect(Frozen):
    """What the test request must answer."""

    outputs: tuple[ExpectedTensor, ...]


class TestRequest(Frozen):
    """A request that every pod answers to itself before it counts as ready."""

    __test__ = False

    inputs: tuple[Tensor, ...]
    expect: Expect | None = None
    tolerance: float = 1e-4


class AutoScaling(Frozen):
    """As in a HorizontalPodAutoscaler: `metrics` (Resource cpu or memory) and `behavior`."""

    metrics: tuple[dict[str, Any], ...] = ()
    behavior: dict[str, Any] | None = None


class ModelDeploymentSpec(Frozen):
    """What the user wants served."""

    model: Model
    runtime: Literal["onnx"] = "onnx"
    resources: Resources | None = None
    env: tuple[EnvVar, ...] = ()
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    pod_template: PodTemplate = PodTemplate()
    min_replicas: int = 1
    max_replicas: int | None = None
    auto_scaling: AutoScaling | None = None
    test_request: TestRequest | None = None
    timeout: str = "60s"
    progress_deadline_seconds: int = 600


class Condition(Frozen):
    """As metav1.Condition."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    last_transition_time: str
    observed_generation: int


class RevisionStatus(Frozen):
    """One revision in the status."""

    revision: str
    version: str
    artifact_uri: str
    digest: str | None = None
    replicas: int = 0
    ready_replicas: int = 0


class RolloutStatus(Frozen):
    """Where the rollout stands, and since when."""

    phase: str
    since: str


class RetiringStatus(Frozen):
    """A revision that no longer gets traffic, and since when."""

    revision: str
    since: str


class HistoryEntry(Frozen):
    """A revision that was served, and when it became so."""

    revision: str
    version: str
    artifact_uri: str
    digest: str | None = None
    promoted_at: str


class ResolvedModel(Frozen):
    """What `spec.model.storageUri` meant at the last look into the registry that `registry` names."""

    storage_uri: str
    version: str
    artifact_uri: str
    registry: str = "default"


class ModelDeploymentStatus(Frozen):
    """What is so."""

    observed_generation: int = -1
    conditions: tuple[Condition, ...] = ()
    url: str | None = None
    version: str | None = None
    traffic: str | None = None
    replicas: int = 0
    ready_replicas: int = 0
    selector: str | None = None
    model: ResolvedModel | None = None
    stable: RevisionStatus | None = None
    candidate: RevisionStatus | None = None
    rollout: RolloutStatus | None = None
    retiring: tuple[RetiringStatus, ...] = ()
    history: tuple[HistoryEntry, ...] = ()


class Metadata(BaseModel):
    """The part of an object's metadata that decisions need."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    name: str
    namespace: str
    uid: str
    generation: int = 1
    resource_version: str = ""
    deletion_timestamp: str | None = None


class ModelDeployment(BaseModel):
    """One custom resource as the operator reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    metadata: Metadata
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus = ModelDeploymentStatus()
