"""The volumes of a pod, and which container sees which: what reads the artifact only the download, what guards or keeps
answers only the server."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults, Endpoint, Resolved
from moorage_operator.desired.answering import cache_server
from moorage_operator.desired.runtime_config import CA_DIR, CLAIM_DIR, claim_of
from moorage_operator.names import routes_config_map
from moorage_runtime.config import (
    API_KEYS_DIR,
    CACHE_CA_FILE,
    CACHE_CREDENTIALS_DIR,
    CREDENTIALS_DIR,
    MODEL_DIR,
    ROUTES_DIR,
    TMP_DIR,
)

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
    private = [*_of_download(owner, resolved, endpoint), *_of_server(owner, defaults)]
    return own + [volume for volume, _ in private]


def download_mounts(owner: ModelDeployment, resolved: Resolved, endpoint: Endpoint) -> list[Mount]:
    """What the init container sees."""
    return [_MODEL, *_SHARED, *(mount for _, mount in _of_download(owner, resolved, endpoint))]


def serve_mounts(owner: ModelDeployment, defaults: Defaults) -> list[Mount]:
    """What the serving container sees: the model, read-only, and no credential of the download."""
    return [{**_MODEL, "readOnly": True}, *_SHARED, *(mount for _, mount in _of_server(owner, defaults))]


def _of_download(owner: ModelDeployment, resolved: Resolved, endpoint: Endpoint) -> list[tuple[Volume, Mount]]:
    """What only the download may see, each volume with its mount."""
    found: list[tuple[Volume, Mount]] = []
    if secret := owner.spec.model.secret_name:
        found.append(_secret("credentials", secret, CREDENTIALS_DIR))
    if claim := claim_of(resolved.artifact_uri):
        volume = {"name": "claim", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
        found.append((volume, _mount("claim", CLAIM_DIR)))
    if bundle := endpoint.ca_config_map:
        found.append(_bundle("ca", bundle, CA_DIR))
    return found


def _of_server(owner: ModelDeployment, defaults: Defaults) -> list[tuple[Volume, Mount]]:
    """What only the server may see, each volume with its mount."""
    found: list[tuple[Volume, Mount]] = []
    if owner.spec.auth is not None:
        found.append(_secret("api-keys", owner.spec.auth.secret_name, API_KEYS_DIR))
    if owner.spec.cache is not None and (secret := owner.spec.cache.secret_name):
        found.append(_secret("cache-credentials", secret, CACHE_CREDENTIALS_DIR))
    server = cache_server(owner.spec, defaults)
    if server is not None and server.ca_config_map is not None:
        found.append(_bundle("cache-ca", server.ca_config_map, str(PurePosixPath(CACHE_CA_FILE).parent)))
    return found


def _secret(name: str, secret: str, path: str) -> tuple[Volume, Mount]:
    # Optional, so that the container can say what is missing instead of hanging without a word.
    return {"name": name, "secret": {"secretName": secret, "optional": True}}, _mount(name, path)


def _bundle(name: str, config_map: str, path: str) -> tuple[Volume, Mount]:
    return {"name": name, "configMap": {"name": config_map, "optional": True}}, _mount(name, path)


def _mount(name: str, path: str) -> Mount:
    return {"name": name, "mountPath": path, "readOnly": True}
