"""The Deployment of one revision: always from its blueprint, never from today's defaults."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import (
    ARTIFACT_ANNOTATION,
    STORAGE_ANNOTATION,
    VERSION_ANNOTATION,
    revision_labels,
    revision_name,
    revision_selector,
)


def deployment(owner: ModelDeployment, blueprint: Blueprint, replicas: int | None) -> dict[str, Any]:
    """`replicas` None: an autoscaler owns the number, so it is not named."""
    name, revision = owner.metadata.name, blueprint.revision
    annotations = {
        VERSION_ANNOTATION: blueprint.version,
        ARTIFACT_ANNOTATION: blueprint.artifact_uri,
        STORAGE_ANNOTATION: blueprint.storage_uri,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(owner, revision_name(name, revision), revision_labels(name, revision), annotations),
        "spec": {
            **({} if replicas is None else {"replicas": replicas}),
            "selector": {"matchLabels": revision_selector(name, revision)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "revisionHistoryLimit": 1,
            "progressDeadlineSeconds": owner.spec.progress_deadline_seconds,
            "template": blueprint.template,
        },
    }
