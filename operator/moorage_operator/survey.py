"""What is asked beside the API server while a version is on trial: the pods, Prometheus, webhooks."""

from __future__ import annotations

from datetime import datetime

from moorage_operator import metrics
from moorage_operator.api.judgement import Check, Readings
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Key, Snapshot
from moorage_operator.cluster.pods import Telephone, read_pods
from moorage_operator.judging import due
from moorage_operator.observed.watched import counted_marks, watched
from moorage_operator.opinions.panel import Panel
from moorage_operator.recollection import Recollection


class Surveyor:
    """Asks, and remembers what pods said, because what counts is what they counted since."""

    def __init__(self, telephone: Telephone, panel: Panel) -> None:
        self._telephone = telephone
        self._panel = panel
        self._recollection = Recollection()

    async def survey(self, key: Key, snapshot: Snapshot) -> Readings:
        """What is known now; nothing is asked where nothing depends on it. Raises nothing: silence is an answer."""
        owner = snapshot.deployment
        if owner.metadata.deletion_timestamp is not None or not watched(owner):
            self._recollection.forget(key)
            return Readings()
        now = snapshot.now
        opinions = await self._opinions(owner, now)
        readings = Readings(
            mark=now.isoformat(timespec="microseconds"),
            now=await read_pods(self._telephone, snapshot.pods, now),
            before=self._recollection.before(key),
            opinions=opinions,
        )
        # Before the status is written: whether it was, its mark will tell.
        self._recollection.note(key, readings, counted_marks(owner))
        metrics.count_readings(readings)
        return readings

    def forget(self, key: Key) -> None:
        """`key` is gone."""
        self._recollection.forget(key)

    async def _opinions(self, owner: ModelDeployment, now: datetime) -> tuple[Check, ...]:
        rollout = owner.spec.rollout
        if rollout is None or not (rollout.analysis.metrics or rollout.analysis.webhooks) or not due(owner, now):
            return ()
        return await self._panel.opinions(owner, rollout.analysis)
