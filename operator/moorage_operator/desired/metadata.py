"""What every child's metadata holds: name, labels, the owner, and a hash over all that we wish."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.names import API_VERSION, CONTENT_ANNOTATION, KIND


def metadata(
    owner: ModelDeployment, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Name, namespace, labels, annotations and the ownerReference, by which the garbage collector finds the child."""
    reference = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": owner.metadata.name,
        "uid": owner.metadata.uid,
        "controller": True,
        # True would need a right on the CR's finalizers that the operator otherwise has no use for.
        "blockOwnerDeletion": False,
    }
    return {
        "name": name,
        "namespace": owner.metadata.namespace,
        "labels": dict(labels),
        "annotations": dict(annotations or {}),
        "ownerReferences": [reference],
    }


def seal(body: Mapping[str, Any]) -> dict[str, Any]:
    """The object with a hash of itself in an annotation: fields that we no longer wish show as a changed hash."""
    annotations = {**body["metadata"]["annotations"], CONTENT_ANNOTATION: content_hash(body)}
    return {**body, "metadata": {**body["metadata"], "annotations": annotations}}


def content_hash(content: object) -> str:
    """The first 16 hex digits of sha256 over canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
