"""The volumes of a pod, and which container sees which: credentials and claims only the download."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults, Endpoint, Resolved
from moorage_operator.desired.runtime_config import CA_DIR, CLAIM_DIR, claim_of
from moorage_operator.names import routes_config_map
from moorage_runtime.config import CREDENTIALS_DIR, MODEL_DIR, ROUTES_DIR, TMP_DIR

TMP_LIMIT = "64Mi"

Volume = dict[str, Any]
Mount = dict[str, Any]

_MODEL: Mount = {"name": "model", "mountPath": MODEL_DIR}
_SHARED: tuple[Mount, ...] = (
    {"name": "tmp", "mountPath": TMP_DIR},
    {"name": "routes", "mountPath": ROUTES_DIR, "readOnly": True},
)


def volumes(owner: ModelDeployment, resolved: Resolved, defaults: Defaults, endpoint: Endpoint) -> list[Volume]:
    """Every volume of the pod."""
    own = [
        {"name": "model", "emptyDir": {"sizeLimit": str(defaults.artifact_limit_bytes)}},
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": TMP_LIMIT}},
        {"name": "routes", "configMap": {"name": routes_config_map(owner.metadata.name), "optional": True}},
    ]
    return own + [volume for volume, _ in _private(owner, resolved, endpoint)]


def download_mounts(owner: ModelDeployment, resolved: Resolved, endpoint: Endpoint) -> list[Mount]:
    """What the init container sees."""
    return [_MODEL, *_SHARED, *(mount for _, mount in _private(owner, resolved, endpoint))]


def serve_mounts() -> list[Mount]:
    """What the serving container sees: the model, read-only, and no credential."""
    return [{**_MODEL, "readOnly": True}, *_SHARED]


def _private(owner: ModelDeployment, resolved: Resolved, endpoint: Endpoint) -> list[tuple[Volume, Mount]]:
    """What only the download may see, each volume with its mount."""
    found: list[tuple[Volume, Mount]] = []
    if secret := owner.spec.model.secret_name:
        # Optional, so that the download can say which Secret is missing instead of hanging without a word.
        volume = {"name": "credentials", "secret": {"secretName": secret, "optional": True}}
        found.append((volume, {"name": "credentials", "mountPath": CREDENTIALS_DIR, "readOnly": True}))
    if claim := claim_of(resolved.artifact_uri):
        volume = {"name": "claim", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
        found.append((volume, {"name": "claim", "mountPath": CLAIM_DIR, "readOnly": True}))
    if bundle := endpoint.ca_config_map:
        volume = {"name": "ca", "configMap": {"name": bundle, "optional": True}}
        found.append((volume, {"name": "ca", "mountPath": CA_DIR, "readOnly": True}))
    return found
