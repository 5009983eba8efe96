"""Each check by itself: which numbers lead to which verdict, in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moorage_operator.analysis import crashes, departures, disagreement, error_rate, latency, threefold
from moorage_operator.analysis.sides import Sides
from moorage_operator.api.judgement import Check, Crash, Earlier, Rules, Tally, Verdict
from moorage_runtime.config import LATENCY_BOUNDS

RULES = Rules()
NOTHING = Sides(Tally(), Tally())
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def sides(candidate: dict[str, int], stable: dict[str, int] | None = None, **more: Any) -> Sides:
    return Sides(Tally(outcomes=stable or {"ok": 10_000}), Tally(outcomes=candidate, **more))


def errors(step: Sides, late: Sides = NOTHING, rules: Rules = RULES) -> Check:
    return error_rate.check(rules, step, late, 60.0)


@pytest.mark.parametrize(
    ("candidate", "stable", "verdict"),
    [
        ({"ok": 500}, {"ok": 9500}, Verdict.PASS),
        ({"ok": 199}, {"ok": 9500}, Verdict.INCONCLUSIVE),
        ({"ok": 475, "failed": 25}, {"ok": 9500}, Verdict.FAIL),
        ({"ok": 47, "failed": 5}, {"ok": 950}, Verdict.FAIL),
        ({"ok": 490, "failed": 10}, {"ok": 9310, "failed": 190}, Verdict.PASS),
        ({"ok": 470, "failed": 30}, {"ok": 9310, "failed": 190}, Verdict.FAIL),
        ({"ok": 2}, {"ok": 40}, Verdict.INCONCLUSIVE),
        ({"failed": 2}, {"ok": 40_000}, Verdict.INCONCLUSIVE),
        ({"ok": 100_000, "broken": 3}, {"ok": 2_000_000}, Verdict.PASS),
        ({"ok": 490, "cancelled": 300}, {"ok": 9500, "cancelled": 9}, Verdict.PASS),
        ({"ok": 150, "faulty": 300, "cancelled": 300}, {"ok": 9500, "refused": 6000}, Verdict.INCONCLUSIVE),
        ({"ok": 291, "failed": 9}, {"ok": 5643, "failed": 57}, Verdict.INCONCLUSIVE),
        ({"ok": 995, "failed": 5}, {"ok": 18_981, "failed": 19}, Verdict.INCONCLUSIVE),
        ({"ok": 249, "failed": 1}, {"ok": 4750}, Verdict.PASS),
    ],
    ids=[
        "no errors",
        "too few requests",
        "5 % against none",
        "5 % against none, below minSamples",
        "2 % as stable",
        "6 % against 2 %",
        "hardly a request",
        "two failures are no law",
        "certain but a trifle",
        "those who gave up do not count",
        "nor does what clients got wrong",
        "three times as many, but not for sure",
        "five times as many, within the limit, but not for sure",
        "one failure may happen",
    ],
)
def test_errors(candidate: dict[str, int], stable: dict[str, int], verdict: Verdict) -> None:
    assert errors(sides(candidate, stable)).verdict is verdict


def test_errors_are_told_with_their_numbers() -> None:
    step = sides({"ok": 475, "failed": 20, "timeout": 5}, {"ok": 9499, "failed": 1}, faults={"ModelFailed": 20})
    told = errors(step)
    assert told.message == (
        "25 of 500 requests to the candidate failed (5 %): 20 failed, 5 timeout [ModelFailed]; "
        "1 of 9500 of the stable version's own"
    )
    assert (told.candidate, told.stable, told.limit, told.samples) == (0.05, 1 / 9500, 0.01, 500)


def test_what_was_held_back_is_told() -> None:
    assert "; 90 more of its share were held back meanwhile; " in errors(sides({"failed": 10}, held=90)).message


def test_what_is_missing_is_told_and_when_it_may_be_there() -> None:
    told = error_rate.check(RULES, sides({"ok": 142}), NOTHING, 900.0)
    assert told.message.startswith(
        "142 of 200 requests that a judgement needs; at this rate about 6 min more: 0 of 142"
    )
    assert error_rate.check(RULES, NOTHING, NOTHING, 900.0).message.startswith(
        "0 of 200 requests that a judgement needs; nothing has reached the candidate yet"
    )


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ({}, "nothing has reached the candidate yet"),
        ({"cancelled": 40}, "40 more were given up by their clients, or were wrong"),
        ({"faulty": 3}, "3 more were given up by their clients, or were wrong"),
    ],
)
def test_what_came_and_does_not_count_did_reach_it(outcomes: dict[str, int], told: str) -> None:
    assert errors(sides(outcomes)).message.startswith(f"0 of 200 requests that a judgement needs; {told}: ")


def before_half(step: Sides, rules: Rules = RULES) -> Check:
    return error_rate.check(rules, step, NOTHING, 60.0, to_half=True)


@pytest.mark.parametrize(
    ("candidate", "stable", "verdict"),
    [
        ({"ok": 600}, {"ok": 1800}, Verdict.PASS),
        ({"ok": 50}, {"ok": 150}, Verdict.INCONCLUSIVE),
        ({"ok": 598, "failed": 2}, {"ok": 1794, "failed": 6}, Verdict.INCONCLUSIVE),
        ({"ok": 600}, {"ok": 1794, "failed": 6}, Verdict.INCONCLUSIVE),
        ({"ok": 600}, {"ok": 1790, "failed": 10}, Verdict.PASS),
        ({"ok": 2990, "failed": 10}, {"ok": 8970, "failed": 30}, Verdict.PASS),
        ({"ok": 600}, {"ok": 1799, "failed": 1}, Verdict.PASS),
        ({"ok": 60_000, "failed": 6}, {"ok": 180_000, "failed": 18}, Verdict.PASS),
    ],
    ids=[
        "none fails",
        "none fails, too few requests",
        "alike, not proven",
        "good, not proven",
        "good, proven",
        "alike, proven",
        "one failure is no rate",
        "three times a trifle is a trifle",
    ],
)
def test_half_of_the_traffic_wants_proof(candidate: dict[str, int], stable: dict[str, int], verdict: Verdict) -> None:
    assert before_half(sides(candidate, stable)).verdict is verdict


def test_what_is_missing_before_half_is_told() -> None:
    told = before_half(sides({"ok": 598, "failed": 2}, {"ok": 1794, "failed": 6}))
    assert told.message.startswith(
        "cannot exclude yet that it fails three times as often as stable: about 1700 more requests to it are needed: 2 "
    )


def test_the_steps_before_count_towards_the_proof() -> None:
    step, small = sides({"ok": 600}, {"ok": 1794, "failed": 6}), sides({"ok": 157}, {"ok": 2982, "failed": 18})
    assert before_half(step).verdict is Verdict.INCONCLUSIVE
    assert before_half(replace(step, earlier=threefold.after(Earlier(), small))).verdict is Verdict.PASS


def test_the_failures_of_all_steps_make_it_sure() -> None:
    step = sides({"ok": 588, "failed": 12}, {"ok": 1791, "failed": 9})
    before = threefold.after(Earlier(), sides({"ok": 118, "failed": 2}, {"ok": 2265, "failed": 15}))
    assert errors(step).verdict is Verdict.INCONCLUSIVE
    assert errors(replace(step, earlier=before)).verdict is Verdict.INCONCLUSIVE
    worse = threefold.after(before, sides({"ok": 113, "failed": 7}, {"ok": 2265, "failed": 15}))
    assert errors(replace(step, earlier=worse)).verdict is Verdict.FAIL


def gone(left: int, asked: int, stable_left: int = 0, stable: int = 9500) -> Sides:
    return sides({"ok": asked - left, "cancelled": left}, {"ok": stable - stable_left, "cancelled": stable_left})


@pytest.mark.parametrize(
    ("step", "looks", "verdict"),
    [
        (gone(0, 500), 0, Verdict.PASS),
        (gone(15, 500), 3, Verdict.FAIL),
        (gone(15, 500), 2, Verdict.INCONCLUSIVE),
        (gone(15, 500, 285), 9, Verdict.PASS),
        (gone(150, 500, 2850), 9, Verdict.PASS),
        (gone(4, 500), 4, Verdict.PASS),
        (gone(2, 20), 2, Verdict.PASS),
        (gone(20, 20, 0, 380), 1, Verdict.FAIL),
        (gone(20, 20, 380, 380), 1, Verdict.PASS),
        (
            Sides(Tally(), Tally(outcomes={"cancelled": 40}), Tally(outcomes={"ok": 990, "cancelled": 10})),
            1,
            Verdict.FAIL,
        ),
        (Sides(Tally(), Tally(outcomes={"cancelled": 40}), Tally(outcomes={"cancelled": 1000})), 9, Verdict.PASS),
        (Sides(Tally(), Tally(outcomes={"cancelled": 40})), 9, Verdict.PASS),
    ],
    ids=[
        "nobody",
        "3 % against none",
        "3 % against none, but in one moment",
        "3 % of both",
        "a third of both",
        "within maxErrorRate",
        "two",
        "all of them",
        "all of both",
        "all of them, with all of the traffic",
        "as ever, with all of the traffic",
        "nobody knows what is usual",
    ],
)
def test_departures(step: Sides, looks: int, verdict: Verdict) -> None:
    assert departures.check(RULES, step, NOTHING, looks).verdict is verdict


def test_departures_are_told_with_their_numbers() -> None:
    told = departures.check(RULES, gone(15, 500, 9), NOTHING, 3)
    assert told.message == (
        "15 of 500 requests to the candidate were given up by their clients (3 %); "
        "9 of 9500 of the stable version's own"
    )
    assert (told.candidate, told.stable, told.samples, told.reason) == (0.03, 9 / 9500, 500, "CandidateTimesOut")
    assert departures.check(RULES, gone(0, 500), NOTHING, 0).message == ""


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("failed", "CandidateErrors"),
        ("overloaded", "CandidateErrors"),
        ("timeout", "CandidateTimesOut"),
        ("broken", "CandidateUnreachable"),
        ("invalid", "CandidateAnswersInvalid"),
        ("refused", "CandidateRefuses"),
    ],
)
def test_what_most_of_the_failures_were_gives_the_reason(outcome: str, reason: str) -> None:
    told = errors(sides({"ok": 300, outcome: 30, "failed": 20} if outcome != "failed" else {"ok": 300, "failed": 50}))
    assert (told.verdict, told.reason) == (Verdict.FAIL, reason)


def test_nothing_but_failures_waits_for_no_second_look() -> None:
    assert errors(sides({"invalid": 20}, {"ok": 380})).final
    assert not errors(sides({"invalid": 10}, {"ok": 190})).final
    assert not errors(sides({"ok": 80, "invalid": 20}, {"ok": 1900})).final


def test_broken_connections_wait_for_what_the_pods_tell() -> None:
    told = errors(sides({"broken": 40}, {"ok": 760}))
    assert (told.verdict, told.final) == (Verdict.FAIL, False)


def test_excused_failures_are_none() -> None:
    assert errors(sides({"ok": 480, "broken": 20}, excused=20)).verdict is Verdict.PASS


def test_a_late_change_is_seen_though_the_step_was_long_and_good() -> None:
    step = sides({"ok": 50_000, "failed": 60}, {"ok": 949_000, "failed": 1000})
    late = sides({"ok": 100, "failed": 60}, {"ok": 3000})
    assert errors(step).verdict is Verdict.PASS
    assert errors(step, late).verdict is Verdict.FAIL


def test_with_all_of_the_traffic_the_limit_alone_judges() -> None:
    everything = sides({"ok": 950, "failed": 50}, {"ok": 50}, shielded=50)
    assert errors(everything).verdict is Verdict.FAIL
    before = Sides(everything.stable, everything.candidate, Tally(outcomes={"ok": 950, "failed": 50}))
    assert errors(before).verdict is not Verdict.FAIL, "stable failed as often in the step before"


def test_a_limit_of_zero_lets_none_pass() -> None:
    assert errors(sides({"ok": 9997, "failed": 3}), rules=Rules(max_error_rate=0.0)).verdict is Verdict.FAIL


def times(seconds: float, count: int = 1000, slow: int = 0) -> tuple[int, ...]:
    place = next(i for i, bound in enumerate(LATENCY_BOUNDS) if seconds <= bound)
    return tuple(count - slow if i == place else slow if i == place + 20 else 0 for i in range(len(LATENCY_BOUNDS) + 1))


def timed(candidate: tuple[int, ...], stable: tuple[int, ...]) -> Sides:
    return Sides(
        Tally(outcomes={"ok": sum(stable)}, seconds=stable), Tally(outcomes={"ok": sum(candidate)}, seconds=candidate)
    )


@pytest.mark.parametrize(
    ("candidate", "stable", "verdict"),
    [
        (times(0.005), times(0.005), Verdict.PASS),
        (times(0.05), times(0.005), Verdict.FAIL),
        (times(0.05, 10), times(0.005), Verdict.FAIL),
        (times(0.006), times(0.005), Verdict.PASS),
        (times(0.001), times(0.0003), Verdict.PASS),
        (times(0.005, 100), times(0.005), Verdict.INCONCLUSIVE),
        (times(0.005), times(0.005, 20), Verdict.PASS),
        (times(0.005, 50), times(0.005, 20), Verdict.INCONCLUSIVE),
        (times(0.005, slow=30), times(0.005), Verdict.PASS),
        (times(0.005, slow=150), times(0.005), Verdict.FAIL),
    ],
    ids=[
        "alike",
        "ten times",
        "ten times, ten requests",
        "a fifth slower",
        "a hair",
        "too few",
        "nothing left to stable",
        "hardly anything of either",
        "a tail within the quantile",
        "a tail beyond it",
    ],
)
def test_latency(candidate: tuple[int, ...], stable: tuple[int, ...], verdict: Verdict) -> None:
    assert latency.check(RULES, timed(candidate, stable), NOTHING, 0, 0.0).verdict is verdict


def test_latency_is_told_with_its_numbers() -> None:
    told = latency.check(RULES, timed(times(0.05), times(0.005)), NOTHING, 0, 0.0)
    assert told.message == "p95 is 49 ms against 4.9 ms of the stable version (10.0 times, at most 1.5)"
    assert told.reason == "CandidateSlow"
    assert latency.check(RULES, NOTHING, NOTHING, 0, 0.0).message == "p95 is not known of either"


def paces(*moments: tuple[float, float, int]) -> float:
    """The pace after moments of `(candidate, stable, requests)`."""
    pace = 0.0
    for candidate, stable, count in moments:
        pace = latency.next_pace(RULES, pace, timed(times(candidate, count), times(stable, count)))
    return pace


@pytest.mark.parametrize(
    ("moments", "lasting"),
    [
        ([(0.05, 0.005, 100)], False),
        ([(0.05, 0.005, 100)] * 2, True),
        ([(60.0, 0.005, 100)], False),
        ([(0.015, 0.005, 100)] * 2, False),
        ([(0.015, 0.005, 100)] * 4, True),
        ([(0.05, 0.005, 100), *[(0.005, 0.005, 100)] * 5, (0.05, 0.005, 100)], False),
        ([(0.006, 0.005, 100)] * 1000, False),
        ([(0.005, 0.005, 100)] * 1000 + [(0.05, 0.005, 100)] * 2, True),
        ([(0.05, 0.005, 9)] * 10, False),
    ],
    ids=["once", "twice", "for ever, once", "thrice", "thrice, longer", "recovered", "a fifth", "late", "too few tell"],
)
def test_slowness_must_last(moments: list[tuple[float, float, int]], lasting: bool) -> None:
    assert (paces(*moments) >= latency.LASTING) is lasting


def test_only_what_lasts_fails_where_moments_tell() -> None:
    step = timed(times(0.05), times(0.005))
    assert latency.check(RULES, step, NOTHING, 1, 1.9).verdict is Verdict.INCONCLUSIVE
    assert latency.check(RULES, step, NOTHING, 1, 2.0).verdict is Verdict.FAIL
    assert latency.check(RULES, step, NOTHING, 0, 0.0).verdict is Verdict.FAIL, "no moment had enough to tell"


def test_times_of_another_window_are_no_measure() -> None:
    before = Tally(outcomes={"ok": 1000}, seconds=times(0.005))
    alone = Sides(Tally(), Tally(outcomes={"ok": 1000}, seconds=times(0.05)), before)
    told = latency.check(RULES, alone, NOTHING, 0, 0.0)
    assert (told.verdict, told.message) == (Verdict.PASS, "no traffic of the stable version to time it against")


@pytest.mark.parametrize(
    ("differed", "compared", "verdict"),
    [
        (0, 500, Verdict.PASS),
        (100, 500, Verdict.FAIL),
        (15, 60, Verdict.FAIL),
        (0, 60, Verdict.PASS),
        (0, 20, Verdict.INCONCLUSIVE),
        (0, 0, Verdict.INCONCLUSIVE),
        (45, 600, Verdict.INCONCLUSIVE),
        (25, 500, Verdict.PASS),
    ],
    ids=["same", "20 %", "soon seen", "surely within", "too few", "none", "perhaps", "as many as may be"],
)
def test_disagreement(differed: int, compared: int, verdict: Verdict) -> None:
    step = Sides(Tally(), Tally(differed=differed, compared=compared, dropped=3))
    told = disagreement.check(Rules(max_disagreement=0.05), step, NOTHING)
    assert told.verdict is verdict
    assert told.message.endswith("; 3 comparisons were left out for want of room")


def test_what_may_differ_always_is_not_asked_for() -> None:
    assert disagreement.asked_for(RULES)
    assert not disagreement.asked_for(Rules(max_disagreement=1.0))
    assert not disagreement.asked_for(Rules(compare_share=0.0))


def test_one_crash_is_enough_and_memory_is_named_first() -> None:
    ended = Crash("c-1", EPOCH + timedelta(seconds=5), 139)
    killed = Crash("c-2", EPOCH + timedelta(seconds=9), 137, out_of_memory=True)
    told = crashes.check([ended], EPOCH)
    assert (told.verdict, told.reason, told.final) == (Verdict.FAIL, "CandidateCrashed", True)
    assert told.message == "the container of pod c-1 ended by itself (exit code 139)"
    assert crashes.check([ended, killed], EPOCH).reason == "CandidateOutOfMemory"


def test_a_crash_before_the_candidate_had_traffic_is_not_judged() -> None:
    assert crashes.check([Crash("c", EPOCH - timedelta(seconds=2), 1)], EPOCH).verdict is Verdict.PASS
    second = EPOCH + timedelta(milliseconds=700)
    assert crashes.check([Crash("c", EPOCH, 1)], second).verdict is Verdict.FAIL, "the kubelet cuts to seconds"


def test_an_end_that_nobody_knew_is_new_though_its_nodes_clock_is_behind() -> None:
    old, new = Crash("c-1", EPOCH - timedelta(seconds=90), 1), Crash("c-1", EPOCH - timedelta(seconds=40), 1)
    assert crashes.check([old], EPOCH, {old.name}).verdict is Verdict.PASS
    assert crashes.check([new], EPOCH, {old.name}).verdict is Verdict.FAIL
    assert crashes.check([new], EPOCH).verdict is Verdict.PASS, "of another release: nobody noted what was before"
