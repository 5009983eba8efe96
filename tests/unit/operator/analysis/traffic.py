"""Simulated traffic: pods whose counters grow as chance has it, looked at as the operator looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import zip_longest
from math import erfc, exp, log, sqrt

import numpy as np
from msgspec.structs import replace

from moorage_operator.analysis.look import Candidacy, due_in, look
from moorage_operator.api.judgement import Judgement, Reading, Readings, Rules, Totals, Verdict
from moorage_runtime.config import LATENCY_BOUNDS, Answered, Forwarded, PodReport

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
STABLE, CANDIDATE = "aaaaaaaaaa", "bbbbbbbbbb"
STEPS = ((0.05, 120.0), (0.25, 120.0), (0.50, 120.0))
MAX_HOLD = 1800.0


@dataclass(frozen=True)
class Model:
    """How a version behaves. `errors`: share of requests that fail, as `outcome`; `disagrees`: share of answers;
    `median`, `spread`: seconds of a lognormal latency; `mood`: how far its speed wanders between two looks."""

    errors: float = 0.0
    disagrees: float = 0.0
    median: float = 0.005
    spread: float = 0.5
    mood: float = 0.15
    outcome: str = "failed"


@dataclass
class World:
    """One pod of each version, and `rate` requests a second."""

    rng: np.random.Generator
    rate: float
    stable: Model = field(default_factory=Model)
    candidate: Model = field(default_factory=Model)
    reports: dict[str, PodReport] = field(
        default_factory=lambda: {
            "s0": PodReport(started="1", revision=STABLE, ready=True),
            "c0": PodReport(started="1", revision=CANDIDATE, ready=True),
        }
    )

    def run(self, weight: float, seconds: float) -> None:
        """Let time pass."""
        arrived = int(self.rng.poisson(self.rate * seconds))
        given = int(self.rng.binomial(arrived, weight))
        failed = int(self.rng.binomial(given, self.candidate.errors))
        gone = self.candidate.outcome == "cancelled"
        own = arrived - given + (0 if gone else failed)
        broken = int(self.rng.binomial(own, self.stable.errors))
        rescued = 0 if gone else failed - int(self.rng.binomial(failed, self.stable.errors))
        self._answer("s0", self.stable, own - broken, broken)
        self._answer("c0", self.candidate, given - failed, failed)
        self._give("s0", given - failed, failed, rescued)

    def readings(self, now: datetime) -> tuple[Reading, ...]:
        """What the operator reads."""
        return tuple(Reading(pod, pod, report.revision, now, report) for pod, report in self.reports.items())

    def _answer(self, pod: str, model: Model, good: int, bad: int) -> None:
        mood = round(self.rng.normal(0.0, model.mood), 2)
        shares = _shares(model.median * exp(mood), model.spread)
        counts = self.rng.multinomial(good + bad, shares).tolist()
        old = self.reports[pod]
        answered = Answered(
            outcomes=dict(Counter(old.answered.outcomes) + Counter({"ok": good, _own(model): bad})),
            seconds=tuple(a + b for a, b in zip_longest(old.answered.seconds, counts, fillvalue=0)),
        )
        self.reports[pod] = replace(old, answered=answered)

    def _give(self, pod: str, good: int, bad: int, rescued: int) -> None:
        old = self.reports[pod].forwarded.get(CANDIDATE, Forwarded())
        given = Forwarded(
            outcomes=dict(Counter(old.outcomes) + Counter({"ok": good, self.candidate.outcome: bad})),
            shielded=old.shielded + rescued,
            compared=old.compared + good,
            differed=old.differed + int(self.rng.binomial(good, self.candidate.disagrees)),
        )
        self.reports[pod] = replace(self.reports[pod], forwarded={CANDIDATE: given})


def _own(model: Model) -> str:
    """How a pod calls what it did not answer well itself."""
    return "cancelled" if model.outcome == "cancelled" else "failed"


@cache
def _shares(median: float, spread: float) -> list[float]:
    below = [0.5 * erfc(-log(bound / median) / spread / sqrt(2)) for bound in LATENCY_BOUNDS]
    return [b - a for a, b in zip([0.0, *below], [*below, 1.0], strict=True)]


@dataclass
class End:
    """How a rollout ended: promoted, aborted or held; in which step. `lasted`: seconds that each step took."""

    word: str
    step: int
    lasted: tuple[float, ...]
    judgement: Judgement

    @property
    def seconds(self) -> float:
        """Since its last step began."""
        return self.lasted[-1]


def rollout(world: World, rules: Rules, steps: Sequence[tuple[float, float]] = STEPS) -> End:
    """Every step, as the planner walks them: on to the next one with a Pass, back with an abort."""
    operator, lasted = Operator(world, rules), tuple[float, ...]()
    for number, (weight, hold) in enumerate(steps, 1):
        began, following = operator.now, steps[number][0] if number < len(steps) else 1.0
        judgement = operator.step(weight, hold, to_half=weight < 0.5 <= following)
        lasted = (*lasted, (operator.now - began).total_seconds())
        if judgement.abort:
            return End("aborted", number, lasted, judgement)
        if judgement.verdict is not Verdict.PASS:
            return End("held", number, lasted, judgement)
    return End("promoted", len(steps), lasted, judgement)


@dataclass
class Operator:
    """Looks when a look is due, and remembers what it read under the mark of each look."""

    world: World
    rules: Rules
    now: datetime = EPOCH
    totals: Totals = field(default_factory=Totals)
    read: dict[str, tuple[Reading, ...]] = field(default_factory=dict)

    def step(self, weight: float, hold: float, *, to_half: bool = False) -> Judgement:
        """One step, until it passes or fails, or is held for too long."""
        case = Candidacy(self.rules, STABLE, CANDIDATE, self.now, to_half=to_half)
        ends, last = self.now + timedelta(seconds=hold), None
        while True:
            wait = due_in(case, self.totals, last, self.now, ends)
            self.world.run(weight, wait)
            self.now = last = self.now + timedelta(seconds=wait)
            judgement = self._look(case)
            if judgement.abort or (self.now >= ends and judgement.verdict is Verdict.PASS):
                return judgement
            if self.now >= ends + timedelta(seconds=MAX_HOLD):
                return judgement

    def _look(self, case: Candidacy) -> Judgement:
        mark = self.now.isoformat()
        seen = look(case, self.totals, Readings(mark, self.world.readings(self.now), self.read), self.now)
        self.totals, self.read = seen.totals, {mark: self.world.readings(self.now)}
        return seen.judgement
