"""THE CONTRACT: what the operator writes and the pod reads.

Four documents cross the border, all JSON with camelCase keys:

1. `RuntimeConfig` in the environment variable `MOORAGE_CONFIG` of both containers of a pod.
2. `RouteTable` in the key `routes.json` of ConfigMap `<name>-routes`, mounted at `ROUTES_DIR` in both containers.
3. `DownloadReport` in the termination message of the init container: what was fetched, or why not.
4. `ServeReport` in the termination message of the serving container: why it ended, when it ended by itself.

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
    `SessionOptions.add_session_config_entry`.
    """

    intra_op_num_threads: int | None = None
    inter_op_num_threads: int = 1
    graph_optimization_level: str = "all"
    execution_mode: str = "sequential"
    execution_providers: tuple[str, ...] = ("CPUExecutionProvider",)
    enable_cpu_mem_arena: bool = True
    enable_mem_pattern: bool = True
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
    """One revision in the route table. `role`: stable, candidate or retiring; `weight`: percent of the traffic."""

    version: str
    role: str
    weight: int = 0
    digest: str | None = None


class RouteTable(_Document, frozen=True):
    """Who answers what. `generation` grows with every change; `revisions` is keyed by revision hash."""

    generation: int
    revisions: dict[str, Route]


class DownloadReport(_Document, frozen=True):
    """The result of the init container. Exactly one of `digest` and `reason` is set.

    `digest`: `sha256:` + hex over the artifact's files (see `storage.digest`); `bytes`: their sum.
    """

    digest: str | None = None
    bytes: int = 0
    files: int = 0
    model_format: str | None = None
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
