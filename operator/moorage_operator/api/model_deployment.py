"""`ModelDeployment` as frozen pydantic models: the one source of the CRD schema, its defaults and its documentation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from moorage_operator.api.ab_test import ABTest as ABTest
from moorage_operator.api.answering import AccessLog as AccessLog
from moorage_operator.api.answering import Auth as Auth
from moorage_operator.api.answering import Batcher as Batcher
from moorage_operator.api.answering import Cache as Cache
from moorage_operator.api.answering import sized, spanned
from moorage_operator.api.frozen import Frozen, Label, Quantity, cel, checked, keyed
from moorage_operator.api.model import Model as Model
from moorage_operator.api.model import ModelFormat as ModelFormat
from moorage_operator.api.onnx import Onnx as Onnx
from moorage_operator.api.pod import EnvVar as EnvVar
from moorage_operator.api.pod import LocalObjectReference as LocalObjectReference
from moorage_operator.api.pod import PodMetadata as PodMetadata
from moorage_operator.api.pod import PodSpec as PodSpec
from moorage_operator.api.pod import PodTemplate as PodTemplate
from moorage_operator.api.pod import Resources as Resources
from moorage_operator.api.pod import Toleration as Toleration
from moorage_operator.api.rollout import Rollout as Rollout
from moorage_operator.api.scaling import AutoScaling as AutoScaling
from moorage_operator.api.shadow import Shadow as Shadow
from moorage_operator.api.status import Condition as Condition
from moorage_operator.api.status import HistoryEntry as HistoryEntry
from moorage_operator.api.status import ModelDeploymentStatus as ModelDeploymentStatus
from moorage_operator.api.status import ResolvedModel as ResolvedModel
from moorage_operator.api.status import RetiringStatus as RetiringStatus
from moorage_operator.api.status import RevisionStatus as RevisionStatus
from moorage_operator.api.status import RolloutStatus as RolloutStatus

_TensorName = Annotated[str, Field(min_length=1, max_length=256)]
_Shape = Annotated[tuple[Annotated[int, Field(ge=1, le=2**31 - 1)], ...], Field(max_length=8)]
_Data = Annotated[
    tuple[Annotated[Any, Field(json_schema_extra={"maxLength": 1024, "maxItems": 4096, "maxProperties": 0})], ...],
    Field(min_length=1, max_length=4096, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]


class Tensor(Frozen):
    """One tensor in Open Inference Protocol V2 form."""

    name: _TensorName
    """Name of the input."""
    shape: _Shape = Field(json_schema_extra={"x-kubernetes-list-type": "atomic"})
    """Lengths of the dimensions, for example [1, 30]."""
    datatype: Literal[
        "BOOL",
        "UINT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "INT8",
        "INT16",
        "INT32",
        "INT64",
        "FP16",
        "FP32",
        "FP64",
        "BYTES",
    ]
    """Type of the elements; text is BYTES."""
    data: _Data
    """The elements in row-major order, flat or nested as the shape, for example [17.99, 10.38]. For large inputs leave
    testRequest out and log the model with an input example."""


class ExpectedTensor(Frozen):
    """One output tensor that the test request must give."""

    name: _TensorName
    """Name of the output."""
    data: _Data
    """The elements in row-major order, flat or nested as the shape."""
    shape: _Shape | None = Field(default=None, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    """Lengths of the dimensions. Absent: not compared."""


class Expect(Frozen):
    """What the test request must answer."""

    outputs: Annotated[tuple[ExpectedTensor, ...], Field(min_length=1, max_length=32)] = Field(
        json_schema_extra=keyed("name")
    )
    """Output tensors that must be there, with these elements. Outputs that are not listed are not compared."""


class TestRequest(Frozen):
    """A request that every pod answers to itself before it counts as ready."""

    __test__ = False

    inputs: Annotated[tuple[Tensor, ...], Field(min_length=1, max_length=32)] = Field(json_schema_extra=keyed("name"))
    """Input tensors of the request."""
    expect: Expect | None = None
    """What the answer must be. Absent: any answer that is no error."""
    tolerance: Annotated[float, Field(ge=0, le=1)] = 1e-4
    """Largest absolute or relative difference of numbers from those in expect. Default: 0.0001."""


class ModelDeploymentSpec(Frozen):
    """What is wanted."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "!has(self.maxReplicas) || self.maxReplicas >= self.minReplicas",
                "maxReplicas must not be smaller than minReplicas; raise maxReplicas or lower minReplicas",
                path=".maxReplicas",
            ),
            cel(
                "!has(self.autoScaling) || (has(self.maxReplicas) && self.maxReplicas > self.minReplicas)",
                "autoScaling needs maxReplicas greater than minReplicas; set maxReplicas or remove autoScaling",
                path=".autoScaling",
            ),
            cel(
                "!has(self.model.onnx) || self.runtime == 'onnx'",
                "model.onnx tunes ONNX Runtime, which runs the model only with runtime: onnx; remove model.onnx",
                path=".model.onnx",
            ),
            cel(
                "!has(self.abTest) || has(self.abTest.winner) || !has(self.rollout) || !has(self.rollout.steps)",
                "abTest and rollout.steps would split the same traffic twice; end the test with abTest.winner, or "
                "remove rollout.steps",
                path=".rollout.steps",
            ),
        )
    )

    model: Model
    """Which model is served, and how its artifact may be read."""
    runtime: Literal["onnx"] = "onnx"
    """Engine that runs the model. Default: onnx (ONNX Runtime)."""
    resources: Resources | None = None
    """CPU and memory of one pod, as in a container. What is absent comes from the operator's settings. Example:
    {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 1Gi}}."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=64)] = Field(default=(), json_schema_extra=keyed("name"))
    """Environment variables of the serving container, for example [{name: OMP_NUM_THREADS, value: "2"}]. Secrets do not
    belong here."""
    node_selector: Annotated[dict[str, Label], Field(max_length=32)] = Field(default_factory=dict)
    """Labels that a node must have, for example {kubernetes.io/arch: amd64}."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] = Field(
        default=(), json_schema_extra={"x-kubernetes-list-type": "atomic"}
    )
    """Lets the pods onto nodes with matching taints, as in a pod."""
    pod_template: PodTemplate = PodTemplate()
    """Labels, annotations, placement and priority of the pods."""
    min_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Pods that serve at least. Default: 1. This is what kubectl scale sets."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Pods that serve at most. Greater than minReplicas: a HorizontalPodAutoscaler chooses the number in between.
    Default: minReplicas, so that nothing scales."""
    auto_scaling: AutoScaling | None = None
    """What the autoscaler follows. Needs maxReplicas greater than minReplicas. Default: cpu at 80 % of its request."""
    test_request: TestRequest | None = None
    """A request that every pod answers to itself before it gets traffic. Default: the model's own input example, else
    zeros of its signature's shape."""
    timeout: Annotated[str, Field(max_length=32)] = Field(
        default="60s",
        json_schema_extra=checked(*spanned("timeout", "1ms", "1h", "500ms, 5s or 1m30s")),
    )
    """How long one prediction may take before it is answered with 504. A duration: 500ms, 5s, 1m30s; at most 1h.
    Default: 60s."""
    batcher: Batcher = Batcher()
    """Runs requests together. Default: what has arrived anyway, up to 64 rows, without waiting for more. Example:
    {maxBatchSize: 32, maxLatency: 2ms}."""
    cache: Cache | None = None
    """Remembers answers: only for a model that gives equal answers to equal requests. {}: up to 10000 answers for 60s
    in 64Mi of each pod's memory. Default: nothing is remembered. Example: {maxEntries: 5000, ttl: 10m}."""
    container_concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Requests that one pod holds at once, waiting ones included, for example 200; the next one is answered with 429
    and Retry-After. 1 to 100000. Default: 1024."""
    max_queue_length: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Requests that may wait in one pod while every worker runs, for example 100; the next one is answered with 429. 0:
    none may wait. Default: 1024."""
    max_request_bytes: Quantity | None = Field(
        default=None, json_schema_extra=checked(*sized("maxRequestBytes", "1Ki", "1Gi"))
    )
    """Largest request body, after decompression; a larger one is answered with 413. JSON holds at most 4Mi of it,
    larger tensors are sent as binary tensors or by gRPC. 1Ki to 1Gi. Example: 8Mi. Default: 64Mi."""
    auth: Auth | None = None
    """Who may ask. Default: whoever reaches the Service. Example: {secretName: fraud-api-keys}."""
    access_log: AccessLog = AccessLog()
    """Lines in the log of the pods, one for each request. Default: none. Example: {percent: 1}."""
    progress_deadline_seconds: Annotated[int, Field(ge=10, le=86_400)] = 600
    """Seconds that a new version may take to become ready before the rollout counts as stalled. What served before
    serves on. 10 to 86400. Default: 600."""
    rollout: Rollout | None = None
    """How a new version takes over. Default: all at once, warmed and tested, shielded by the version before it and
    watched for 10s. Example: {steps: [{trafficPercent: 5, hold: 2m}, {trafficPercent: 50, hold: 5m}]}."""
    shadow: Shadow | None = None
    """A challenger that gets copies of the requests; its answers are compared and thrown away. Example: {model:
    {storageUri: models:/fraud@challenger}, percent: 20}."""
    ab_test: ABTest | None = None
    """Several models at once, each with its share of the clients. Example: {header: x-user-id, arms: [{name: b, model:
    {storageUri: models:/fraud@b}, percent: 50}]}."""
    allow_schema_change: bool = False
    """Whether a new version may take other inputs or give other outputs than the one that serves. Default: false: such
    a version gets no traffic."""
    revision_history_limit: Annotated[int, Field(ge=0, le=50)] = 10
    """Replaced revisions that are remembered, so that moorage.dev/undo can bring them back. 0 to 50. Default: 10."""


class Metadata(BaseModel):
    """The part of an object's metadata that decisions need."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    name: str
    namespace: str
    uid: str
    generation: int = 1
    annotations: dict[str, str] = {}
    resource_version: str = ""
    deletion_timestamp: str | None = None


class ModelDeployment(BaseModel):
    """One custom resource as the operator reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    metadata: Metadata
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus = ModelDeploymentStatus()
