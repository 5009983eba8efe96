"""THE CONTRACT: what the operator writes and the pod reads.

Five documents cross the border, all JSON with camelCase keys:

1. `RuntimeConfig` in the environment variable `MOORAGE_CONFIG` of both containers of a pod.
2. `RouteTable` in the key `routes.json` of ConfigMap `<name>-routes`, mounted at `ROUTES_DIR` in both containers.
3. `DownloadReport` in the termination message of the init container: what was fetched, or why not.
4. `ServeReport` in the termination message of the serving container: why it ended, when it ended by itself.
5. `PodReport` at `STATE_PATH` of the admin port: what the pod applied, and what it has counted since it started.

The operator and the pod may be of different releases: unknown keys are ignored, new keys have defaults.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

CONFIG_ENV = "MOORAGE_CONFIG"
ROUTES_DIR = "/etc/moorage/routes"
ROUTES_KEY = "routes.json"
CREDENTIALS_DIR = "/var/run/moorage/credentials"
API_KEYS_DIR = "/var/run/moorage/api-keys"
CACHE_CREDENTIALS_DIR = "/var/run/moorage/cache-credentials"
CACHE_CA_FILE = "/etc/moorage/cache-ca/ca.crt"
MODEL_DIR = "/models"
TMP_DIR = "/tmp"  # noqa: S108 - a path inside the pod, an emptyDir of its own
TERMINATION_PATH = "/dev/termination-log"
TERMINATION_BYTES = 4096
HTTP_PORT = 8080
ADMIN_PORT = 8081
GRPC_PORT = 9000
STATE_PATH = "/state"

SESSION_CONFIG = {
    "session.intra_op.allow_spinning": "flag",
    "session.inter_op.allow_spinning": "flag",
    "session.intra_op_thread_affinities": "text",
    "session.dynamic_block_base": "number",
    "session.force_spinning_stop": "flag",
    "session.intra_op.spin_duration_us": "number",
    "session.inter_op.spin_duration_us": "number",
    "session.set_denormal_as_zero": "flag",
    "session.use_deterministic_compute": "flag",
    "session.disable_prepacking": "flag",
    "session.prepack.enable_parallel": "flag",
    "session.use_device_allocator_for_initializers": "flag",
    "session.disable_aot_function_inlining": "flag",
    "session.disable_quant_qdq": "flag",
    "session.disable_double_qdq_remover": "flag",
    "session.disable_qdq_constant_folding": "flag",
    "session.enable_quant_qdq_cleanup": "flag",
    "session.enable_dq_matmulnbits_fusion": "flag",
    "session.qdqisint8allowed": "flag",
    "session.x64quantprecision": "flag",
    "session.qdq_matmulnbits_accuracy_level": "number",
    "session.qdq_matmulnbits_block_size": "number",
    "optimization.enable_gelu_approximation": "flag",
    "optimization.enable_cast_chain_elimination": "flag",
    "optimization.disable_specified_optimizers": "text",
    "optimization.constant_folding_max_output_size_in_bytes": "number",
    "mlas.enable_gemm_fastmath_arm64_bfloat16": "flag",
    "mlas.qnbit.force_fp32": "flag",
}
"""The keys of `Onnx.session_config`, and what each takes: a flag, a number or a text.

They tune speed or numerics. None names a file, loads a library or changes the file format.
"""

LATENCY_BOUNDS = tuple(
    round(part * scale, 9)
    for scale in (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
    for part in (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.5)
    if part * scale <= 60.0
)
"""Seconds: where latencies are told apart, fine enough to compare quantiles of two revisions."""

T = TypeVar("T")


class _Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One document of the contract: immutable, camelCase on the wire, defaults left out."""


class Source(_Document, frozen=True):
    """Where the artifact lies.

    `uri` is one of s3://bucket/prefix, mlflow-artifacts:/path, file:///path (a mounted claim).
    `endpoint`, `region` and `tracking_uri` come from the operator's settings, never from a CR.
    """

    uri: str
    endpoint: str | None = None
    region: str | None = None
    tracking_uri: str | None = None
    ca_file: str | None = None
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 30.0


class TestRequest(_Document, frozen=True):
    """One Open Inference Protocol V2 request, and what it should answer (all optional parts may be absent).

    `inputs`: V2 tensors `{name, shape, datatype, data}`. `expect`: V2 output tensors by name; numbers are compared
    with absolute or relative `tolerance`, everything else exactly.
    """

    inputs: list[dict[str, Any]]
    expect: list[dict[str, Any]] | None = None
    tolerance: float = 1e-4


class Limits(_Document, frozen=True):
    """Bounds that hold in front of every reader.

    `body_bytes`: a whole request, after decompression. `json_bytes`: the JSON part of one; larger tensors go as binary
    tensors or by gRPC. `elements`: of all input tensors of one request. `concurrency`: requests of one model that are
    answered at once, waiting ones included; what comes beyond is 429 (None: 1024). `queue`: requests of one model that
    wait while every worker runs (0: none may wait).
    """

    artifact_bytes: int = 10 * 2**30
    artifact_files: int = 10_000
    body_bytes: int = 64 * 2**20
    json_bytes: int = 4 * 2**20
    elements: int = 2**24
    concurrency: int | None = None
    queue: int = 1024
    download_seconds: float = 3600.0


class Batcher(_Document, frozen=True):
    """Running requests together. `max_batch_size`: rows of one run (1: never together). `max_latency_seconds`: how long
    a request may wait for company; 0 waits for none, and takes together what has arrived anyway.
    """

    max_batch_size: int = 64
    max_latency_seconds: float = 0.0


class Cache(_Document, frozen=True):
    """Remembering answers. `max_bytes`: of the answers kept in this process; of those that wait to be sent to Redis.
    `redis`: `redis://` or `rediss://` `host:port/database`, without credentials (those lie in `CACHE_CREDENTIALS_DIR`,
    files `username` and `password`); None keeps the answers in this process.
    """

    max_entries: int = 10_000
    ttl_seconds: float = 60.0
    max_bytes: int = 64 * 2**20
    redis: str | None = None


class Onnx(_Document, frozen=True):
    """How ONNX Runtime runs the model, in its own words.

    `intra_op_num_threads`: threads of one operator (None: as many as pay, up to the container's CPU limit).
    `graph_optimization_level`: disable, basic, extended, layout or all. `execution_mode`: sequential or parallel.
    `execution_providers`: tried in this order. `session_config`: entries for
    `SessionOptions.add_session_config_entry`. `enable_tree_kernel`: our own, where it answers the same.
    """

    intra_op_num_threads: int | None = None
    inter_op_num_threads: int = 1
    graph_optimization_level: str = "all"
    execution_mode: str = "sequential"
    execution_providers: tuple[str, ...] = ("CPUExecutionProvider",)
    enable_cpu_mem_arena: bool = True
    enable_mem_pattern: bool = True
    enable_tree_kernel: bool = True
    session_config: dict[str, str] = {}


class RuntimeConfig(_Document, frozen=True):
    """Everything that one pod knows of itself.

    `api_keys`: every request needs one of the keys in `API_KEYS_DIR` (one file a key, read again when it changes).
    `access_log_percent`: of the requests that are logged, a line each.
    """

    model: str
    version: str
    revision: str
    source: Source
    namespace: str = ""
    digest: str | None = None
    model_format: str | None = None
    test_request: TestRequest | None = None
    timeout_seconds: float = 60.0
    drain_seconds: float = 45.0
    limits: Limits = Limits()
    onnx: Onnx = Onnx()
    batcher: Batcher = Batcher()
    cache: Cache | None = None
    api_keys: bool = False
    access_log_percent: float = 0.0


class Route(_Document, frozen=True):
    """One revision in the route table.

    `role`: stable, candidate, shadow, arm or retiring. `weight`: percent of the public traffic. `address`: `host:port`
    of the revision's own Service, HTTP; None for one that gets nothing forwarded. `arm`: its name in an A/B test. An
    arm without an address keeps its clients, and stable answers them; one whose revision is not known, or serves in
    another role, stands under a key of its own.
    """

    version: str
    role: str
    weight: int = 0
    digest: str | None = None
    address: str | None = None
    arm: str | None = None


class Shield(_Document, frozen=True):
    """What is done when the candidate fails a request: the stable one answers it.

    `patience_seconds`: how long the candidate may take before it counts as late; None: learned from the stable
    revision's own answers. Either is cut to half of what is left of the client's deadline.
    """

    patience_seconds: float | None = None


class Compare(_Document, frozen=True):
    """Which of the candidate's answers are compared with the stable one's, and what counts as the same.

    `percent`: of its requests. `tolerance`: largest absolute or relative difference of two numbers. `top_k`: of an
    output of scores only the order of the k highest counts (None: every number). `outputs`: names that are compared
    (empty: all). `concurrency`: comparisons at once in one pod; `queue`: those that may wait, the rest is dropped.
    """

    percent: float = 100.0
    tolerance: float = 1e-4
    top_k: int | None = None
    outputs: tuple[str, ...] = ()
    concurrency: int = 4
    queue: int = 64


class RouteTable(_Document, frozen=True):
    """Who answers what. `generation` grows with every change; `revisions` is keyed by revision hash.

    `salt` and `key_header`: the bucket of a request is `bucket(salt, value of the header)`, without that header a fair
    draw (see `moorage_runtime.routing.buckets`). `shadow_percent`: of the requests that the stable revision answers,
    those of which the shadow, else the candidate, gets a copy.
    """

    generation: int
    revisions: dict[str, Route]
    salt: str = ""
    key_header: str | None = None
    shield: Shield | None = None
    compare: Compare | None = None
    shadow_percent: float = 0.0


class Answered(_Document, frozen=True):
    """What a pod has answered itself since it started. `outcomes`: how many by outcome (ok, refused, timeout, failed,
    overloaded, cancelled), those among them that it answered in another's place; `seconds`: how many, without those,
    took how long, between `LATENCY_BOUNDS`, one place more for the rest; `faults`: failures by reason.
    """

    outcomes: dict[str, int] = {}
    seconds: tuple[int, ...] = ()
    faults: dict[str, int] = {}


class Forwarded(_Document, frozen=True):
    """What became of the requests that a pod gave to another revision, since it started.

    `outcomes`: ok, refused (4xx that the own model would not have given), faulty (4xx that it gave as well: the
    client's), failed (5xx), invalid (an answer of the wrong shape, or no number), timeout, broken (no connection, or
    one that ended early), overloaded, cancelled. Requests whose client named the revision are not among them.
    `shielded`: failed ones that the own model answered instead; `held`: its share that was not sent at all while it
    failed, had no room or had not been reached yet. `compared`, `differed`: answers, and those unlike the own model's;
    `dropped`: comparisons that were not made, for want of room or because nothing could be said. `slower_seconds`: the
    sum of what it took longer than the own model, of the compared. `copies`: of the requests those that were only
    shadows. `samples`: a few differences, without inputs.
    """

    outcomes: dict[str, int] = {}
    faults: dict[str, int] = {}
    shielded: int = 0
    held: int = 0
    compared: int = 0
    differed: int = 0
    dropped: int = 0
    copies: int = 0
    slower_seconds: float = 0.0
    samples: tuple[str, ...] = ()


class PodReport(_Document, frozen=True):
    """What one pod tells the operator. `started`: names this life of the process: counters begin again with another.

    `generation`: of the route table in force, 0 before the first; `refused`: why the newest table is not in force.
    `forwarded`: by revision.
    """

    started: str
    revision: str
    ready: bool
    generation: int = 0
    refused: str | None = None
    in_flight: int = 0
    answered: Answered = Answered()
    forwarded: dict[str, Forwarded] = {}


class Tensor(msgspec.Struct, frozen=True, array_like=True):
    """One input or output of a model. `datatype`: its V2 name. `shape`: -1 where any length fits, None where the model
    file does not tell how many there are. `optional`: an input with a default in the file.
    """

    name: str
    datatype: str
    shape: tuple[int, ...] | None = None
    optional: bool = False


class Feature(msgspec.Struct, frozen=True, array_like=True):
    """One named column that the author declared. `kind`: as MLflow calls it (double, long, string, ...), or ""."""

    name: str
    kind: str
    required: bool = True


class Schema(_Document, frozen=True):
    """What clients of a model rely on. None: not told. `features`: in the order of the columns. `classes`: of a
    classifier, in the order of its probabilities. `cut`: something was left out for want of room.
    """

    inputs: tuple[Tensor, ...] | None = None
    outputs: tuple[Tensor, ...] | None = None
    features: tuple[Feature, ...] | None = None
    classes: tuple[int | str, ...] | None = None
    cut: bool = False


class DownloadReport(_Document, frozen=True):
    """The result of the init container. Exactly one of `digest` and `reason` is set.

    `digest`: `sha256:` + hex over the artifact's files (see `storage.digest`); `bytes`: their sum. `model_schema`: of
    the model in it, as its files tell.
    """

    digest: str | None = None
    bytes: int = 0
    files: int = 0
    model_format: str | None = None
    model_schema: Schema | None = None
    seconds: float = 0.0
    reason: str | None = None
    message: str | None = None
    retriable: bool = False


class ServeReport(_Document, frozen=True):
    """Why the serving container ended by itself: a `LoadFault`'s reason and message."""

    reason: str
    message: str


def encode(document: _Document) -> str:
    """The document as compact JSON with sorted keys: equal documents give equal text."""
    return msgspec.json.encode(document, order="sorted").decode()


def decode_config(text: str | bytes) -> RuntimeConfig:
    """Read a `RuntimeConfig`; raises `msgspec.ValidationError` naming the path of a wrong field."""
    return msgspec.json.decode(text, type=RuntimeConfig)


def decode_routes(text: str | bytes) -> RouteTable:
    """Read a `RouteTable`; raises `msgspec.DecodeError`, `UnicodeDecodeError` or `RecursionError`."""
    return msgspec.json.decode(text, type=RouteTable)


def decode_pod_report(text: str | bytes) -> PodReport | None:
    """Read a `PodReport`; None when the text is none (an older runtime, or half an answer)."""
    return _decode_or_none(text, PodReport)


def decode_download(text: str | bytes) -> DownloadReport | None:
    """Read a `DownloadReport`; None when the text is none (a kill leaves no report, or half of one)."""
    return _decode_or_none(text, DownloadReport)


def decode_serve(text: str | bytes) -> ServeReport | None:
    """Read a `ServeReport`; None when the text is none."""
    return _decode_or_none(text, ServeReport)


def _decode_or_none(text: str | bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
