"""What the API server takes, and a colleague would still ask about. Each check is one question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.model_deployment import ModelDeploymentSpec
from moorage_operator.api.quantity import parse_quantity
from moorage_operator.api.storage_uri import Registered, StorageUri, parse_storage_uri
from moorage_operator.commands.documents import Where
from moorage_operator.commands.finding import Severity

Remark = tuple[Where, Severity, str, str]
"""Where, how much it matters, the reason, and what to do."""

Check = Callable[[ModelDeploymentSpec, StorageUri], Iterator[Remark]]


def remarks(spec: ModelDeploymentSpec) -> Iterator[Remark]:
    """Every remark on a spec that the API server would take."""
    meaning = parse_storage_uri(spec.model.storage_uri)
    for check in _CHECKS:
        yield from check(spec, meaning)


def _stage(_spec: ModelDeploymentSpec, meaning: StorageUri) -> Iterator[Remark]:
    if isinstance(meaning, Registered) and meaning.stage is not None:
        told = f"stages are deprecated in MLflow; set an alias and write models:/{meaning.name}@ALIAS"
        yield ("spec", "model", "storageUri"), Severity.WARNING, "StageDeprecated", told


def _untested(spec: ModelDeploymentSpec, meaning: StorageUri) -> Iterator[Remark]:
    follows = isinstance(meaning, Registered) and meaning.version is None
    if follows and spec.test_request is None:
        told = (
            "whatever version comes next is asked only its own input example, or zeros; a testRequest of yours decides "
            "what a good answer is"
        )
        yield ("spec", "model", "storageUri"), Severity.ADVICE, "UntestedVersions", told
    if spec.test_request is not None and spec.test_request.expect is None:
        told = "any answer that is no error passes; say in expect what the answer must be"
        yield ("spec", "testRequest"), Severity.ADVICE, "AnyAnswerPasses", told


def _unpinned(spec: ModelDeploymentSpec, meaning: StorageUri) -> Iterator[Remark]:
    if not isinstance(meaning, Registered) and spec.model.digest is None:
        told = (
            "a folder can be overwritten; the first load pins its digest in the status only, and with digest the file "
            "itself says which content is meant"
        )
        yield ("spec", "model", "storageUri"), Severity.ADVICE, "ContentNotPinned", told


def _memory(spec: ModelDeploymentSpec, _meaning: StorageUri) -> Iterator[Remark]:
    if _limit(spec, "memory") is None:
        told = "no memory limit: the operator's settings decide; set limits.memory to what this model needs"
        yield ("spec", "resources"), Severity.WARNING, "MemoryLimitMissing", told


def _single(spec: ModelDeploymentSpec, _meaning: StorageUri) -> Iterator[Remark]:
    if spec.min_replicas == 1:
        told = (
            "one pod: it gets no PodDisruptionBudget, and nobody answers while its node is drained; 2 or more keep "
            "serving"
        )
        yield ("spec", "minReplicas"), Severity.ADVICE, "SinglePod", told


def _scaling(spec: ModelDeploymentSpec, _meaning: StorageUri) -> Iterator[Remark]:
    if spec.max_replicas is None or spec.max_replicas <= spec.min_replicas:
        return
    metrics: tuple[Any, ...] = spec.auto_scaling.metrics if spec.auto_scaling is not None else ()
    wanted = {each["resource"]["name"] for each in metrics if "averageUtilization" in each["resource"]["target"]}
    requests = spec.resources.requests if spec.resources is not None else {}
    for name in sorted((wanted if metrics else {"cpu"}) - requests.keys()):
        told = f"scaling follows {name} in percent of its request, which only the operator's settings give; set it"
        yield ("spec", "resources", "requests"), Severity.WARNING, "RequestMissing", told


def _threads(spec: ModelDeploymentSpec, _meaning: StorageUri) -> Iterator[Remark]:
    threads, limit = spec.model.onnx.intra_op_num_threads, _limit(spec, "cpu")
    if threads is not None and limit is not None and threads > limit:
        told = f"{threads} threads share a limit of {limit.normalize():f} CPUs and are throttled; ask for fewer"
        yield ("spec", "model", "onnx", "intraOpNumThreads"), Severity.WARNING, "ThreadsBeyondLimit", told


def _cache(spec: ModelDeploymentSpec, _meaning: StorageUri) -> Iterator[Remark]:
    limit = _limit(spec, "memory")
    if spec.cache is None or spec.cache.backend is not None or limit is None:
        return
    size = parse_quantity(spec.cache.max_bytes if spec.cache.max_bytes is not None else "64Mi")
    if size * 2 > limit:
        told = "the cache may take more than half of limits.memory; lower maxBytes, or raise the limit"
        yield ("spec", "cache"), Severity.WARNING, "CacheBeyondMemory", told


def _waiting(spec: ModelDeploymentSpec, _meaning: StorageUri) -> Iterator[Remark]:
    if _seconds(spec.batcher.max_latency) >= _seconds(spec.timeout):
        told = (
            "a request may wait for company as long as it may take at all (spec.timeout), and is then answered with 504"
        )
        yield ("spec", "batcher", "maxLatency"), Severity.ERROR, "BatchOutwaitsTimeout", told


def _queue(spec: ModelDeploymentSpec, _meaning: StorageUri) -> Iterator[Remark]:
    held, waiting = spec.container_concurrency, spec.max_queue_length
    if held is not None and waiting is not None and waiting >= held:
        told = f"containerConcurrency ({held}) counts waiting requests too, so that this bound is never met; lower it"
        yield ("spec", "maxQueueLength"), Severity.WARNING, "QueueBeyondConcurrency", told


def _grace(spec: ModelDeploymentSpec, _meaning: StorageUri) -> Iterator[Remark]:
    grace = spec.pod_template.spec.termination_grace_period_seconds
    if grace is not None and grace < _seconds(spec.timeout):
        told = f"a leaving pod is killed before its slowest request ends (spec.timeout is {spec.timeout}); raise it"
        where: Where = ("spec", "podTemplate", "spec", "terminationGracePeriodSeconds")
        yield where, Severity.WARNING, "GraceBelowTimeout", told


_CHECKS: tuple[Check, ...] = (
    _stage,
    _untested,
    _unpinned,
    _memory,
    _single,
    _scaling,
    _threads,
    _cache,
    _waiting,
    _queue,
    _grace,
)


def _limit(spec: ModelDeploymentSpec, name: str) -> Decimal | None:
    """What a container may use; a memory request without a limit is its limit too."""
    if spec.resources is None:
        return None
    given = spec.resources.limits.get(name)
    if given is None and name == "memory":
        given = spec.resources.requests.get(name)
    return None if given is None else parse_quantity(given)


def _seconds(text: str) -> float:
    return duration_seconds(text, "it")
