"""Whatever is wished and whatever breaks: somebody who answers is never taken away, and every rollout ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from moorage_operator.api.judgement import Verdict
from moorage_operator.api.step import (
    Intents,
    Memory,
    Phase,
    Plan,
    PlannedStep,
    RevisionState,
    Routed,
    Scene,
    Size,
    Step,
)
from moorage_operator.rollout.next_step import next_step
from moorage_operator.rollout.replay import EPOCH, SINGLE, Moment, Replay
from moorage_operator.rollout.steps import path

NAMES = ("a", "b", "c")
QUICK = Plan(steps=(PlannedStep(100, hold=1.0),), interval=0.5)
THREE = (PlannedStep(5, hold=2.0), PlannedStep(25, shadow=10.0, hold=1.0), PlannedStep(50, hold=1.0))
CAREFUL = Plan(steps=THREE, lenient=False, interval=1.0, max_hold=8.0)
LONG_ENOUGH = 120
Trace = list[tuple[Scene, Step]]


def play(script: Sequence[Moment], replay: Replay | None = None) -> Trace:
    return list((replay or Replay()).run(script))


def sizes() -> st.SearchStrategy[Size]:
    bounds = st.tuples(st.integers(1, 4), st.integers(0, 3))
    return bounds.map(lambda pair: Size(pair[0], pair[0] + pair[1], scaled=pair[1] > 0))


def plans() -> st.SearchStrategy[Plan]:
    """Steps that never fall, or none at all."""
    step = st.tuples(st.integers(0, 100), st.sampled_from((0.0, 10.0)), st.sampled_from((0.0, 1.0, 3.0)))
    steps = st.lists(step, min_size=1, max_size=4).map(
        lambda told: tuple(PlannedStep(weight, shadow, hold) for weight, shadow, hold in sorted(told))
    )
    careful = steps.map(lambda told: replace(CAREFUL, steps=told))
    return st.just(QUICK) | careful


def intents() -> st.SearchStrategy[Intents]:
    name = st.none() | st.sampled_from((*NAMES, "a@1", "b@2", "c@9", "?"))
    return st.builds(Intents, promote=name, abort=name, retry=name, pause=name, undo=name)


NOBODY = st.just(frozenset[str]())
KILLS = st.sampled_from((None, None, None, 0, 1, 2, 3, 4))


def moments(**fixed: st.SearchStrategy[object]) -> st.SearchStrategy[Moment]:
    fields: dict[str, st.SearchStrategy[object]] = {
        "wanted": st.sampled_from((*NAMES, None)),
        "size": sizes(),
        "plan": st.builds(replace, plans(), paused=st.sampled_from((False, False, True))),
        "broken": st.frozensets(st.sampled_from(NAMES), max_size=2),
        "mute": st.booleans(),
        "scaled_to": st.none() | st.integers(1, 7),
        "verdict": st.sampled_from((*Verdict, Verdict.PASS, Verdict.PASS)),
        "final": st.booleans(),
        "silent": st.sampled_from((False, False, True)),
        "killed": KILLS,
        "forgetful": st.sampled_from((False, False, True)),
        "intents": st.just(Intents()) | intents(),
        "meaning": st.sampled_from(("m", "n")),
        **fixed,
    }
    return st.builds(Moment, **fields)


def flat(stretches: list[list[Moment]]) -> list[Moment]:
    return [moment for stretch in stretches for moment in stretch]


def scripts(**fixed: st.SearchStrategy[object]) -> st.SearchStrategy[list[Moment]]:
    stretch = st.tuples(moments(**fixed), st.integers(1, 10)).map(lambda pair: [pair[0]] * pair[1])
    return st.lists(stretch, min_size=1, max_size=8).map(flat)


NEVER = {"forgetful": st.just(False), "killed": st.none()}
CALM = {**NEVER, "intents": st.just(Intents()), "plan": st.just(CAREFUL), "meaning": st.just("m")}


def ready(scene: Scene, revision: str | None) -> int:
    state = scene.revisions.get(revision) if revision is not None else None
    return state.ready if state is not None else 0


def barred(step: Step) -> set[str]:
    return {each.revision for each in step.failed}


@settings(max_examples=60, deadline=None)
@given(scripts())
def test_the_service_never_points_to_nobody_while_somebody_who_may_serve_answers(script: list[Moment]) -> None:
    for scene, step in play(script):
        if not ready(scene, step.target):
            may = {*step.roles()} - barred(step) - {scene.memory.candidate}
            may = may if scene.plan.lenient else may & {*scene.previous} - {step.candidate}
            judged_bad = scene.judgement is not None and scene.judgement.verdict is Verdict.FAIL
            may -= {step.candidate} if judged_bad else set()
            others = {name for name in may if ready(scene, name)}
            assert not others, f"{step.target} does not answer, {others} would: {scene} {step}"


@settings(max_examples=60, deadline=None)
@given(scripts())
def test_what_users_get_is_never_removed(script: list[Moment]) -> None:
    for scene, step in play(script):
        assert step.target not in step.removed
        if ready(scene, scene.selected) and scene.selected != step.target:
            assert scene.selected in step.replicas, "the old one must outlive the switch"
            may = scene.selected not in {each.revision for each in scene.memory.failed}
            assert ready(scene, step.target) or not may, "the switch is only to who answers"


@settings(max_examples=60, deadline=None)
@given(scripts())
def test_the_stable_one_keeps_its_size_while_a_candidate_is_on_trial(script: list[Moment]) -> None:
    for scene, step in play(script):
        if step.candidate is None or step.stable is None or step.target != step.stable:
            continue
        wished, live = step.replicas[step.stable], scene.revisions[step.stable].desired
        assert wished is None or live is None or wished >= min(live, scene.size.maximum)
        if scene.size.scaled:
            assert step.floors[step.stable] >= scene.size.minimum
            assert step.floors[step.stable] >= min(live or 0, scene.size.maximum)


@settings(max_examples=60, deadline=None)
@given(scripts())
def test_only_a_candidate_that_answers_gets_traffic(script: list[Moment]) -> None:
    for scene, step in play(script):
        for name, weight in step.weights.items():
            if name == step.candidate and weight > 0 and step.phase is not Phase.SWITCHING:
                assert ready(scene, name), "nobody is sent to pods that do not answer"
                assert scene.revisions[name].address is not None
        if step.stable is not None:
            assert sum(step.weights.values()) == 100
        assert not barred(step) & {name for name, weight in step.weights.items() if weight and name != step.stable}


@settings(max_examples=60, deadline=None)
@given(scripts(**CALM | {"killed": KILLS}))
def test_a_share_grows_or_is_taken_away_whole(script: list[Moment]) -> None:
    before: dict[str, int] = {}
    for _, step in play(script):
        # Who is wished for again after somebody else was, or nobody, begins anew.
        before = {name: weight for name, weight in before.items() if name == step.candidate}
        if step.candidate is not None:
            weight = step.weights[step.candidate]
            assert weight == 0 or weight >= before.get(step.candidate, 0), "nobody flips back while a ramp grows"
            before = {step.candidate: weight}


def takeovers(trace: Trace) -> Iterator[int]:
    """Where the Service moves from one who serves to a candidate."""
    for index in moves(trace):
        scene, step = trace[index]
        if ready(scene, step.stable):
            yield index


def moves(trace: Trace) -> Iterator[int]:
    """Where the Service moves from a stable revision, whether or not it answers, to a candidate."""
    for index, (scene, step) in enumerate(trace):
        if step.target == step.candidate and scene.selected == step.stable is not None:
            yield index


@settings(max_examples=60, deadline=None)
@given(scripts(**CALM, size=st.just(Size(2, 2, scaled=False))))
def test_no_promotion_without_every_step_its_hold_and_its_pass(script: list[Moment]) -> None:
    calm = Moment("b", plan=CAREFUL, size=Size(2, 2, scaled=False))
    trace = play([*script, *[calm] * LONG_ENOUGH])
    for index in takeovers(trace):
        candidate = trace[index][1].candidate
        trial = []
        for scene, step in reversed(trace[:index]):
            if step.candidate != candidate:
                break
            trial.append((scene, step))
        for number, planned in enumerate(CAREFUL.steps, start=1):
            held = [
                scene
                for scene, step in trial
                if scene.memory.candidate == candidate
                and scene.memory.progress.step == number
                and scene.memory.progress.since is not None
            ]
            assert held, f"step {number} was left out"
            last = max(held, key=lambda scene: scene.now)
            begun = last.memory.progress.since
            assert begun is not None
            end = [scene for scene, step in trial if step.progress.step > number] + [trace[index][0]]
            first = min(scene.now for scene in end if scene.now >= last.now)
            assert (first - begun).total_seconds() >= planned.hold
            seen = [scene.judgement for scene, _ in [*trial, trace[index]]]
            judged = [each for each in seen if each is not None and begun < each.at <= first]
            assert Verdict.PASS in {each.verdict for each in judged}


FOUR = Size(4, 4, scaled=False)
PAUSED = replace(CAREFUL, paused=True)
SHORTER = replace(CAREFUL, steps=(PlannedStep(5, hold=2.0),))
HIGHER = replace(CAREFUL, steps=(PlannedStep(30, hold=2.0), PlannedStep(60)))


def climbs(*plans: Plan, **fixed: st.SearchStrategy[object]) -> st.SearchStrategy[list[Moment]]:
    """One candidate comes in beside a stable revision, mostly undisturbed, while people do this and that."""
    told: dict[str, st.SearchStrategy[object]] = {
        "wanted": st.just("b"),
        "size": st.just(FOUR),
        "plan": st.sampled_from((CAREFUL, CAREFUL, *plans)),
        "broken": NOBODY,
        "forgetful": st.just(False),
        "intents": st.just(Intents()) | st.sampled_from((Intents(pause="b"), Intents(promote="b"), Intents(abort="c"))),
        "meaning": st.just("m"),
        **fixed,
    }
    begun = [Moment("a", FOUR, CAREFUL)] * 20
    return scripts(**told).map(lambda script: [*begun, *script])


@settings(max_examples=150, deadline=None)
@given(scripts() | climbs(PAUSED))
def test_no_share_grows_while_frozen(script: list[Moment]) -> None:
    for scene, step in play(script):
        frozen = scene.plan.paused or scene.intents.pause == step.candidate
        if frozen and step.candidate is not None and step.stable is not None and not step.progress.promoted:
            # What the status says that it has may not have reached the table yet.
            told = scene.memory.progress.weight if step.candidate == scene.memory.candidate else 0
            assert step.weights[step.candidate] <= max(scene.routed.weights.get(step.candidate, 0), told)


@settings(max_examples=150, deadline=None)
@given(scripts() | climbs(QUICK, SHORTER, HIGHER, size=st.just(SINGLE)))
def test_no_share_grows_by_an_edit_of_the_plan_alone(script: list[Moment]) -> None:
    for scene, step in play(script):
        told = scene.memory.progress
        # An edit that was taken back before anybody had acted on it is none.
        edited = told.path != path(scene.plan, told.step)
        if told.weight and step.candidate == scene.memory.candidate and edited:
            had = max(told.weight, scene.routed.weights.get(step.candidate or "", 0))
            assert step.progress.weight <= had or step.progress.promoted


OPEN = {"verdict": st.sampled_from((Verdict.INCONCLUSIVE, Verdict.FAIL)), "broken": st.just(frozenset("a")) | NOBODY}


@settings(max_examples=150, deadline=None)
@given(climbs(PAUSED, **OPEN).map(lambda script: [each for each in script for _ in range(3)]))
def test_nobody_becomes_stable_without_a_pass_or_a_person(script: list[Moment]) -> None:
    trace = play(script)
    for index in moves(trace):
        _, there = trace[index]
        passed = False
        for scene, step in reversed(trace[: index + 1]):
            if step.candidate != there.candidate:
                break
            passed |= scene.judgement is not None and scene.judgement.verdict is Verdict.PASS
        assert passed or there.progress.promoted


@settings(max_examples=60, deadline=None)
@given(scripts(**NEVER))
def test_a_revision_that_failed_does_not_come_back_by_itself(script: list[Moment]) -> None:
    trace = play(script)
    for (before, was), (scene, step) in pairwise(trace):
        same = (before.wanted, before.meaning) == (scene.wanted, scene.meaning) and scene.wanted is not None
        asked = scene.intents.retry is not None or scene.intents.undo is not None
        if same and not asked and scene.wanted in barred(was):
            assert scene.wanted in barred(step)
            assert step.candidate != scene.wanted
            assert step.weights.get(scene.wanted or "", 0) == 0 or step.stable == scene.wanted


@settings(max_examples=60, deadline=None)
@given(scripts(), st.sampled_from(NAMES), sizes(), plans())
def test_every_rollout_ends_once_pods_answer(script: list[Moment], wanted: str, size: Size, plan: Plan) -> None:
    calm = [Moment(wanted, size, plan, meaning="calm")] * LONG_ENOUGH
    scene, step = play([*script, *calm])[-1]
    assert (step.stable, step.candidate, step.phase) == (wanted, None, Phase.STEADY)
    assert step.target == scene.selected == wanted
    assert set(step.replicas) == {wanted}, "the others are gone"
    assert scene.revisions[wanted].ready >= size.minimum
    assert step.look_again is None
    assert step.weights == {wanted: 100}


@settings(max_examples=60, deadline=None)
@given(scripts(), plans(), sizes(), st.booleans())
def test_every_candidate_that_is_judged_bad_ends_without_traffic(
    script: list[Moment], plan: Plan, size: Size, final: bool
) -> None:
    settled = [Moment("a", size, plan, meaning="calm")] * LONG_ENOUGH
    bad = [Moment("b", size, plan, verdict=Verdict.FAIL, final=final, meaning="calm")] * LONG_ENOUGH
    replay = Replay()
    play([*script, *settled], replay)
    trace = play(bad, replay)
    shown = any(step.weight or step.shadow for step in plan.steps)
    if shown and (not plan.lenient or final):
        _, step = trace[-1]
        assert (step.stable, step.candidate, step.target) == ("a", None, "a")
        assert step.weights == {"a": 100}
        assert set(step.replicas) == {"a"}
        assert [each.revision for each in step.failed] == ["b"]


@settings(max_examples=60, deadline=None)
@given(scripts(), moments(killed=st.none()))
def test_every_state_of_the_world_has_one_rest(script: list[Moment], last: Moment) -> None:
    """No loop: with nothing changing any more, the decisions stop changing."""
    end = [shown(step) for _, step in play([*script, *[last] * 3 * LONG_ENOUGH])][-5:]
    if not last.forgetful:
        assert end.count(end[-1]) == len(end)


def shown(step: Step) -> Step:
    """What others see of a step; how long until the next look is not among it."""
    return replace(step, look_again=None)


def versions(steps: Trace) -> list[str | None]:
    """The stable revisions in the order in which they came."""
    told: list[str | None] = []
    for _, step in steps:
        if not told or told[-1] != step.stable:
            told.append(step.stable)
    return told


def wishes(*names: str, ticks: int = 20, plan: Plan = QUICK) -> list[Moment]:
    return [Moment(name, plan=plan) for name in names for _ in range(ticks)]


def test_abab() -> None:
    assert versions(play(wishes("a", "b", "a", "b"))) == [None, "a", "b", "a", "b"]


def test_abac_in_haste_serves_only_what_was_left_standing() -> None:
    assert versions(play([*wishes("a"), *wishes("b", "a", ticks=1), *wishes("c")])) == [None, "a", "c"]


def test_undo_is_quick_while_the_old_pods_stand() -> None:
    steps = play([*wishes("a"), *wishes("b", ticks=13), *wishes("a", ticks=6)])
    assert [step.target for _, step in steps[-6:]] == ["b", "a", "a", "a", "a", "a"]
    assert steps[-1][1].stable == "a"


def test_a_version_that_never_answers_changes_nothing() -> None:
    bad = Moment("b", broken=frozenset("b"))
    for _, step in play([*wishes("a"), *[bad] * 50])[20:]:
        assert (step.stable, step.target, step.phase) == ("a", "a", Phase.LOADING)
        assert step.replicas == {"a": 1, "b": 1}
        assert step.weights == {"a": 100, "b": 0}


def test_who_retires_comes_back_when_the_new_one_breaks() -> None:
    broken = Moment("b", broken=frozenset("b"), plan=QUICK)
    steps = play([*wishes("a"), *wishes("b", ticks=12), *[broken] * 3])
    assert [step.target for _, step in steps[-4:]] == ["b", "a", "a", "a"]


def test_a_candidate_has_as_many_pods_as_its_share_takes() -> None:
    four = Size(4, 4, scaled=False)
    trace = play([*[Moment("a", four, CAREFUL)] * 12, *[Moment("b", four, CAREFUL)] * 30])[12:]
    shares = [(step.weights["b"], step.replicas["b"]) for _, step in trace if step.candidate == "b"]
    assert list(dict.fromkeys(shares)) == [(0, 1), (5, 1), (25, 1), (25, 2), (50, 2), (50, 4), (100, 4)]


def test_an_autoscaled_size_is_met_before_the_switch() -> None:
    scaled = Size(2, 6, scaled=True)
    high = [Moment("a", scaled, QUICK, scaled_to=5)] * 16
    steps = play([*high, *[Moment("b", scaled, QUICK)] * 20])[16:]
    switch = next(scene for scene, step in steps if step.target == "b")
    assert switch.revisions["b"].ready == 5


def test_an_autoscaler_cannot_shrink_the_stable_one_during_a_trial() -> None:
    scaled = Size(2, 6, scaled=True)
    high = [Moment("a", scaled, CAREFUL, scaled_to=5)] * 16
    low = [Moment("b", scaled, replace(CAREFUL, paused=True), scaled_to=1)] * 20
    going = [Moment("b", scaled, CAREFUL, scaled_to=1)] * 8
    scene, _ = play([*high, *low, *going])[-1]
    assert scene.revisions["a"].desired == 5


def test_the_autoscaler_gets_the_number_once_it_is_within_its_bounds() -> None:
    scaled = Size(2, 4, scaled=True)
    told = [step.replicas["a"] for _, step in play([Moment("a", scaled)] * 10)]
    assert told == [1, 1, 1, 1, 2, None, None, None, None, None]


def test_a_clock_that_steps_back_delays_but_does_not_break() -> None:
    replay = Replay()
    play(wishes("a", "b", ticks=20), replay)
    replay.tick -= 15
    assert play(wishes("b", ticks=60), replay)[-1][1].phase is Phase.STEADY


def shares(trace: Trace, name: str) -> list[int]:
    """The shares that a candidate was given, each once in a row."""
    told: list[int] = []
    for _, step in trace:
        weight = step.weights.get(name, 0)
        if not told or told[-1] != weight:
            told.append(weight)
    return told


BEGUN = wishes("a", plan=CAREFUL)


def test_a_good_candidate_climbs_step_by_step() -> None:
    assert shares(play([*BEGUN, *wishes("b", ticks=40, plan=CAREFUL)]), "b") == [0, 5, 25, 50, 100]


def test_one_bad_look_delays_and_two_in_a_row_roll_back() -> None:
    begun = [*BEGUN, *wishes("b", ticks=4, plan=CAREFUL)]
    bad = Moment("b", plan=CAREFUL, verdict=Verdict.FAIL)
    one = play([*begun, *[bad] * 2, *wishes("b", ticks=40, plan=CAREFUL)])
    assert (one[-1][1].stable, one[-1][1].failed) == ("b", ())
    two = play([*begun, *[bad] * 4])[-1][1]
    assert (two.stable, two.candidate, two.weights) == ("a", None, {"a": 100})
    assert [(each.revision, each.reason) for each in two.failed] == [("b", "CandidateErrors")]


def test_pods_that_keep_silent_hold_the_rollout() -> None:
    silent = Moment("b", plan=CAREFUL, silent=True)
    step = play([*BEGUN, *[silent] * 200])[-1][1]
    assert (step.phase, step.weights["b"], step.progress.since) == (Phase.PROGRESSING, 5, None)
    assert not step.patient


def test_pods_that_keep_silent_do_not_hold_a_rollout_without_steps_for_ever() -> None:
    silent = Moment("b", plan=QUICK, silent=True)
    assert play([*wishes("a"), *[silent] * 200])[-1][1].stable == "b"


def open_for(ticks: int, choice: str) -> Trace:
    plan = replace(CAREFUL, on_inconclusive=choice)
    return play([*BEGUN, *[Moment("b", plan=plan, verdict=Verdict.INCONCLUSIVE)] * ticks])


def test_what_cannot_be_judged_waits_for_max_hold() -> None:
    for choice in ("hold", "promote", "abort"):
        step = open_for(18, choice)[-1][1]
        assert (step.phase, step.weights["b"]) == (Phase.PROGRESSING, 5)


def test_then_a_person_is_waited_for() -> None:
    step = open_for(200, "hold")[-1][1]
    assert (step.phase, step.stuck, step.weights["b"]) == (Phase.PAUSED, True, 5)


def test_or_it_is_promoted() -> None:
    assert open_for(100, "promote")[-1][1].stable == "b"


def test_or_it_is_rolled_back() -> None:
    step = open_for(60, "abort")[-1][1]
    assert (step.stable, step.weights) == ("a", {"a": 100})
    assert [each.reason for each in step.failed] == ["InconclusiveTooLong"]


APPROVED = replace(CAREFUL, steps=(PlannedStep(10, hold=1.0, pause=True), PlannedStep(50, hold=1.0)))


def asking(ticks: int, plan: Plan = APPROVED, **asked: str) -> list[Moment]:
    return [Moment("b", plan=plan, intents=Intents(**asked))] * ticks


def test_a_pause_waits_for_the_promotion_of_that_step() -> None:
    replay = Replay()
    step = play([*BEGUN, *asking(40), *asking(3, promote="b@2"), *asking(3, promote="a@1")], replay)[-1][1]
    assert (step.phase, step.weights["b"]) == (Phase.PAUSED, 10)
    assert step.note == "Step 1 waits for a person: annotate moorage.dev/promote=b@1 to go on."
    assert [(each.name, each.word) for each in step.answers] == [("promote", "Stale")]
    assert play(asking(30, promote="b@1"), replay)[-1][1].stable == "b"


def test_an_approval_that_comes_early_waits_for_its_step() -> None:
    plan = replace(APPROVED, steps=(PlannedStep(10, hold=1.0), PlannedStep(50, hold=1.0, pause=True)))
    trace = play([*BEGUN, *asking(40, plan, promote="b@2")])
    assert trace[21][1].answers[0].word == "Waiting"
    assert trace[-1][1].stable == "b"


def test_a_promotion_goes_all_the_way_with_as_many_pods_as_it_takes() -> None:
    trace = play([*BEGUN, *asking(12, promote="b")])
    assert shares(trace, "b") == [0, 100]
    assert trace[-1][1].stable == "b"


def test_an_abort_names_its_revision_and_is_done_once() -> None:
    replay = Replay()
    begun = play([*BEGUN, *asking(6), *asking(3, abort="c")], replay)[-1][1]
    assert (begun.candidate, begun.answers[0].word) == ("b", "Stale")
    aborted = play(asking(30, abort="b"), replay)[-1][1]
    assert (aborted.candidate, aborted.failed[0].reason, aborted.answers[0].word) == (None, "AbortedByUser", "Done")
    again = play(asking(6, abort="b", retry="b"), replay)[-1][1]
    assert (again.candidate, again.weights["b"]) == ("b", 10), "the old abort does nothing to the new try"


def test_a_retry_is_done_once() -> None:
    bad = Moment("b", plan=CAREFUL, verdict=Verdict.FAIL, final=True, intents=Intents(retry="b"))
    replay = Replay()
    play([*BEGUN, *asking(6, CAREFUL), *[replace(bad, intents=Intents())] * 30], replay)
    tries = shares(play([bad] * 100, replay), "b")
    assert tries == [0, 5, 0]


def test_a_paused_rollout_stays_and_still_rolls_back() -> None:
    paused = replace(CAREFUL, paused=True)
    replay = Replay()
    play([*BEGUN, *asking(4, CAREFUL)], replay)
    stays = play(asking(60, paused), replay)[-1][1]
    assert (stays.phase, stays.weights["b"], stays.patient) == (Phase.PAUSED, 5, True)
    bad = Moment("b", plan=paused, verdict=Verdict.FAIL)
    assert play([bad] * 8, replay)[-1][1].weights == {"a": 100}


def test_a_rollout_that_is_paused_from_the_start_gives_no_traffic() -> None:
    step = play([*BEGUN, *asking(30, replace(CAREFUL, paused=True))])[-1][1]
    assert (step.phase, step.weights["b"], step.replicas["b"]) == (Phase.PAUSED, 0, 1)
    annotated = play([*BEGUN, *asking(30, CAREFUL, pause="b")])[-1][1]
    assert (annotated.phase, annotated.weights["b"]) == (Phase.PAUSED, 0)


def test_an_undo_goes_back_and_stays_there() -> None:
    replay = Replay()
    play([*BEGUN, *asking(60, CAREFUL)], replay)
    trace = play(asking(60, CAREFUL, undo="b"), replay)
    assert versions(trace) == ["b", "a"]
    assert [each.reason for each in trace[-1][1].failed] == ["UndoneByUser"]
    assert play(asking(60, CAREFUL), replay)[-1][1].stable == "a"
    assert versions(play(asking(60, CAREFUL, retry="b"), replay)) == ["a", "b"]


def test_an_undo_of_what_does_not_serve_is_stale() -> None:
    step = play([*BEGUN, *asking(4, CAREFUL, undo="b")])[-1][1]
    assert (step.candidate, step.answers[0].word) == ("b", "Stale")


def test_a_new_version_replaces_the_candidate_without_traffic_first() -> None:
    replay = Replay()
    play([*BEGUN, *asking(14, CAREFUL)], replay)
    first = play(wishes("c", ticks=1, plan=CAREFUL), replay)[0][1]
    assert (first.stable, first.candidate, first.weights) == ("a", "c", {"a": 100, "c": 0})
    assert set(first.retiring) == {"b"}, "pods that have not heard of it may still ask it"
    assert versions(play(wishes("c", ticks=60, plan=CAREFUL), replay)) == ["a", "c"]


def test_a_spec_that_returns_to_the_stable_version_withdraws_the_candidate() -> None:
    replay = Replay()
    play([*BEGUN, *asking(14, CAREFUL)], replay)
    step = play(wishes("a", ticks=1, plan=CAREFUL), replay)[0][1]
    assert (step.stable, step.candidate, step.weights, step.failed) == ("a", None, {"a": 100}, ())


def test_a_candidate_whose_pods_went_begins_its_step_anew() -> None:
    replay = Replay()
    play([*BEGUN, *asking(10, CAREFUL)], replay)
    gone = play([Moment("b", plan=CAREFUL, broken=frozenset("b"))] * 3, replay)[-1][1]
    assert (gone.weights, gone.progress.step) == ({"a": 100, "b": 0}, 2)
    back = play(wishes("b", ticks=40, plan=CAREFUL), replay)
    assert (back[0][1].weights, back[0][1].progress.since) == ({"a": 75, "b": 25}, None)
    assert versions(back) == ["a", "b"]


def test_a_candidate_that_is_up_and_mute_is_rolled_back() -> None:
    mute = Moment("b", plan=CAREFUL, broken=frozenset("b"), mute=True)
    step = play([*BEGUN, *asking(10, CAREFUL), *[mute] * 40])[-1][1]
    assert [each.reason for each in step.failed] == ["CandidateUnreachable"]


def darkened(verdict: Verdict, plan: Plan = CAREFUL, **asked: str) -> Trace:
    """The stable version answers nobody any more while the candidate is in its second step."""
    lit = Moment("b", plan=CAREFUL, verdict=verdict)
    replay = Replay()
    play([*BEGUN, *asking(9, CAREFUL), *[lit] * 2], replay)
    dark = replace(lit, plan=plan, broken=frozenset("a"), intents=Intents(**asked))
    return play([dark] * 40, replay)


def test_a_good_candidate_replaces_a_stable_one_that_is_gone_for_good() -> None:
    trace = darkened(Verdict.PASS)
    assert trace[10][1].target == "a", "its pods may be back in a moment"
    assert [step.rescues for _, step in trace].count(True) == 1
    assert trace[-1][1].stable == "b"


def test_a_candidate_that_is_not_known_to_be_good_replaces_nobody() -> None:
    step = darkened(Verdict.INCONCLUSIVE)[-1][1]
    assert (step.stable, step.dark) == ("a", "it has not been judged good by traffic of its own")


def test_a_candidate_that_is_paused_replaces_nobody() -> None:
    for plan, asked in ((replace(CAREFUL, paused=True), {}), (CAREFUL, {"pause": "b"})):
        step = darkened(Verdict.PASS, plan, **asked)[-1][1]
        assert (step.stable, step.dark) == ("a", "its rollout is paused")


def test_a_candidate_that_a_person_promotes_replaces_a_stable_one_that_is_gone() -> None:
    assert darkened(Verdict.INCONCLUSIVE, promote="b")[-1][1].stable == "b"


def test_without_steps_a_fix_replaces_a_broken_version_at_once() -> None:
    fix = Moment("b", broken=frozenset("a"), verdict=Verdict.INCONCLUSIVE)
    trace = play([*wishes("a"), *[fix] * 8])
    assert any(step.rescues for _, step in trace)
    assert trace[-1][1].stable == "b"


def test_an_abort_that_comes_too_late_says_so() -> None:
    replay = Replay()
    while replay.memory.phase is not Phase.SWITCHING:
        play([*BEGUN] if replay.tick == 0 else asking(1, CAREFUL), replay)
    step = play(asking(1, CAREFUL, abort="b"), replay)[0][1]
    assert (step.candidate, step.answers[0].word) == ("b", "Stale")
    assert "moorage.dev/undo=b" in step.answers[0].message


def test_a_pause_of_who_was_promoted_says_that_it_does_nothing() -> None:
    step = play([*BEGUN, *asking(4, CAREFUL, promote="b"), *asking(1, CAREFUL, promote="b", pause="b")])[-1][1]
    assert [(each.name, each.word) for each in step.answers] == [("promote", "Done"), ("pause", "Stale")]


def test_an_undo_and_a_retry_that_stand_say_that_they_are_used() -> None:
    replay = Replay()
    play([*BEGUN, *asking(60, CAREFUL), *asking(40, CAREFUL, undo="b")], replay)
    play(asking(60, CAREFUL, undo="b", retry="b"), replay)
    step = play(asking(1, CAREFUL, undo="b", retry="b"), replay)[0][1]
    assert (step.stable, [each.word for each in step.answers]) == ("b", ["Done", "Used"])


def test_a_first_version_has_no_share_of_a_table_from_another_time() -> None:
    """The status was forgotten, the route table was not: it says that all goes to who has not answered yet."""
    loading = RevisionState("c", "3", "s3://models/fraud", desired=1, pods=1)
    scene = Scene("c", {"c": loading}, None, SINGLE, Memory(candidate="c"), EPOCH, routed=Routed({"c": 100}))
    step = next_step(scene)
    assert (step.stable, step.candidate, step.phase) == (None, "c", Phase.LOADING)
    assert step.weights == {"c": 0}
    assert not step.progress.begun
