"""Every write of the operator passes here, and each one asks the gate first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from moorage_operator import names
from moorage_operator.api.model_deployment import Metadata
from moorage_operator.api.records import Body, Change, Happening, Verb
from moorage_operator.cluster.events import event
from moorage_operator.cluster.kinds import BY_NAME, EVENT, MODEL_DEPLOYMENT, Kind
from moorage_operator.cluster.refusals import as_fault
from moorage_operator.cluster.server import APPLY_PATCH, MERGE_PATCH, ApiError, ApiServer

log = logging.getLogger(__name__)

Gate = Callable[[], float]
"""Raises when this process may not write now; else the seconds for which it may."""


class Writer:
    """Writes children by server-side apply, and the status by another field manager."""

    def __init__(self, api: ApiServer, gate: Gate) -> None:
        self._api = api
        self._gate = gate

    async def execute(self, changes: Iterable[Change], namespace: str) -> None:
        """One write after the other, in order. Raises ApplyFault for a refusal that names its cure, else ApiError."""
        for change in changes:
            try:
                await self._one(change, namespace)
            except ApiError as error:
                fault = as_fault(error, change.ref)
                if fault is None:
                    raise
                raise fault from error

    async def status(self, metadata: Metadata, status: Body) -> None:
        """The whole status of exactly the object that was seen; one that is gone needs none.

        Raises ApiError, with code 409 when the object was changed, or made anew, since it was seen.
        """
        body = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {
                "name": metadata.name,
                "namespace": metadata.namespace,
                "resourceVersion": metadata.resource_version,
            },
            "status": status,
        }
        path = MODEL_DEPLOYMENT.path(metadata.namespace, metadata.name, "status")
        await self._unless_gone(self._apply(path, body, names.STATUS_MANAGER), 404)

    async def tell(self, metadata: Metadata, happenings: Iterable[Happening], now: datetime) -> None:
        """One Event each. A refused one is logged: no pass fails for want of a story. Raises ApiError for no answer."""
        for happening in happenings:
            path, body = EVENT.path(metadata.namespace), event(metadata, happening, now)
            try:
                await self._api.call("POST", path, body=body, within=self._gate())
            except ApiError as error:
                if error.code == 0:
                    raise
                if error.code != 409:
                    log.warning("event refused", extra={"fields": {"reason": happening.reason, "code": error.code}})

    async def _one(self, change: Change, namespace: str) -> None:
        kind = BY_NAME[change.ref.kind]
        path = kind.path(namespace, change.ref.name)
        match change.verb:
            case Verb.APPLY:
                await self._apply(path, _identified(change, kind, namespace), names.CHILD_MANAGER)
            case Verb.HANDOVER:
                await self._apply(path, _identified(change, kind, namespace), names.HANDOVER_MANAGER)
            case Verb.TOUCH:
                await self._unless_gone(self._merge(path, change.body), 404)
            case Verb.DELETE:
                # A conflict means another object stands under the name now: not the one that was meant.
                await self._unless_gone(self._delete(path, change.uid), 404, 409)

    async def _apply(self, path: str, body: Body, manager: str) -> None:
        query = {"fieldManager": manager, "force": "true"}
        await self._api.call("PATCH", path, query=query, body=body, content_type=APPLY_PATCH, within=self._gate())

    async def _merge(self, path: str, body: Body) -> None:
        query = {"fieldManager": names.CHILD_MANAGER}
        await self._api.call("PATCH", path, query=query, body=body, content_type=MERGE_PATCH, within=self._gate())

    async def _delete(self, path: str, uid: str | None) -> None:
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        await self._api.call("DELETE", path, body=options, within=self._gate())

    @staticmethod
    async def _unless_gone(call: Any, *codes: int) -> None:
        try:
            await call
        except ApiError as error:
            if error.code not in codes:
                raise


def _identified(change: Change, kind: Kind, namespace: str) -> dict[str, Any]:
    metadata = {**change.body.get("metadata", {}), "name": change.ref.name, "namespace": namespace}
    return {**change.body, "apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}
