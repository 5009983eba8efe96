"""One look after the other: when they are due, what they carry on, and what they come to together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from moorage_operator.analysis.look import Candidacy, Look, differences, due_in, look
from moorage_operator.analysis.verdict import judge
from moorage_operator.api.judgement import Check, Crash, Reading, Readings, Rules, Totals, Verdict, read_totals
from moorage_runtime.config import Answered, Forwarded, PodReport

STABLE, CANDIDATE = "aaaaaaaaaa", "bbbbbbbbbb"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CASE = Candidacy(Rules(), STABLE, CANDIDATE, EPOCH)


def after(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def told(at: datetime, own: int, given: dict[str, int], *, compared: int = 0, samples: tuple[str, ...] = ()) -> Reading:
    report = PodReport(
        started="1",
        revision=STABLE,
        ready=True,
        answered=Answered(outcomes={"ok": own}, seconds=(0, own)),
        forwarded={CANDIDATE: Forwarded(outcomes=given, compared=compared, samples=samples)},
    )
    return Reading("s", "s", STABLE, at, report)


def candidate(at: datetime, count: int) -> Reading:
    report = PodReport(started="1", revision=CANDIDATE, ready=True, answered=Answered(seconds=(0, count)))
    return Reading("c", "c", CANDIDATE, at, report)


def readings(at: datetime, own: int, given: dict[str, int], before: Readings | None = None, **more: int) -> Readings:
    now = (told(at, own, given, compared=more.get("compared", sum(given.values()))), candidate(at, sum(given.values())))
    return Readings(at.isoformat(), now, {before.mark: before.now} if before is not None else {})


def opened() -> tuple[Look, Readings]:
    first = readings(after(5), 100, {"ok": 10})
    return look(CASE, Totals(), first, after(5)), first


def test_the_first_look_only_notes_where_counting_begins() -> None:
    seen, first = opened()
    assert seen.totals.mark == first.mark
    assert (seen.totals.since, seen.totals.candidate.outcomes) == (after(5), {})
    assert (seen.judgement.verdict, seen.judgement.message) == (Verdict.INCONCLUSIVE, "Counting begins")


def test_the_second_look_judges_what_came_since() -> None:
    seen, first = opened()
    second = readings(after(15), 5000, {"ok": 400}, first)
    seen = look(CASE, seen.totals, second, after(15))
    assert seen.judgement.verdict is Verdict.PASS
    assert [check.name for check in seen.judgement.checks] == ["crashes", "errors", "disagreement", "latency"]
    assert seen.totals.candidate.outcomes == {"ok": 390}
    assert seen.judgement.message.startswith(
        "0 of 390 requests to the candidate failed (0 %); 0 of 4900 of the stable version's own. 0 of 390 compared"
    )


def test_the_totals_survive_as_text() -> None:
    seen, first = opened()
    seen = look(CASE, seen.totals, readings(after(15), 5000, {"ok": 300, "failed": 20}, first), after(15))
    assert read_totals(seen.totals.text()) == seen.totals
    assert len(seen.totals.text()) < 4000


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"seconds": {}, "stable": 1}', "\ud800"])
def test_totals_that_nobody_can_read_begin_anew(text: str | None) -> None:
    assert read_totals(text) == Totals()


def test_a_restarted_operator_leaves_a_gap_and_counts_on() -> None:
    seen, first = opened()
    seen = look(CASE, seen.totals, readings(after(15), 1000, {"ok": 60}, first), after(15))
    lost = readings(after(25), 2000, {"ok": 120})
    seen = look(CASE, seen.totals, lost, after(25))
    assert seen.totals.candidate.outcomes == {"ok": 50}
    seen = look(CASE, seen.totals, readings(after(35), 3000, {"ok": 130}, lost), after(35))
    assert seen.totals.candidate.outcomes == {"ok": 60}


def test_another_step_counts_anew_and_remembers_how_stable_was() -> None:
    seen, first = opened()
    seen = look(CASE, seen.totals, readings(after(15), 5000, {"ok": 400}, first), after(15))
    following = replace(CASE, began=after(20))
    third = readings(after(25), 6000, {"ok": 500})
    seen = look(following, seen.totals, third, after(25))
    assert (seen.totals.candidate.outcomes, seen.totals.reference.outcomes) == ({}, {"ok": 4900})
    assert (seen.totals.watched, seen.totals.since) == (EPOCH, after(25))


def test_another_candidate_inherits_nothing() -> None:
    seen, first = opened()
    seen = look(CASE, seen.totals, readings(after(15), 5000, {"ok": 400}, first), after(15))
    other = Candidacy(Rules(), STABLE, "cccccccccc", after(20))
    seen = look(other, seen.totals, readings(after(25), 6000, {"ok": 500}), after(25))
    assert (seen.totals.reference.outcomes, seen.totals.watched) == ({"ok": 6000}, after(20))


def test_a_version_without_steps_is_held_to_how_often_stable_failed_in_its_life() -> None:
    def pods(at: datetime, given: dict[str, int], before: Readings | None = None) -> Readings:
        report = PodReport(
            started="1",
            revision=STABLE,
            ready=True,
            answered=Answered(outcomes={"ok": 9_800, "failed": 200}),
            forwarded={CANDIDATE: Forwarded(outcomes=given, compared=sum(given.values()))},
        )
        now = (Reading("s", "s", STABLE, at, report),)
        return Readings(at.isoformat(), now, {before.mark: before.now} if before is not None else {})

    first = pods(after(5), {})
    opened = look(CASE, Totals(), first, after(5)).totals
    same = look(CASE, opened, pods(after(15), {"ok": 980, "failed": 20}, first), after(15)).judgement
    worse = look(CASE, opened, pods(after(15), {"ok": 920, "failed": 80}, first), after(15)).judgement
    assert (same.verdict, worse.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_so_many_looks_must_fail_in_a_row() -> None:
    seen, first = opened()
    seen = look(CASE, seen.totals, readings(after(15), 5000, {"ok": 370, "failed": 30}, first), after(15))
    assert (seen.judgement.failures, seen.judgement.abort, seen.judgement.reason) == (1, False, "CandidateErrors")
    assert seen.judgement.message.endswith("(look 1 of 2 that must fail in a row)")
    again = readings(after(25), 9000, {"ok": 740, "failed": 60}, readings(after(15), 5000, {"ok": 370, "failed": 30}))
    seen = look(CASE, seen.totals, again, after(25))
    assert (seen.judgement.failures, seen.judgement.abort) == (2, True)


def test_a_look_that_does_not_fail_ends_the_row() -> None:
    seen, first = opened()
    seen = look(CASE, seen.totals, readings(after(15), 1000, {"ok": 100, "failed": 5}, first), after(15))
    assert seen.judgement.failures == 1
    middle = readings(after(15), 1000, {"ok": 100, "failed": 5})
    seen = look(CASE, seen.totals, readings(after(25), 2000, {"ok": 5000, "failed": 5}, middle), after(25))
    assert (seen.judgement.failures, seen.judgement.verdict) == (0, Verdict.PASS)


def test_a_crash_ends_it_at_the_first_look() -> None:
    case = replace(CASE, crashes=(Crash("c", after(3), 139),))
    judgement = look(case, Totals(), readings(after(5), 0, {}), after(5)).judgement
    assert (judgement.abort, judgement.reason) == (True, "CandidateCrashed")


def test_pods_that_tell_nothing_leave_it_open() -> None:
    seen, first = opened()
    mute = Readings("m", (Reading("s", "s", STABLE, after(15)), candidate(after(15), 400)), {first.mark: first.now})
    judgement = look(CASE, seen.totals, mute, after(15)).judgement
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.message == "No pod of the stable version tells what it has counted"


def test_other_judges_have_their_say() -> None:
    case = replace(CASE, rules=Rules(judges=1))
    first = readings(after(5), 100, {"ok": 10})
    seen = look(case, Totals(), first, after(5))
    second = readings(after(15), 5000, {"ok": 400}, first)
    assert (
        look(case, seen.totals, second, after(15)).judgement.message == "Metrics and webhooks have not been asked yet"
    )
    bad = replace(second, opinions=(Check("revenue", Verdict.FAIL, message="it fell", reason="MetricFailed"),))
    judgement = look(case, seen.totals, bad, after(15)).judgement
    assert (judgement.verdict, judgement.reason, judgement.abort) == (Verdict.FAIL, "MetricFailed", False)


def test_no_minimum_passes_at_once() -> None:
    case = replace(CASE, rules=Rules(min_samples=0, compare_share=0.0))
    first = readings(after(5), 100, {"ok": 10})
    seen = look(case, Totals(), first, after(5))
    again = look(case, seen.totals, readings(after(15), 5000, {"ok": 12}, first), after(15))
    assert again.judgement.verdict is Verdict.PASS


def test_what_is_final_is_told_first() -> None:
    slow = Check("latency", Verdict.FAIL, message="it is slow", reason="CandidateSlow")
    crashed = Check("crashes", Verdict.FAIL, message="it ended", reason="CandidateCrashed", final=True)
    judgement = judge(Rules(failure_limit=5), [slow, crashed], failures=0, at=EPOCH)
    assert (judgement.reason, judgement.message, judgement.abort) == ("CandidateCrashed", "It ended. It is slow", True)


def test_differences_are_told_once_and_few() -> None:
    one = told(EPOCH, 0, {}, samples=("y[0]: 1 against 2", "y[1]: 3 against 4", "y[2]: 5 against 6"))
    two = told(EPOCH, 0, {}, samples=("y[0]: 1 against 2", "z: a", "z: b", "z: c"))
    found = differences(Readings(now=(one, two)), STABLE, CANDIDATE)
    assert found == ("y[0]: 1 against 2", "y[1]: 3 against 4", "y[2]: 5 against 6", "z: a", "z: b")


@pytest.mark.parametrize(
    ("last", "now", "ends", "expected"),
    [
        (None, 2.0, None, 3.0),
        (None, 6.0, None, -1.0),
        (5.0, 6.0, None, 9.0),
        (5.0, 6.0, 10.0, 4.0),
        (5.0, 11.0, 10.0, -1.0),
        (10.0, 11.0, 10.0, 9.0),
        (9.8, 9.9, 10.0, 0.4),
        (5.0, 16.0, 60.0, -1.0),
    ],
    ids=["warming", "warm", "interval", "hold ends first", "hold is over", "seen", "not at once again", "late"],
)
def test_when_a_look_is_due(last: float | None, now: float, ends: float | None, expected: float) -> None:
    totals = Totals(window=CASE.window) if last is not None else Totals()
    end = after(ends) if ends is not None else None
    wait = due_in(CASE, totals, after(last) if last is not None else None, after(now), end)
    assert wait == pytest.approx(expected)


def test_a_new_step_waits_for_its_own_warm_up() -> None:
    assert due_in(CASE, Totals(window="bbbbbbbbbb 1.000"), after(-1), after(0)) == 5.0
