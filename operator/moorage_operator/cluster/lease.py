"""The Lease that says who writes: read it, take it, give it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moorage_operator.cluster.kinds import LEASE
from moorage_operator.cluster.server import ApiError, ApiServer


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What the Lease said when it was read. `renewed` is compared for equality only: its clock is somebody else's."""

    holder: str
    renewed: str | None
    acquired: str | None
    transitions: int
    version: str


class LeaseStore:
    """One Lease by name. Writes carry the resourceVersion that was read: of two writers one gets a conflict."""

    def __init__(
        self, api: ApiServer, namespace: str, name: str, *, duration: float, call_timeout: float = 3.0
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._duration = duration
        self._timeout = call_timeout

    async def read(self) -> LeaseRecord | None:
        """The record; None when there is no Lease yet. Raises ApiError."""
        try:
            lease = await self._api.call("GET", LEASE.path(self._namespace, self._name), within=self._timeout)
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        return _record(lease)

    async def take(self, previous: LeaseRecord | None, holder: str) -> LeaseRecord:
        """Write `holder` (empty: released) over `previous`. Raises ApiError, with code 409 when somebody was faster."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kept = previous is not None and previous.holder == holder
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": int(self._duration) if holder else 1,
            "acquireTime": (previous.acquired if previous and kept else None) or now,
            "renewTime": now,
            "leaseTransitions": 0 if previous is None else previous.transitions + (0 if kept or not holder else 1),
        }
        return _record(await self._write(previous, spec))

    async def _write(self, previous: LeaseRecord | None, spec: dict[str, Any]) -> Any:
        metadata = {"name": self._name, "namespace": self._namespace}
        body = {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata, "spec": spec}
        if previous is None:
            return await self._api.call("POST", LEASE.path(self._namespace), body=body, within=self._timeout)
        metadata["resourceVersion"] = previous.version
        path = LEASE.path(self._namespace, self._name)
        return await self._api.call("PUT", path, body=body, within=self._timeout)


def _record(lease: Any) -> LeaseRecord:
    spec = lease.get("spec") or {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        renewed=spec.get("renewTime"),
        acquired=spec.get("acquireTime"),
        transitions=spec.get("leaseTransitions") or 0,
        version=lease["metadata"]["resourceVersion"],
    )
