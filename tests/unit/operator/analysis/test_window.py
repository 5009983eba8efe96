"""Counting between readings: whatever pods, readings, writes and operators do, a request counts once or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from moorage_operator.analysis.look import Candidacy, look
from moorage_operator.analysis.window import Window
from moorage_operator.api.judgement import Reading, Readings, Rules, Tally, Totals
from moorage_operator.api.records import Key
from moorage_operator.recollection import Recollection
from moorage_runtime.config import Answered, Forwarded, PodReport

STABLE, CANDIDATE = "aaaaaaaaaa", "bbbbbbbbbb"
KEY = Key("ns", "demo")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CASE = Candidacy(Rules(warm_up=0.0), STABLE, CANDIDATE, EPOCH)


def report(life: int = 1, ok: int = 0, given: dict[str, int] | None = None, **forwarded: Any) -> PodReport:
    return PodReport(
        started=str(life),
        revision=STABLE,
        ready=True,
        answered=Answered(outcomes={"ok": ok}, seconds=(ok,)),
        forwarded={CANDIDATE: Forwarded(outcomes=given or {}, **forwarded)} if given is not None else {},
    )


def reading(pod: str, told: PodReport | None, revision: str = STABLE, at: datetime = EPOCH) -> Reading:
    return Reading(pod, pod, revision, at, told)


@dataclass
class Cluster:
    """Stable pods that count; an operator that reads, judges, writes its status or fails to, dies and comes back."""

    lives: dict[str, int] = field(default_factory=lambda: {"a": 1, "b": 1})
    counts: dict[str, int] = field(default_factory=lambda: {"a": 0, "b": 0})
    totals: Totals = field(default_factory=Totals)
    recollection: Recollection = field(default_factory=Recollection)
    now: datetime = EPOCH
    operator: int = 0
    written: list[tuple[int, dict[str, tuple[int, int] | None]]] = field(default_factory=list)

    def serve(self, pod: str, requests: int) -> None:
        if pod in self.counts:
            self.counts[pod] += requests

    def restart(self, pod: str) -> None:
        if pod in self.lives:
            self.lives[pod] += 1
            self.counts[pod] = 0

    def replace(self, pod: str) -> None:
        if pod in self.lives:
            del self.lives[pod], self.counts[pod]
            self.lives[f"{pod}'"], self.counts[f"{pod}'"] = 1, 0

    def scrape(self, silent: frozenset[str], written: bool) -> None:
        self.now += timedelta(seconds=1)
        told = {pod: None if pod in silent else (self.lives[pod], self.counts[pod]) for pod in self.lives}
        now = tuple(
            reading(pod, report(*each) if each is not None else None, at=self.now) for pod, each in told.items()
        )
        readings = Readings(self.now.isoformat(), now, self.recollection.before(KEY))
        self.recollection.note(KEY, readings, {self.totals.mark})
        seen = look(CASE, self.totals, readings, self.now)
        if written:
            self.totals = seen.totals
            self.written.append((self.operator, told))

    def die(self) -> None:
        self.recollection = Recollection()
        self.operator += 1

    def expected(self) -> int:
        """Of each pod what it counted between two readings of the same life that one operator wrote down."""
        last: dict[str, tuple[int, int, int]] = {}
        total = 0
        for operator, told in self.written:
            for pod, each in told.items():
                if each is None:
                    continue
                life, count = each
                if last.get(pod, (None, None))[:2] == (operator, life):
                    total += count - last[pod][2]
                last[pod] = (operator, life, count)
        return total


PODS = st.sampled_from(["a", "b", "a'", "b'", "a''"])
EVENTS = st.one_of(
    st.tuples(st.just("serve"), PODS, st.integers(0, 50)),
    st.tuples(st.just("restart"), PODS),
    st.tuples(st.just("replace"), PODS),
    st.tuples(st.just("scrape"), st.frozensets(PODS, max_size=2), st.booleans()),
    st.tuples(st.just("scrape"), st.just(frozenset()), st.just(True)),
    st.tuples(st.just("die")),
)


@given(st.lists(EVENTS, max_size=60))
def test_what_is_counted_is_what_happened_but_for_the_gaps(events: list[tuple[str, ...]]) -> None:
    cluster = Cluster()
    for name, *arguments in events:
        getattr(cluster, name)(*arguments)
    counted = cluster.totals.stable
    assert counted.outcomes.get("ok", 0) == cluster.expected()
    assert sum(counted.seconds) == cluster.expected()


def between(old: PodReport | None, new: PodReport | None) -> Tally:
    window = Window((reading("a", old),), (reading("a", new),), EPOCH)
    return window.candidate_side(STABLE, CANDIDATE)


def test_the_candidates_outcomes_come_from_stables_pods_and_its_times_from_its_own() -> None:
    own = PodReport(started="1", revision=CANDIDATE, ready=True, answered=Answered(seconds=(1, 2)))
    later = PodReport(started="1", revision=CANDIDATE, ready=True, answered=Answered(seconds=(1, 5)))
    window = Window(
        (reading("a", report(given={"ok": 3}, shielded=1)), reading("c", own, CANDIDATE)),
        (
            reading("a", report(given={"ok": 5, "failed": 1}, shielded=2, faults={"ModelFailed": 1})),
            reading("c", later, CANDIDATE),
        ),
        EPOCH,
    )
    side = window.candidate_side(STABLE, CANDIDATE)
    assert side == Tally(outcomes={"ok": 2, "failed": 1}, shielded=1, seconds=(0, 3), faults={"ModelFailed": 1})


def test_a_revision_that_was_not_forwarded_to_before_counts_from_nothing() -> None:
    assert between(report(), report(given={"ok": 4})).outcomes == {"ok": 4}


def test_a_revision_that_is_told_no_more_counts_nothing() -> None:
    assert between(report(given={"ok": 4}), report()) == Tally()


def test_a_counter_that_falls_is_another_life() -> None:
    assert between(report(given={"ok": 4, "failed": 1}), report(given={"ok": 9, "failed": 0})) == Tally()
    assert between(report(given={"ok": 4}, compared=4), report(given={"ok": 9}, compared=3)) == Tally()


def test_readings_of_an_earlier_step_are_none() -> None:
    old = reading("a", report(given={"ok": 4}), at=EPOCH - timedelta(seconds=1))
    window = Window((old,), (reading("a", report(given={"ok": 9})),), EPOCH)
    assert window.candidate_side(STABLE, CANDIDATE) == Tally()


def test_connections_that_break_while_a_pod_goes_away_are_excused() -> None:
    before = (reading("a", report(given={})), reading("c", None, CANDIDATE))
    now = (reading("a", report(given={"ok": 5, "broken": 2})),)
    assert Window(before, now, EPOCH).candidate_side(STABLE, CANDIDATE).excused == 2
    there = (*now, reading("c", None, CANDIDATE))
    assert Window(before, there, EPOCH).candidate_side(STABLE, CANDIDATE).excused == 0
