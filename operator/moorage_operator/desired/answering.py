"""What the runtime is told of how it answers: the spec's words as the runtime's records."""

from __future__ import annotations

from typing import Any

from moorage_operator.api import model_deployment as api
from moorage_operator.api.conditions import Reason
from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.quantity import parse_quantity
from moorage_operator.api.records import CacheServer, Defaults
from moorage_operator.errors import SpecFault
from moorage_runtime.config import Batcher, Cache, Limits, Onnx, RuntimeConfig, Source

_SILENT = RuntimeConfig(model="", version="", revision="", source=Source(uri=""))


def choices(spec: api.ModelDeploymentSpec, defaults: Defaults) -> dict[str, Any]:
    """Fields of a `RuntimeConfig`, without those that are as the runtime has them anyway: equal specs of two releases
    give equal pods. Raises SpecFault when the settings know no cache of the name that the spec gives.
    """
    told = {
        "onnx": onnx(spec.model.onnx),
        "batcher": batcher(spec.batcher),
        "cache": cache(spec, defaults),
        "api_keys": spec.auth is not None,
        "access_log_percent": float(spec.access_log.percent),
    }
    return {name: value for name, value in told.items() if value != getattr(_SILENT, name)}


def onnx(wished: api.Onnx) -> Onnx:
    """Only what the user chose differs from the runtime's own record."""
    given = wished.model_dump(exclude_none=True, exclude_defaults=True)
    if "session_config" in given:
        given["session_config"] = dict(sorted(given["session_config"].items()))
    return Onnx(**given)


def batcher(wished: api.Batcher) -> Batcher:
    """Rows and waiting time."""
    return Batcher(
        max_batch_size=wished.max_batch_size,
        max_latency_seconds=duration_seconds(wished.max_latency, "spec.batcher.maxLatency"),
    )


def cache(spec: api.ModelDeploymentSpec, defaults: Defaults) -> Cache | None:
    """Where and how long answers are kept. Raises SpecFault when the settings know no such backend."""
    wished = spec.cache
    if wished is None:
        return None
    server = cache_server(spec, defaults)
    return Cache(
        max_entries=wished.max_entries,
        ttl_seconds=duration_seconds(wished.ttl, "spec.cache.ttl"),
        **({} if wished.max_bytes is None else {"max_bytes": _bytes(wished.max_bytes)}),
        redis=server.url if server is not None else None,
    )


def cache_server(spec: api.ModelDeploymentSpec, defaults: Defaults) -> CacheServer | None:
    """The Redis that the spec names; None when it names none. Raises SpecFault when the settings know no such one."""
    name = spec.cache.backend if spec.cache is not None else None
    if name is None:
        return None
    if name not in defaults.caches:
        there = ", ".join(sorted(defaults.caches)) or "none"
        raise SpecFault(
            Reason.CACHE_UNKNOWN,
            f"spec.cache.backend: the operator's settings name no cache {name!r} (there: {there}). Correct the field, "
            "remove it to keep answers in each pod's own memory, or add the cache to the settings.",
        )
    return defaults.caches[name]


def limits(spec: api.ModelDeploymentSpec, defaults: Defaults) -> Limits:
    """The bounds of the spec and of the settings; the runtime's own where both are silent."""
    wished: dict[str, Any] = {
        "concurrency": spec.container_concurrency,
        "queue": spec.max_queue_length,
        "body_bytes": None if spec.max_request_bytes is None else _bytes(spec.max_request_bytes),
    }
    chosen = {name: value for name, value in wished.items() if value is not None}
    return Limits(artifact_bytes=defaults.artifact_limit_bytes, **chosen)


def _bytes(quantity: int | str) -> int:
    return int(parse_quantity(quantity))
