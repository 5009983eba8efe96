"""From one pass to the next: what the status says is due, is looked at once, and is not told twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moorage_operator.api.judgement import Crash, Reading, Readings, Totals, Verdict, read_totals
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.step import AT_ONCE, Plan, PlannedStep
from moorage_operator.judge.times import milliseconds
from moorage_operator.judging import Standing, due, standing
from moorage_operator.observed.memory import remember
from moorage_runtime.config import Answered, Forwarded, PodReport

STABLE, CANDIDATE = "aaaaaaaaaa", "bbbbbbbbbb"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def deployment(rollout: dict[str, Any] | None = None, *, candidate: str | None = CANDIDATE) -> ModelDeployment:
    shared: dict[str, Any] = {"version": "1", "artifactUri": "s3://b/1"}
    status: dict[str, Any] = {
        "stable": shared | {"revision": STABLE},
        "rollout": {"phase": "Progressing", "since": milliseconds(EPOCH), "step": 1} | (rollout or {}),
    }
    if candidate is not None:
        status["candidate"] = shared | {"revision": candidate}
    spec = {"model": {"storageUri": "s3://b/1"}, "rollout": {"steps": [{"trafficPercent": 5, "hold": "1m"}]}}
    return ModelDeployment.model_validate(
        {"metadata": {"name": "demo", "namespace": "ns", "uid": "u"}, "spec": spec, "status": status}
    )


def readings(now: datetime, given: int = 0, before: Readings | None = None) -> Readings:
    report = PodReport(
        started="1",
        revision=STABLE,
        ready=True,
        answered=Answered(outcomes={"ok": 20 * given}),
        forwarded={CANDIDATE: Forwarded(outcomes={"ok": given}, compared=given)},
    )
    told = (Reading("s", "s", STABLE, now, report),)
    return Readings(now.isoformat(), told, {before.mark: before.now} if before is not None else {})


def stand(
    owner: ModelDeployment, seconds: float, read: Readings | None = None, crashes: tuple[Crash, ...] = ()
) -> Standing:
    now = after(seconds)
    return standing(owner, remember(owner.status, now), read or readings(now), crashes, now)


def written(owner: ModelDeployment, stood: Standing) -> ModelDeployment:
    """The owner with what the pass would have written."""
    told = owner.status.rollout
    assert told is not None
    more: dict[str, Any] = {"stepSince": told.step_since, "totals": stood.totals}
    if (judgement := stood.judgement) is not None:
        more["judgement"] = {
            "verdict": judgement.verdict.value,
            "at": milliseconds(judgement.at),
            "reason": str(judgement.reason) if judgement.reason else None,
            "failures": judgement.failures,
        }
    return deployment(more)


ACKED = {"stepSince": milliseconds(EPOCH)}


@pytest.mark.parametrize(
    "owner", [deployment(), deployment(ACKED, candidate=None)], ids=["not followed yet", "no candidate"]
)
def test_nothing_is_judged_before_there_is_a_step(owner: ModelDeployment) -> None:
    assert stand(owner, 30) == Standing()
    assert not due(owner, after(30))


def test_a_look_follows_the_other_until_the_hold_ends() -> None:
    owner = deployment(ACKED)
    assert stand(owner, 2).look_again == 3
    first = readings(after(5))
    opened = stand(owner, 5, first)
    assert opened.judgement is not None
    assert (opened.judgement.verdict, opened.look_again) == (Verdict.INCONCLUSIVE, 10)
    owner = written(owner, opened)
    assert not due(owner, after(12))
    assert stand(owner, 12).look_again == 3
    assert due(owner, after(15))
    second = stand(owner, 15, readings(after(15), 500, first))
    assert second.totals is not None
    assert read_totals(second.totals).candidate.outcomes == {"ok": 500}
    late = written(owner, second)
    again = stand(late, 55, readings(after(55), 600))
    assert again.look_again == 5, "the hold ends before the interval does"


def test_a_pass_that_is_made_again_counts_nothing_twice() -> None:
    owner = deployment(ACKED)
    first = readings(after(5))
    owner = written(owner, stand(owner, 5, first))
    one = stand(owner, 15, readings(after(15), 500, first))
    two = stand(owner, 16, readings(after(16), 520, first))
    assert one.totals is not None
    assert two.totals is not None
    assert read_totals(two.totals).candidate.outcomes == {"ok": 520}


def test_between_two_steps_the_numbers_stay() -> None:
    totals = Totals(mark="m", window=f"{CANDIDATE} 1.000").text()
    assert stand(deployment({"totals": totals}), 30).totals == totals


def test_pods_that_nobody_asked_are_not_judged_by() -> None:
    stood = stand(deployment(ACKED), 30, Readings())
    assert (stood.judgement, stood.look_again) == (None, 10)


def test_a_crash_waits_for_no_look() -> None:
    owner = deployment(ACKED)
    owner = written(owner, stand(owner, 5))
    stood = stand(owner, 7, crashes=(Crash("c", after(6), 139),))
    assert stood.judgement is not None
    assert (stood.judgement.abort, stood.judgement.reason) == (True, "CandidateCrashed")


def test_a_crash_that_took_the_step_away_is_still_seen() -> None:
    totals = Totals(mark="m", window=f"{CANDIDATE} 1.000", watched=EPOCH).text()
    stood = stand(deployment({"totals": totals}), 30, crashes=(Crash("c", after(20), 1),))
    assert stood.judgement is not None
    assert stood.judgement.abort


def test_a_crash_is_told_once() -> None:
    owner = deployment(ACKED)
    owner = written(owner, stand(owner, 5))
    crash = (Crash("c", after(6), 139),)
    first = stand(owner, 7, crashes=crash)
    second = stand(written(owner, first), 8, crashes=crash)
    assert first.judgement is not None
    assert second.judgement is not None
    assert (second.judgement.at, second.judgement.abort) == (first.judgement.at, True)


def test_a_crash_of_the_one_before_is_not_told_of_the_next() -> None:
    told = {"verdict": "Fail", "at": milliseconds(after(-60)), "reason": "CandidateCrashed", "message": "pod old"}
    stood = stand(deployment(ACKED | {"judgement": told}), 7, crashes=(Crash("new", after(6), 139),))
    assert stood.judgement is not None
    assert "pod new" in stood.judgement.message


def test_a_crash_on_a_node_whose_clock_is_behind_is_seen() -> None:
    owner = deployment(ACKED)
    owner = written(owner, stand(owner, 5, crashes=(Crash("c", after(-50), 1),)))
    assert stand(owner, 7, crashes=(Crash("c", after(-50), 1),)).judgement == remember(owner.status, EPOCH).judgement
    stood = stand(owner, 7, crashes=(Crash("c", after(-20), 139),))
    assert stood.judgement is not None
    assert (stood.judgement.abort, stood.judgement.reason) == (True, "CandidateCrashed")


@pytest.mark.parametrize(
    ("weights", "number", "expected"),
    [
        ((5, 25, 50), 1, False),
        ((5, 25, 50), 2, True),
        ((5, 25, 50), 3, False),
        ((5, 25), 2, True),
        ((5,), 1, True),
        ((0,), 1, True),
        ((5, 100), 1, True),
        ((60, 80), 1, False),
        ((100,), 1, False),
    ],
)
def test_the_step_before_half_of_the_traffic_is_known(weights: tuple[int, ...], number: int, *, expected: bool) -> None:
    plan = Plan(steps=tuple(PlannedStep(each) for each in weights))
    assert plan.to_half(number, weights[number - 1]) is expected
    assert not AT_ONCE.to_half(1, 100)


def test_who_has_half_already_needs_no_proof_of_it() -> None:
    plan = Plan(steps=(PlannedStep(5), PlannedStep(50)))
    assert not plan.to_half(1, 60), "what it once had it keeps"


def test_the_last_step_below_half_is_held_until_three_times_the_errors_are_refuted() -> None:
    def fails(now: datetime, ok: int, failed: int, before: Readings | None = None) -> Readings:
        report = PodReport(
            started="1",
            revision=STABLE,
            ready=True,
            answered=Answered(outcomes={"ok": 20 * ok, "failed": failed}),
            forwarded={CANDIDATE: Forwarded(outcomes={"ok": ok}, compared=ok)},
        )
        told = (Reading("s", "s", STABLE, now, report),)
        return Readings(now.isoformat(), told, {before.mark: before.now} if before is not None else {})

    owner = deployment(ACKED)
    first = fails(after(5), 0, 0)
    owner = written(owner, stand(owner, 5, first))
    stood = stand(owner, 15, fails(after(15), 500, 20, first))
    assert stood.judgement is not None
    assert stood.judgement.message.startswith("Cannot exclude yet that it fails three times as often as stable")


def test_what_it_gets_is_judged_while_the_next_step_is_prepared() -> None:
    between: dict[str, Any] = {"step": 2, "path": "p", "judgedSince": milliseconds(EPOCH)}
    owner = deployment(between)
    assert due(owner, after(5))
    stood = stand(owner, 5)
    assert stood.judgement is not None
    assert read_totals(stood.totals).window == f"{CANDIDATE} {EPOCH.timestamp():.3f}"


def test_while_nobody_serves_the_last_judgement_stands() -> None:
    owner = deployment(ACKED)
    owner = written(owner, stand(owner, 5))
    now = after(60)
    stood = standing(owner, remember(owner.status, now), readings(now, 500), (), now, dark=True)
    assert stood.judgement is not None
    assert (stood.judgement.at, stood.look_again) == (after(5), None)
