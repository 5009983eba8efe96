"""Services: the public one, which selects one revision, and each revision's own."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import (
    SERVICE_GRPC_PORT,
    SERVICE_PORT,
    common_labels,
    public_service,
    revision_labels,
    revision_name,
    revision_selector,
)
from moorage_runtime.config import GRPC_PORT


def public(owner: ModelDeployment, target: str) -> dict[str, Any]:
    """The Service that clients call: its selector is the switch."""
    name = owner.metadata.name
    return _service(owner, public_service(name), common_labels(name), target)


def of_revision(owner: ModelDeployment, revision: str) -> dict[str, Any]:
    """The Service that always means this one revision."""
    name = owner.metadata.name
    return _service(owner, revision_name(name, revision), revision_labels(name, revision), revision)


def _service(owner: ModelDeployment, name: str, labels: dict[str, str], revision: str) -> dict[str, Any]:
    http = _port("http", SERVICE_PORT, "http", "http")
    # By number: the pods of revisions that are older than this port do not name it.
    grpc = _port("grpc", SERVICE_GRPC_PORT, GRPC_PORT, "kubernetes.io/h2c")
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(owner, name, labels),
        "spec": {
            "type": "ClusterIP",
            "selector": revision_selector(owner.metadata.name, revision),
            "ports": [http, grpc],
        },
    }


def _port(name: str, number: int, target: str | int, protocol: str) -> dict[str, Any]:
    return {"name": name, "port": number, "targetPort": target, "protocol": "TCP", "appProtocol": protocol}
