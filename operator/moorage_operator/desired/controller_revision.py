"""The ControllerRevision: one revision's blueprint, which the API server keeps from ever changing."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import revision_labels, revision_name


def controller_revision(owner: ModelDeployment, blueprint: Blueprint) -> dict[str, Any]:
    """Holds the pod template as it was rendered at the revision's birth."""
    name = owner.metadata.name
    data = {
        "version": blueprint.version,
        "artifactUri": blueprint.artifact_uri,
        "storageUri": blueprint.storage_uri,
        "template": blueprint.template,
        **({"rebuilt": True} if blueprint.rebuilt else {}),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata(owner, revision_name(name, blueprint.revision), revision_labels(name, blueprint.revision)),
        "data": data,
        "revision": 1,
    }
