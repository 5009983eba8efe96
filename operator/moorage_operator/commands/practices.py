"""What the API server takes, and a colleague would still ask about. Each check is one question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.model import Model
from moorage_operator.api.model_deployment import ModelDeploymentSpec
from moorage_operator.api.quantity import parse_quantity
from moorage_operator.api.records import Defaults
from moorage_operator.api.storage_uri import Registered, StorageUri, parse_storage_uri
from moorage_operator.commands.documents import Where
from moorage_operator.commands.finding import Severity
from moorage_operator.desired.resources import resources
from moorage_operator.settings import Settings

Remark = tuple[Where, Severity, str, str]
"""Where, how much it matters, the reason, and what to do."""

_SECRET = re.compile("(PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE_?KEY)", re.IGNORECASE)
_NO_DEFAULTS = Defaults(image="")


@dataclass(frozen=True, slots=True)
class Subject:
    """A spec that the API server would take. `amounts`: requests and limits of a pod, as far as they are known."""

    spec: ModelDeploymentSpec
    meaning: StorageUri
    amounts: Mapping[str, Mapping[str, int | str]]

    def limit(self, name: str) -> Decimal | None:
        """What one pod may use at most."""
        given = self.amounts.get("limits", {}).get(name)
        return None if given is None else parse_quantity(given)


Check = Callable[[Subject], Iterator[Remark]]


def remarks(spec: ModelDeploymentSpec, settings: Settings | None = None) -> Iterator[Remark]:
    """Every remark on a spec that the API server would take. `settings`: the operator's, where they are known."""
    defaults = settings.defaults() if settings is not None else _NO_DEFAULTS
    subject = Subject(spec, parse_storage_uri(spec.model.storage_uri), resources(spec.resources, defaults))
    for check in _CHECKS:
        yield from check(subject)


def models(spec: ModelDeploymentSpec) -> Iterator[tuple[Where, Model]]:
    """Every model of a spec, and where it stands: the one that serves, the shadow's, the arms'."""
    yield ("spec", "model"), spec.model
    if spec.shadow is not None:
        yield ("spec", "shadow", "model"), spec.shadow.model
    for index, arm in enumerate(spec.ab_test.arms if spec.ab_test is not None else ()):
        yield ("spec", "abTest", "arms", index, "model"), arm.model


def _stage(subject: Subject) -> Iterator[Remark]:
    for where, model in models(subject.spec):
        meaning = parse_storage_uri(model.storage_uri)
        if isinstance(meaning, Registered) and meaning.stage is not None:
            told = f"stages are deprecated in MLflow; set an alias and write models:/{meaning.name}@ALIAS"
            yield (*where, "storageUri"), Severity.WARNING, "StageDeprecated", told


def _untested(subject: Subject) -> Iterator[Remark]:
    spec, meaning = subject.spec, subject.meaning
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


def _unpinned(subject: Subject) -> Iterator[Remark]:
    told = (
        "a folder can be overwritten; the first load pins its digest in the status only, and with digest the file "
        "itself says which content is meant"
    )
    for where, model in models(subject.spec):
        if not isinstance(parse_storage_uri(model.storage_uri), Registered) and model.digest is None:
            yield (*where, "storageUri"), Severity.ADVICE, "ContentNotPinned", told


def _memory(subject: Subject) -> Iterator[Remark]:
    if subject.limit("memory") is None:
        told = "no memory limit: the operator's settings decide; set limits.memory to what this model needs"
        yield ("spec", "resources"), Severity.WARNING, "MemoryLimitMissing", told


def _single(subject: Subject) -> Iterator[Remark]:
    spec = subject.spec
    if spec.min_replicas == 1:
        told = (
            "one pod: it gets no PodDisruptionBudget, and nobody answers while its node is drained; 2 or more keep "
            "serving"
        )
        yield ("spec", "minReplicas"), Severity.ADVICE, "SinglePod", told


def _scaling(subject: Subject) -> Iterator[Remark]:
    spec = subject.spec
    if spec.max_replicas is None or spec.max_replicas <= spec.min_replicas:
        return
    metrics: tuple[Any, ...] = spec.auto_scaling.metrics if spec.auto_scaling is not None else ()
    wanted = {each["resource"]["name"] for each in metrics if "averageUtilization" in each["resource"]["target"]}
    requests = subject.amounts.get("requests", {})
    for name in sorted((wanted if metrics else {"cpu"}) - requests.keys()):
        told = f"scaling follows {name} in percent of its request, which only the operator's settings give; set it"
        yield ("spec", "resources", "requests"), Severity.WARNING, "RequestMissing", told


def _threads(subject: Subject) -> Iterator[Remark]:
    limit = subject.limit("cpu")
    for where, model in models(subject.spec):
        threads = model.onnx.intra_op_num_threads
        if threads is not None and limit is not None and threads > limit:
            told = f"{threads} threads share a limit of {limit.normalize():f} CPUs and are throttled; ask for fewer"
            yield (*where, "onnx", "intraOpNumThreads"), Severity.WARNING, "ThreadsBeyondLimit", told


def _cache(subject: Subject) -> Iterator[Remark]:
    spec = subject.spec
    limit = subject.limit("memory")
    if spec.cache is None or spec.cache.backend is not None or limit is None:
        return
    size = parse_quantity(spec.cache.max_bytes if spec.cache.max_bytes is not None else "64Mi")
    if size * 2 > limit:
        told = "the cache may take more than half of limits.memory; lower maxBytes, or raise the limit"
        yield ("spec", "cache"), Severity.WARNING, "CacheBeyondMemory", told


def _waiting(subject: Subject) -> Iterator[Remark]:
    spec = subject.spec
    if _seconds(spec.batcher.max_latency) >= _seconds(spec.timeout):
        told = (
            "a request may wait for company as long as it may take at all (spec.timeout), and is then answered with 504"
        )
        yield ("spec", "batcher", "maxLatency"), Severity.ERROR, "BatchOutwaitsTimeout", told


def _queue(subject: Subject) -> Iterator[Remark]:
    spec = subject.spec
    held, waiting = spec.container_concurrency, spec.max_queue_length
    if held is not None and waiting is not None and waiting >= held:
        told = f"containerConcurrency ({held}) counts waiting requests too, so that this bound is never met; lower it"
        yield ("spec", "maxQueueLength"), Severity.WARNING, "QueueBeyondConcurrency", told


def _grace(subject: Subject) -> Iterator[Remark]:
    spec = subject.spec
    grace = spec.pod_template.spec.termination_grace_period_seconds
    if grace is not None and grace < _seconds(spec.timeout):
        told = f"a leaving pod is killed before its slowest request ends (spec.timeout is {spec.timeout}); raise it"
        where: Where = ("spec", "podTemplate", "spec", "terminationGracePeriodSeconds")
        yield where, Severity.WARNING, "GraceBelowTimeout", told


def _repeated(subject: Subject) -> Iterator[Remark]:
    seen: list[tuple[Where, Model]] = []
    for where, model in models(subject.spec):
        before = next((place for place, each in seen if each == model), None)
        seen.append((where, model))
        if before == ("spec", "model"):
            told = "the same as spec.model, which answers in its place: nothing would be measured; name another version"
            yield (*where, "storageUri"), Severity.WARNING, "GuestIsStable", told
        elif before is not None:
            told = "the same model stands beside spec.model already, and only one of both would; name another version"
            yield (*where, "storageUri"), Severity.WARNING, "GuestRepeated", told


def _two_keys(subject: Subject) -> Iterator[Remark]:
    rollout, test = subject.spec.rollout, subject.spec.ab_test
    sticky = rollout.stickiness if rollout is not None else None
    if test is not None and sticky is not None and sticky.header.lower() != test.header.lower():
        told = f"has no effect while abTest splits clients by {test.header}; remove it, or name the same header"
        yield ("spec", "rollout", "stickiness", "header"), Severity.WARNING, "StickinessWithoutEffect", told


def _unshielded(subject: Subject) -> Iterator[Remark]:
    rollout, test = subject.spec.rollout, subject.spec.ab_test
    if test is not None and rollout is not None and not rollout.shield:
        told = "without a shield the clients of an arm get its failures as they are; remove it"
        yield ("spec", "rollout", "shield"), Severity.WARNING, "ArmsUnshielded", told


def _secrets(subject: Subject) -> Iterator[Remark]:
    for index, variable in enumerate(subject.spec.env):
        if _SECRET.search(variable.name) is not None and variable.value:
            told = f"{variable.name} looks like a secret, and whoever may read the resource reads it too; take it out"
            yield ("spec", "env", index, "value"), Severity.WARNING, "SecretInTheOpen", told


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
    _repeated,
    _two_keys,
    _unshielded,
    _secrets,
)


def _seconds(text: str) -> float:
    return duration_seconds(text, "it")
