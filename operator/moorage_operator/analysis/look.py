"""One look at a candidate: what the pods told since the last look is added up, and the sum is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from moorage_operator.analysis import crashes as crashing
from moorage_operator.analysis import departures, disagreement, error_rate, latency, threefold
from moorage_operator.analysis.sides import ENOUGH_STABLE, Sides
from moorage_operator.analysis.tally import asked_of_candidate, asked_of_stable, plus
from moorage_operator.analysis.verdict import judge
from moorage_operator.analysis.window import Window, lifetime
from moorage_operator.api.judgement import Check, Crash, Judgement, Readings, Rules, Tally, Totals, Verdict

SOONEST = 0.5
"""Seconds between two looks, at least."""
_STRETCH = 100
"""Requests of the candidate after which a new stretch begins, at least; and that tell anew after nobody looked."""
MAX_DIFFERENCES = 5
DIFFERENCE_LENGTH = 300

_COUNTING_BEGINS = Check("warmUp", Verdict.INCONCLUSIVE, message="counting begins")
_UNHEARD = Check("judges", Verdict.INCONCLUSIVE, message="metrics and webhooks have not been asked yet")
_SILENT = Check("reports", Verdict.INCONCLUSIVE, message="no pod of the stable version tells what it has counted")
_UNSEEN = "nobody counted for a while, and what went before is no proof"


@dataclass(frozen=True, slots=True)
class Candidacy:
    """Who is judged, and by what. `began`: when the step's hold began. `crashes`: all known ones of the candidate.
    `to_half`: the step gives less than half of the traffic, and what follows it half or more.
    """

    rules: Rules
    stable: str | None
    candidate: str
    began: datetime
    crashes: Sequence[Crash] = ()
    to_half: bool = False

    @property
    def window(self) -> str:
        """Names the step, to the millisecond as the status does."""
        return f"{self.candidate} {self.began.timestamp():.3f}"

    @property
    def warm(self) -> datetime:
        """When the warm-up ends."""
        return self.began + timedelta(seconds=self.rules.warm_up)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look came to. `totals`: for the next one."""

    totals: Totals
    judgement: Judgement


def due_in(
    case: Candidacy, totals: Totals, last: datetime | None, now: datetime, ends: datetime | None = None
) -> float:
    """Seconds until the next look; 0 or less: now. `last`: when the last one was. `ends`: when the step's hold ends,
    which wants a judgement of that very moment. A last look that is still to come was made by another clock: it tells
    nothing of when the next one is due.
    """
    if totals.window != case.window or last is None:
        return (case.warm - now).total_seconds()
    if last > now:
        return 0.0
    following = last + timedelta(seconds=case.rules.interval)
    if ends is not None and last < ends < following:
        following = max(ends, last + timedelta(seconds=SOONEST))
    return (following - now).total_seconds()


def look(case: Candidacy, totals: Totals, readings: Readings, now: datetime) -> Look:
    """Add up and judge. The first look of a step only notes where counting begins."""
    if totals.window != case.window or totals.since is None:
        return _first(case, totals, readings, now)
    newest = _newest(case, totals, readings)
    counted = _counted(case, totals, newest, readings.mark, now)
    seconds = (now - totals.since).total_seconds()
    checks = list(_checks(case, counted, newest, readings, seconds))
    samples = differences(readings, case.stable, case.candidate)
    judgement = judge(case.rules, checks, failures=totals.failures, at=now, samples=samples)
    return Look(replace(counted, failures=judgement.failures), judgement)


def differences(readings: Readings, stable: str | None, candidate: str) -> tuple[str, ...]:
    """A few of the answers that differed, as the pods tell them: without inputs."""
    reports = [each.report for each in readings.of(stable) if each.report is not None]
    told = [
        sample for report in reports if candidate in report.forwarded for sample in report.forwarded[candidate].samples
    ]
    return tuple(dict.fromkeys(each[:DIFFERENCE_LENGTH] for each in told))[:MAX_DIFFERENCES]


def _first(case: Candidacy, totals: Totals, readings: Readings, now: datetime) -> Look:
    known = totals if totals.candidate_revision == case.candidate else Totals()
    begun = Totals(
        mark=readings.mark,
        window=case.window,
        since=now,
        reference=_reference(known, readings, case.stable),
        earlier=threefold.after(known.earlier, Sides(known.stable, known.candidate)),
        watched=known.watched or case.began,
        ended=known.ended if known.watched else _ended(case),
    )
    judgement = judge(case.rules, [_crashes(case, begun), _COUNTING_BEGINS], failures=0, at=now)
    return Look(replace(begun, failures=judgement.failures), judgement)


def _reference(known: Totals, readings: Readings, stable: str | None) -> Tally:
    """How often the stable version fails: in the last step that left it enough to do, else in its life so far."""
    if asked_of_stable(known.stable, known.candidate) >= ENOUGH_STABLE:
        return replace(known.stable, seconds=())
    return known.reference if known.reference.outcomes else replace(lifetime(readings.now, stable), seconds=())


def _ended(case: Candidacy) -> tuple[str, ...]:
    """What ended before the step began: no other end is an old one."""
    return tuple(each.name for each in case.crashes if not crashing.in_time(each, case.began))


def _newest(case: Candidacy, totals: Totals, readings: Readings) -> Sides | None:
    """What the pods told since the totals' mark; None where nobody can ever tell: the readings of that mark are
    unknown, or no process of the stable version was there then. Pods that are silent now may tell later.
    """
    before = readings.before.get(totals.mark)
    window = Window(before or (), readings.now, totals.since or case.warm)
    if before is None or not (window.joined(case.stable) or _silent(readings, case.stable)):
        return None
    return Sides(window.stable_side(case.stable), window.candidate_side(case.stable, case.candidate))


def _counted(case: Candidacy, totals: Totals, newest: Sides | None, mark: str, now: datetime) -> Totals:
    if newest is None:
        return _begun_again(case, totals, mark, now)
    over = asked_of_candidate(totals.late_candidate) >= max(case.rules.min_samples, _STRETCH)
    return replace(
        totals,
        mark=mark,
        pace=latency.next_pace(case.rules, totals.pace, newest),
        timed=totals.timed + latency.tells(newest),
        owed=max(totals.owed - newest.asked, 0),
        left=totals.left + departures.beyond(case.rules, newest),
        stable=plus(totals.stable, newest.stable),
        candidate=plus(totals.candidate, newest.candidate),
        late_stable=newest.stable if over else plus(totals.late_stable, newest.stable),
        late_candidate=newest.candidate if over else plus(totals.late_candidate, newest.candidate),
    )


def _begun_again(case: Candidacy, totals: Totals, mark: str, now: datetime) -> Totals:
    """A stretch that nobody saw: what was counted before it stays, but proves nothing of what is now.

    A clock that went back must not make the readings of now look like those of an earlier step.
    """
    return replace(
        totals,
        mark=mark,
        since=min(totals.since or now, now),
        owed=min(case.rules.min_samples, _STRETCH),
        late_stable=Tally(),
        late_candidate=Tally(),
    )


def _checks(
    case: Candidacy, totals: Totals, newest: Sides | None, readings: Readings, seconds: float
) -> Iterator[Check]:
    rules = case.rules
    step = Sides(totals.stable, totals.candidate, totals.reference, totals.earlier)
    late = Sides(totals.late_stable, totals.late_candidate)
    yield _crashes(case, totals)
    if _silent(readings, case.stable):
        yield _SILENT
    elif newest is None or totals.owed:
        yield _unseen(totals.owed)
    yield error_rate.check(rules, step, late, seconds, to_half=case.to_half)
    yield departures.check(rules, step, late, totals.left)
    if disagreement.asked_for(rules):
        yield disagreement.check(rules, step, late)
    yield latency.check(rules, step, late, totals.timed, totals.pace)
    yield from readings.opinions
    if len(readings.opinions) < rules.judges:
        yield _UNHEARD


def _crashes(case: Candidacy, totals: Totals) -> Check:
    return crashing.check(case.crashes, totals.watched or case.began, totals.ended)


def _unseen(owed: int) -> Check:
    needed = f", requests still needed: {owed}" if owed else ""
    return Check("reports", Verdict.INCONCLUSIVE, message=f"{_UNSEEN}: counting begins again{needed}")


def _silent(readings: Readings, stable: str | None) -> bool:
    return all(each.report is None for each in readings.of(stable))
