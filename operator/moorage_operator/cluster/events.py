"""Kubernetes Events: what happened to a custom resource, told once."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from moorage_operator import names
from moorage_operator.api.model_deployment import Metadata
from moorage_operator.api.records import Happening

MESSAGE_BYTES = 1024
"""The API server takes no longer one."""


def event(metadata: Metadata, happening: Happening, now: datetime) -> dict[str, Any]:
    """The Event. Its name follows from what was seen and what is told, so that a repeated pass tells it only once."""
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    told = json.dumps([metadata.uid, metadata.resource_version, happening.reason, happening.message])
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata.name}.{hashlib.sha256(told.encode()).hexdigest()[:16]}",
            "namespace": metadata.namespace,
        },
        "involvedObject": {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "name": metadata.name,
            "namespace": metadata.namespace,
            "uid": metadata.uid,
        },
        "type": happening.kind,
        "reason": str(happening.reason),
        "message": happening.message.encode()[:MESSAGE_BYTES].decode(errors="ignore"),
        "source": {"component": "moorage-operator"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
