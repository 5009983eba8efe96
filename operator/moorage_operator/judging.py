"""Where the judgement of a candidate stands: the last one, or a new one where one is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from moorage_operator.analysis import crashes as crashing
from moorage_operator.analysis.look import Candidacy, due_in, look
from moorage_operator.analysis.verdict import judge
from moorage_operator.api.judgement import Crash, Judgement, Readings, Totals, Verdict, read_totals
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.step import Memory
from moorage_operator.observed.memory import remember
from moorage_operator.rollout.plan import plan, rules
from moorage_operator.rollout.steps import current_step


@dataclass(frozen=True, slots=True)
class Standing:
    """`totals`: for the status, None where there is nothing to count. `judgement`: the newest, None before the first.
    `look_again`: seconds until the next look, None while the candidate gets nothing.
    """

    totals: str | None = None
    judgement: Judgement | None = None
    look_again: float | None = None


def standing(
    owner: ModelDeployment,
    memory: Memory,
    readings: Readings,
    crashes: Sequence[Crash],
    now: datetime,
    *,
    dark: bool = False,
) -> Standing:
    """Look, if a look is due. `memory`: of the last pass. `crashes`: of the candidate's pods. `dark`: the stable
    revision answers nobody, so there is nobody to compare with, and the last judgement stands. Pure.
    """
    if memory.candidate is None or memory.stable is None:
        return Standing()
    totals, case = _totals(owner), _case(owner, memory, crashes)
    if (crashed := _crashed(owner, memory, totals, crashes, now)) is not None:
        return Standing(totals.text(), crashed, rules(owner.spec).interval)
    if case is None or dark:
        # What was counted stays until there is more to count.
        return Standing(totals.text() if totals.mark else None, memory.judgement)
    wait = _wait(owner, memory, case, totals, now)
    if not readings.mark:
        # Nobody asked the pods: there is nothing to judge by.
        wait = max(wait, case.rules.interval)
    if wait > 0:
        return Standing(totals.text() if totals.mark else None, memory.judgement, wait)
    seen = look(case, totals, readings, now)
    following = replace(memory, judgement=seen.judgement)
    return Standing(seen.totals.text(), seen.judgement, _wait(owner, following, case, seen.totals, now))


def due(owner: ModelDeployment, now: datetime) -> bool:
    """Whether this pass will look, as far as the last one's status tells."""
    memory = remember(owner.status, now)
    if memory.candidate is None or memory.stable is None:
        return False
    case = _case(owner, memory, ())
    return case is not None and _wait(owner, memory, case, _totals(owner), now) <= 0


def _totals(owner: ModelDeployment) -> Totals:
    rollout = owner.status.rollout
    return read_totals(rollout.totals if rollout is not None else None)


def _case(owner: ModelDeployment, memory: Memory, crashes: Sequence[Crash]) -> Candidacy | None:
    began = memory.progress.judged_since
    if began is None or memory.candidate is None:
        return None
    to_half = plan(owner.spec).to_half(memory.progress.step, memory.progress.weight)
    return Candidacy(rules(owner.spec), memory.stable, memory.candidate, began, crashes, to_half)


def _wait(owner: ModelDeployment, memory: Memory, case: Candidacy, totals: Totals, now: datetime) -> float:
    progress = memory.progress
    step = current_step(plan(owner.spec), progress)
    ends = progress.since + timedelta(seconds=step.hold) if progress.since is not None and step is not None else None
    return due_in(case, totals, memory.judgement.at if memory.judgement is not None else None, now, ends)


def _crashed(
    owner: ModelDeployment, memory: Memory, totals: Totals, crashes: Sequence[Crash], now: datetime
) -> Judgement | None:
    """A crash waits for no look: a candidate whose pods ended may have lost its step meanwhile."""
    known = totals.candidate_revision == memory.candidate
    since = totals.watched if known else memory.progress.judged_since
    if since is None:
        return None
    found = crashing.check(crashes, since, totals.ended if known else None)
    if found.verdict is not Verdict.FAIL:
        return None
    told = memory.judgement
    if told is not None and told.at >= since and told.reason == found.reason:
        # Told once; whoever promotes it all the same is not told again with every pass.
        return replace(told, abort=True)
    return judge(rules(owner.spec), [found], failures=totals.failures, at=now)
