"""Read the world around one custom resource, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from moorage_operator import names
from moorage_operator.api.conditions import Reason
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Body, Change, Key, ObjectRef, Snapshot, Verb
from moorage_operator.cluster.kinds import BY_NAME, CHILDREN, MODEL_DEPLOYMENT, POD, Kind
from moorage_operator.cluster.ownership import is_ours, left_behind
from moorage_operator.cluster.server import ApiError, ApiServer
from moorage_operator.errors import SpecFault

CHUNK = 500


async def gather(api: ApiServer, key: Key, now: datetime) -> Snapshot | None:
    """One live look; None when the custom resource is gone. Raises ApiError, or SpecFault for an unreadable one."""
    reads = (_list(api, kind, key) for kind in (*CHILDREN, POD))
    raw, *lists = await asyncio.gather(_get(api, MODEL_DEPLOYMENT, key.namespace, key.name), *reads)
    if raw is None:
        return None
    deployment = read_deployment(raw)
    *children, pods = lists
    seen = {_ref(body): body for bodies in children for body in bodies}
    return _sorted_out(Snapshot(deployment, {}, frozenset(), tuple(pods), now), seen)


async def confirm(api: ApiServer, snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """Look by name at what `changes` would create.

    An object that stands there without our label is either a child that lost it, or somebody else's.
    """
    known = snapshot.children.keys() | snapshot.foreign
    missing = [change.ref for change in changes if change.verb is Verb.APPLY and change.ref not in known]
    if not missing:
        return snapshot
    namespace = snapshot.deployment.metadata.namespace
    found = await asyncio.gather(*(_get(api, BY_NAME[ref.kind], namespace, ref.name) for ref in missing))
    seen = {_ref(body): body for body in found if body is not None}
    return _sorted_out(snapshot, seen) if seen else snapshot


async def every_deployment(api: ApiServer, namespace: str | None) -> AsyncIterator[Body]:
    """Every custom resource of one namespace, or of all, in chunks. Raises ApiError."""
    query = {"limit": str(CHUNK)}
    while True:
        page = await api.call("GET", MODEL_DEPLOYMENT.path(namespace), query=query)
        for item in page["items"]:
            yield item
        following = page["metadata"].get("continue")
        if not following:
            return
        query = {"limit": str(CHUNK), "continue": following}


def read_deployment(raw: Body) -> ModelDeployment:
    """Parse what the API server holds. Raises SpecFault when this release does not understand the spec."""
    try:
        return ModelDeployment.model_validate(raw)
    except ValidationError:
        # A status of another release must not hide a good spec: it is rebuilt from what is there.
        return _without_status(raw)


def _without_status(raw: Body) -> ModelDeployment:
    try:
        return ModelDeployment.model_validate({**raw, "status": {}})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise SpecFault(
            Reason.SPEC_UNREADABLE, f"{path}: {first['msg']}; apply the CRD of this operator's release."
        ) from error


def _sorted_out(snapshot: Snapshot, seen: Mapping[ObjectRef, Body]) -> Snapshot:
    metadata = snapshot.deployment.metadata
    name, uid = metadata.name, metadata.uid
    ours = {ref: body for ref, body in seen.items() if is_ours(body, name, uid) or left_behind(body, name, uid)}
    return replace(
        snapshot,
        children={**snapshot.children, **ours},
        foreign=snapshot.foreign | (seen.keys() - ours.keys()),
    )


def _ref(body: Body) -> ObjectRef:
    return ObjectRef(body["kind"], body["metadata"]["name"])


async def _get(api: ApiServer, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
    try:
        body: dict[str, Any] = await api.call("GET", kind.path(namespace, name))
    except ApiError as error:
        if error.code == 404:
            return None
        raise
    return body


async def _list(api: ApiServer, kind: Kind, key: Key) -> list[dict[str, Any]]:
    query = {"labelSelector": f"{names.OWNER_LABEL}={key.name}"}
    page = await api.call("GET", kind.path(key.namespace), query=query)
    # Items of a list come without the kind that the list names once.
    return [{**item, "apiVersion": kind.api_version, "kind": kind.name} for item in page["items"]]
