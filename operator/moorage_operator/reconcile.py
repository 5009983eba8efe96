"""The recipe: read once, decide, write once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from moorage_operator import metrics
from moorage_operator.api.judgement import Readings
from moorage_operator.api.records import Decision, Defaults, Key, Resolution, Snapshot
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
        resolution = await self.registries.resolve(snapshot.deployment)
        readings = await self.surveyor.survey(key, snapshot)
        decision = self._decide(snapshot, resolution, readings)
        confirmed = await confirm(self.api, snapshot, decision.changes)
        if confirmed is not snapshot:
            snapshot, decision = confirmed, self._decide(confirmed, resolution, readings)
        try:
            await self.writer.execute(decision.changes, key.namespace)
        except ApplyFault as fault:
            await self._tell(key, snapshot, self._decide(snapshot, resolution, readings, fault))
            raise
        _note(key, decision, routine=routine)
        await self._tell(key, snapshot, decision)
        return _soonest(decision.look_again, resolution)

    def forget(self, key: Key) -> None:
        """`key` is gone: ask the registry no more on its behalf. Its children go with it, by their ownerReferences."""
        self.registries.followed.forget(key)
        self.surveyor.forget(key)
        metrics.CENSUS.forget(key)

    def _decide(self, snapshot: Snapshot, resolution: Resolution, readings: Readings, *faults: ApplyFault) -> Decision:
        return decide(
            snapshot,
            resolution,
            self.defaults,
            self.endpoints.of(snapshot.deployment, resolution.resolved),
            readings=readings,
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


def _soonest(look_again: float | None, resolution: Resolution) -> float | None:
    retry = resolution.fault.retry_after if resolution.fault else None
    return min((seconds for seconds in (look_again, retry) if seconds is not None), default=None)
