"""What is asked beside the API server while a version is on trial: the pods, Prometheus, webhooks."""

from __future__ import annotations

from datetime import datetime, timedelta

from moorage_operator import metrics
from moorage_operator.analysis.look import Candidacy, due_in
from moorage_operator.api.judgement import Check, Readings, read_totals
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Key, Snapshot
from moorage_operator.cluster.pods import Telephone, read_pods
from moorage_operator.observed.memory import remember
from moorage_operator.observed.watched import counted_marks, watched
from moorage_operator.opinions.panel import Panel
from moorage_operator.recollection import Recollection
from moorage_operator.rollout.plan import plan, rules


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
        if rollout is None or not (rollout.analysis.metrics or rollout.analysis.webhooks) or not _due(owner, now):
            return ()
        return await self._panel.opinions(owner, rollout.analysis)


def _due(owner: ModelDeployment, now: datetime) -> bool:
    """Whether this pass will judge: nobody is asked in between."""
    memory, told = remember(owner.status, now), owner.status.rollout
    candidate, progress = memory.candidate, memory.progress
    if candidate is None or progress.since is None or told is None:
        return False
    case = Candidacy(rules(owner.spec), memory.stable, candidate, progress.since)
    steps = plan(owner.spec).steps
    ends = None
    if 1 <= progress.step <= len(steps):
        ends = progress.since + timedelta(seconds=steps[progress.step - 1].hold)
    last = memory.judgement.at if memory.judgement is not None else None
    return due_in(case, read_totals(told.totals), last, now, ends) <= 0
