"""One look after the other: when they are due, what they carry on, and what they come to together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from moorage_operator.analysis.look import Candidacy, Look, differences, due_in, look
from moorage_operator.analysis.verdict import judge
from moorage_operator.analysis.window import carried
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
    names = [check.name for check in seen.judgement.checks]
    assert names == ["crashes", "errors", "departures", "disagreement", "latency"]
    assert seen.totals.candidate.outcomes == {"ok": 390}
    assert seen.judgement.message.startswith(
        "0 of 390 requests to the candidate failed (0 %); 0 of 4900 of the stable version's own. 0 of 390 compared"
    )


def test_looks_that_told_of_times_are_counted() -> None:
    seen, first = opened()
    second = readings(after(15), 5000, {"ok": 400}, first)
    seen = look(CASE, seen.totals, second, after(15))
    thin = look(CASE, seen.totals, readings(after(25), 9000, {"ok": 405}, second), after(25))
    assert (seen.totals.timed, thin.totals.timed) == (1, 1)


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


def judged_twice(*, at: datetime, second: Readings, third: Readings) -> tuple[Look, Look]:
    """A step that passed, a look at `second`, and one at `third` that goes on from it."""
    seen, first = opened()
    passed = look(CASE, seen.totals, readings(after(15), 5000, {"ok": 400}, first), after(15))
    assert passed.judgement.verdict is Verdict.PASS
    one = look(CASE, passed.totals, second, at)
    return one, look(CASE, one.totals, third, at + timedelta(seconds=10))


def test_nothing_passes_on_what_was_known_before_a_gap() -> None:
    lost = readings(after(600), 9000, {"ok": 800})
    one, few = judged_twice(at=after(600), second=lost, third=readings(after(610), 9900, {"ok": 899}, lost))
    assert (one.judgement.verdict, few.judgement.verdict) == (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)
    assert few.judgement.message == (
        "Nobody counted for a while, and what went before is no proof: counting begins again, requests still needed: 1"
    )
    _, enough = judged_twice(at=after(600), second=lost, third=readings(after(610), 9900, {"ok": 900}, lost))
    assert enough.judgement.verdict is Verdict.PASS
    assert enough.totals.candidate.outcomes == {"ok": 490}, "what was counted is not forgotten"


def test_what_went_bad_in_the_gap_is_seen_at_once() -> None:
    lost = readings(after(600), 9000, {"ok": 800})
    _, seen = judged_twice(
        at=after(600), second=lost, third=readings(after(610), 9900, {"ok": 800, "failed": 50}, lost)
    )
    assert (seen.judgement.abort, seen.judgement.reason) == (True, "CandidateErrors")


def test_processes_that_all_began_anew_prove_nothing() -> None:
    again = readings(after(25), 10, {"ok": 1}, readings(after(15), 5000, {"ok": 400}))
    one, few = judged_twice(at=after(25), second=again, third=readings(after(35), 200, {"ok": 20}, again))
    assert (one.judgement.verdict, few.judgement.verdict) == (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)


def test_pods_that_are_silent_for_a_moment_lose_nothing() -> None:
    known = readings(after(15), 5000, {"ok": 400})
    mute = Readings("m", (Reading("s", "s", STABLE, after(25)), candidate(after(25), 400)), {known.mark: known.now})
    kept = replace(mute, now=carried(known.now, mute.now))
    one, again = judged_twice(at=after(25), second=mute, third=readings(after(35), 5200, {"ok": 410}, kept))
    assert (one.judgement.verdict, again.judgement.verdict) == (Verdict.INCONCLUSIVE, Verdict.PASS)
    assert again.totals.candidate.outcomes == {"ok": 400}


def test_a_clock_that_went_back_counts_on_from_its_first_look() -> None:
    lost = readings(after(-100), 9000, {"ok": 800})
    _, seen = judged_twice(
        at=after(-100), second=lost, third=readings(after(-90), 9900, {"ok": 800, "failed": 50}, lost)
    )
    assert (seen.judgement.abort, seen.judgement.reason) == (True, "CandidateErrors")


def test_clients_must_leave_at_several_looks() -> None:
    seen, before = opened()
    verdicts = []
    for number in range(1, 5):
        given = {"ok": 10 + 300 * number, "cancelled": 10 * number}
        now = readings(after(5 + 10 * number), 100 + 5000 * number, given, before, compared=300 * number)
        seen, before = look(CASE, seen.totals, now, after(5 + 10 * number)), now
        verdicts.append((seen.judgement.verdict, seen.judgement.abort))
    assert verdicts == [
        (Verdict.INCONCLUSIVE, False),
        (Verdict.INCONCLUSIVE, False),
        (Verdict.FAIL, False),
        (Verdict.FAIL, True),
    ]
    assert seen.judgement.reason == "CandidateTimesOut"


def test_another_step_counts_anew_and_remembers_how_stable_was() -> None:
    seen, first = opened()
    seen = look(CASE, seen.totals, readings(after(15), 5000, {"ok": 400}, first), after(15))
    following = replace(CASE, began=after(20))
    third = readings(after(25), 6000, {"ok": 500})
    seen = look(following, seen.totals, third, after(25))
    assert (seen.totals.candidate.outcomes, seen.totals.reference.outcomes) == ({}, {"ok": 4900})
    assert (seen.totals.watched, seen.totals.since) == (EPOCH, after(25))
    assert (seen.totals.earlier.asked, seen.totals.earlier.failed) == (390 + 4900, 0)


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
    seen = look(CASE, seen.totals, readings(after(25), 2000, {"ok": 6000, "failed": 5}, middle), after(25))
    assert (seen.judgement.failures, seen.judgement.verdict) == (0, Verdict.PASS)


def test_a_crash_ends_it_at_the_first_look() -> None:
    case = replace(CASE, crashes=(Crash("c", after(3), 139),))
    judgement = look(case, Totals(), readings(after(5), 0, {}), after(5)).judgement
    assert (judgement.abort, judgement.reason) == (True, "CandidateCrashed")


def test_what_ended_before_the_step_is_old_and_all_else_is_new() -> None:
    old, new = Crash("c", after(-9), 1), Crash("c", after(-3), 139)
    case = replace(CASE, crashes=(old,))
    first = readings(after(5), 100, {"ok": 10})
    seen = look(case, Totals(), first, after(5))
    again = readings(after(15), 5000, {"ok": 400}, first)
    assert look(case, seen.totals, again, after(15)).judgement.verdict is Verdict.PASS
    judgement = look(replace(case, crashes=(new,)), seen.totals, again, after(15)).judgement
    assert (judgement.abort, judgement.reason) == (True, "CandidateCrashed"), "its node's clock is behind"


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
        (125.0, 16.0, 60.0, 0.0),
    ],
    ids=[
        "warming",
        "warm",
        "interval",
        "hold ends first",
        "hold is over",
        "seen",
        "not again",
        "late",
        "by another clock",
    ],
)
def test_when_a_look_is_due(last: float | None, now: float, ends: float | None, expected: float) -> None:
    totals = Totals(window=CASE.window) if last is not None else Totals()
    end = after(ends) if ends is not None else None
    wait = due_in(CASE, totals, after(last) if last is not None else None, after(now), end)
    assert wait == pytest.approx(expected)


def test_a_new_step_waits_for_its_own_warm_up() -> None:
    assert due_in(CASE, Totals(window="bbbbbbbbbb 1.000"), after(-1), after(0)) == 5.0
