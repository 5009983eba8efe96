"""A look into a cluster for comparing: it reads, and writes only as a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Body, Key, ObjectRef
from moorage_operator.cluster.gather import gather
from moorage_operator.cluster.kinds import BY_NAME, Kind
from moorage_operator.cluster.server import APPLY_PATCH, ApiError, ApiServer
from moorage_operator.names import CHILD_MANAGER
from moorage_operator.observed.blueprints import read_blueprints
from moorage_operator.observed.routes import live_routes
from moorage_operator.observed.world import sort
from moorage_operator.settings import Settings, SettingsFault, parse
from moorage_runtime.config import RouteTable

OPERATOR = "moorage-operator"
_SETTINGS_VOLUME, _SETTINGS_FILE = "settings", "settings.yaml"
_CONFIG_MAP = BY_NAME["ConfigMap"]
_DEPLOYMENT = BY_NAME["Deployment"]


@dataclass(frozen=True, slots=True)
class Live:
    """One resource as it lives: itself, its children, the blueprints of its revisions, its route table."""

    owner: ModelDeployment
    children: dict[ObjectRef, Body]
    born: dict[str, Blueprint]
    routed: RouteTable


async def look(api: ApiServer, key: Key, now: datetime) -> Live | None:
    """What is there; None when there is no such resource. Raises ApiError, or SpecFault for an unreadable one."""
    snapshot = await gather(api, key, now)
    if snapshot is None:
        return None
    world = sort(snapshot)
    return Live(snapshot.deployment, dict(world.children), read_blueprints(world), live_routes(world))


async def applied(api: ApiServer, body: Body) -> Body | None:
    """What the API server would make of `body`; None when it does not let us ask. Nothing is changed."""
    kind = BY_NAME[body["kind"]]
    path = kind.path(body["metadata"]["namespace"], body["metadata"]["name"])
    query = {"fieldManager": CHILD_MANAGER, "force": "true", "dryRun": "All"}
    try:
        answer: Body = await api.call("PATCH", path, query=query, body=dict(body), content_type=APPLY_PATCH)
    except ApiError as error:
        if error.code in (401, 403, 404, 409, 422):
            return None
        raise
    return answer


async def settings(api: ApiServer, namespace: str) -> Settings | None:
    """The settings of the operator that runs in `namespace`; None when they cannot be read there."""
    deployment = await _get(api, _DEPLOYMENT, namespace, OPERATOR)
    name = _settings_of(deployment)
    config_map = await _get(api, _CONFIG_MAP, namespace, name) if name is not None else None
    text = ((config_map or {}).get("data") or {}).get(_SETTINGS_FILE)
    try:
        return parse(yaml.safe_load(text), f"ConfigMap {namespace}/{name}") if text is not None else None
    except (SettingsFault, yaml.YAMLError):
        return None


def _settings_of(deployment: Body | None) -> str | None:
    volumes: list[Any] = deployment["spec"]["template"]["spec"].get("volumes") or [] if deployment is not None else []
    found = (each["configMap"]["name"] for each in volumes if each["name"] == _SETTINGS_VOLUME and "configMap" in each)
    return next(found, None)


async def _get(api: ApiServer, kind: Kind, namespace: str, name: str) -> Body | None:
    try:
        answer: Body = await api.call("GET", kind.path(namespace, name))
    except ApiError as error:
        if error.code in (401, 403, 404):
            return None
        raise
    return answer
