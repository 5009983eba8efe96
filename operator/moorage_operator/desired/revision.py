"""The name of a revision: a hash over what the user chose, and over nothing that the operator chose."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import ModelDeploymentSpec
from moorage_operator.api.records import Resolved
from moorage_operator.desired.metadata import content_hash

HASH_LENGTH = 10

CHOSEN = {
    "runtime",
    "resources",
    "env",
    "node_selector",
    "tolerations",
    "pod_template",
    "test_request",
    "timeout",
    "batcher",
    "cache",
    "container_concurrency",
    "max_queue_length",
    "max_request_bytes",
    "auth",
    "access_log",
}
"""Fields of the spec that shape a pod, besides `model`."""


def revision_hash(spec: ModelDeploymentSpec, resolved: Resolved) -> str:
    """Ten hex digits. Replicas, autoscaling, deadlines and the storageUri's wording do not count.

    Fields at their default are left out, so a release that adds a field renames no revision.
    """
    fields: dict[str, Any] = spec.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True, include=CHOSEN
    )
    model = spec.model.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True, exclude={"storage_uri"}
    )
    meaning = {"version": resolved.version, "artifactUri": resolved.artifact_uri, "model": model}
    return content_hash({**fields, **meaning})[:HASH_LENGTH]


_ASIDE = {
    "min_replicas",
    "max_replicas",
    "auto_scaling",
    "progress_deadline_seconds",
    "revision_history_limit",
    "shadow",
    "ab_test",
}


def meaning_hash(spec: ModelDeploymentSpec) -> str:
    """What the spec says of the version and of how it comes in: another hash is another try for one that failed.

    How many pods there are, and whether the rollout is paused, does not count.
    """
    fields: dict[str, Any] = spec.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True, exclude=_ASIDE
    )
    fields.get("rollout", {}).pop("paused", None)
    return content_hash(fields)[:HASH_LENGTH]
