"""The recipe: read once, decide, write once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from moorage_operator import metrics
from moorage_operator.api.guests import Guest, as_owner, guests
from moorage_operator.api.judgement import Readings
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Decision, Defaults, Invited, Key, Resolution, Snapshot
from moorage_operator.cluster.gather import confirm, gather
from moorage_operator.cluster.server import ApiServer
from moorage_operator.cluster.write import Writer
from moorage_operator.decide import decide
from moorage_operator.endpoints import Endpoints
from moorage_operator.errors import ApplyFault
from moorage_operator.registry.resolve import Registries
from moorage_operator.survey import Surveyor

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What others than the API server say, of this very pass."""

    resolution: Resolution
    invited: tuple[Invited, ...]
    readings: Readings


@dataclass(frozen=True, slots=True)
class Reconciler:
    """One look at one custom resource. `now`: the wall clock, in UTC."""

    api: ApiServer
    writer: Writer
    registries: Registries
    endpoints: Endpoints
    defaults: Defaults
    surveyor: Surveyor
    retire_seconds: float = 30.0
    now: Callable[[], datetime] = _now

    async def look(self, key: Key, *, routine: bool = False) -> float | None:
        """Bring `key` a step closer; seconds until the next look makes sense, None when events suffice.

        `routine`: nothing was heard of it. Raises ApiError, or ApplyFault after having told it in the status.
        """
        snapshot = await gather(self.api, key, self.now())
        if snapshot is None:
            self.forget(key)
            return None
        heard = await self._listen(key, snapshot)
        decision = self._decide(snapshot, heard)
        confirmed = await confirm(self.api, snapshot, decision.changes)
        if confirmed is not snapshot:
            snapshot, decision = confirmed, self._decide(confirmed, heard)
        try:
            await self.writer.execute(decision.changes, key.namespace)
        except ApplyFault as fault:
            await self._tell(key, snapshot, self._decide(snapshot, heard, fault))
            raise
        _note(key, decision, routine=routine)
        await self._tell(key, snapshot, decision)
        return _soonest(decision.look_again, heard)

    def forget(self, key: Key) -> None:
        """`key` is gone: ask the registry no more on its behalf. Its children go with it, by their ownerReferences."""
        self.registries.followed.forget(key)
        self.registries.forget_guests(key)
        self.surveyor.forget(key)
        metrics.CENSUS.forget(key)

    async def _listen(self, key: Key, snapshot: Snapshot) -> _Heard:
        owner = snapshot.deployment
        resolution = await self.registries.resolve(owner)
        invited = tuple([await self._invite(owner, guest) for guest in guests(owner.spec)])
        if owner.status.guests:
            self.registries.forget_guests(key, but=[each.guest.name for each in invited])
        return _Heard(resolution, invited, await self.surveyor.survey(key, snapshot))

    async def _invite(self, owner: ModelDeployment, guest: Guest) -> Invited:
        stand_in = as_owner(owner, guest)
        resolution = await self.registries.resolve(stand_in, guest.name)
        return Invited(guest, resolution, self.endpoints.of(stand_in, resolution.resolved))

    def _decide(self, snapshot: Snapshot, heard: _Heard, *faults: ApplyFault) -> Decision:
        return decide(
            snapshot,
            heard.resolution,
            self.defaults,
            self.endpoints.of(snapshot.deployment, heard.resolution.resolved),
            readings=heard.readings,
            invited=heard.invited,
            retire_seconds=self.retire_seconds,
            faults=tuple(faults),
        )

    async def _tell(self, key: Key, snapshot: Snapshot, decision: Decision) -> None:
        if decision.status_changed:
            metadata = snapshot.deployment.metadata
            await self.writer.tell(metadata, decision.happenings, snapshot.now)
            await self.writer.status(metadata, decision.status)
            metrics.count_judgement(snapshot.deployment.status, decision.status)
        metrics.CENSUS.note(key, decision.status)


def _note(key: Key, decision: Decision, *, routine: bool) -> None:
    metrics.count_writes(decision.changes, routine=routine)
    if decision.changes:
        wrote = [f"{change.verb} {change.ref.kind}/{change.ref.name}: {change.why}" for change in decision.changes]
        log.info("wrote", extra={"fields": {"namespace": key.namespace, "name": key.name, "changes": wrote}})


def _soonest(look_again: float | None, heard: _Heard) -> float | None:
    faults = (each.fault for each in (heard.resolution, *(guest.resolution for guest in heard.invited)))
    retries = [fault.retry_after for fault in faults if fault is not None]
    return min((seconds for seconds in (look_again, *retries) if seconds is not None), default=None)
