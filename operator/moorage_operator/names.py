"""Every name, label, annotation, port and field manager that the operator gives to the outside."""

from __future__ import annotations

import re

GROUP = "moorage.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ModelDeployment"
PLURAL = "modeldeployments"

CHILD_MANAGER = "moorage"
STATUS_MANAGER = "moorage-status"
HANDOVER_MANAGER = "moorage-handover"

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "moorage"
OWNER_LABEL = f"{GROUP}/model-deployment"
REVISION_LABEL = f"{GROUP}/revision"
CONTENT_ANNOTATION = f"{GROUP}/content-hash"
TOUCH_ANNOTATION = f"{GROUP}/routes-generation"
VERSION_ANNOTATION = f"{GROUP}/model-version"
ARTIFACT_ANNOTATION = f"{GROUP}/artifact-uri"
STORAGE_ANNOTATION = f"{GROUP}/storage-uri"
INTENT_PREFIX = f"{GROUP}/"
"""Of the annotations by which people promote, abort, retry, pause and undo."""

SERVE_CONTAINER = "server"
DOWNLOAD_CONTAINER = "download"
SERVICE_PORT = 80
SERVICE_GRPC_PORT = 9000


def revision_name(owner: str, revision: str) -> str:
    """The Deployment, Service and ControllerRevision of one revision."""
    return f"{owner}-{revision}"


def revision_of(owner: str, name: str) -> str | None:
    """The revision that a child is named after; None for names that are no revision's."""
    found = re.fullmatch(rf"{re.escape(owner)}-([0-9a-f]{{10}})", name)
    return found[1] if found else None


def public_service(owner: str) -> str:
    """The Service that clients call."""
    return owner


def routes_config_map(owner: str) -> str:
    """The ConfigMap that holds the route table."""
    return f"{owner}-routes"


def autoscaler(owner: str) -> str:
    """The HorizontalPodAutoscaler of the stable revision."""
    return owner


def trial_autoscaler(owner: str, revision: str) -> str:
    """The HorizontalPodAutoscaler of a candidate."""
    return revision_name(owner, revision)


def disruption_budget(owner: str) -> str:
    """The PodDisruptionBudget of the stable revision."""
    return owner


def network_policy(owner: str) -> str:
    """The NetworkPolicy around every pod of the deployment."""
    return owner


def url(owner: str, namespace: str) -> str:
    """The base URL inside the cluster."""
    return f"http://{public_service(owner)}.{namespace}.svc"


def common_labels(owner: str) -> dict[str, str]:
    """Labels that every child carries."""
    return {
        "app.kubernetes.io/name": "moorage-model",
        "app.kubernetes.io/instance": owner,
        "app.kubernetes.io/component": "server",
        "app.kubernetes.io/part-of": "moorage",
        MANAGED_BY_LABEL: MANAGED_BY,
        OWNER_LABEL: owner,
    }


def revision_labels(owner: str, revision: str) -> dict[str, str]:
    """Labels of everything that belongs to one revision."""
    return {**common_labels(owner), REVISION_LABEL: revision}


def revision_selector(owner: str, revision: str) -> dict[str, str]:
    """Selects the pods of one revision."""
    return {OWNER_LABEL: owner, REVISION_LABEL: revision}


def owner_selector(owner: str) -> dict[str, str]:
    """Selects the pods of every revision of one deployment."""
    return {OWNER_LABEL: owner}
