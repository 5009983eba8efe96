"""Whatever is wished and whatever breaks: somebody who answers is never taken away, and every rollout ends."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from moorage_operator.api.step import Phase, Scene, Size, Step
from moorage_operator.rollout.replay import Moment, Replay

NAMES = ("a", "b", "c")
LONG_ENOUGH = 40


def play(script: Sequence[Moment], replay: Replay | None = None) -> list[tuple[Scene, Step]]:
    return list((replay or Replay()).run(script))


def sizes() -> st.SearchStrategy[Size]:
    bounds = st.tuples(st.integers(1, 4), st.integers(0, 3))
    return bounds.map(lambda pair: Size(pair[0], pair[0] + pair[1], scaled=pair[1] > 0))


def moments() -> st.SearchStrategy[Moment]:
    return st.builds(
        Moment,
        wanted=st.sampled_from((*NAMES, None)),
        size=sizes(),
        broken=st.frozensets(st.sampled_from(NAMES), max_size=2),
        scaled_to=st.none() | st.integers(1, 7),
        forgetful=st.booleans(),
    )


def flat(stretches: list[list[Moment]]) -> list[Moment]:
    return [moment for stretch in stretches for moment in stretch]


def scripts() -> st.SearchStrategy[list[Moment]]:
    stretch = st.tuples(moments(), st.integers(1, 8)).map(lambda pair: [pair[0]] * pair[1])
    return st.lists(stretch, min_size=1, max_size=6).map(flat)


def ready(scene: Scene, revision: str | None) -> int:
    state = scene.revisions.get(revision) if revision is not None else None
    return state.ready if state is not None else 0


@settings(max_examples=60, deadline=None)
@given(scripts())
def test_the_service_never_points_to_nobody_while_somebody_kept_answers(script: list[Moment]) -> None:
    for scene, step in play(script):
        kept = {*step.roles()}
        if not ready(scene, step.target):
            answering = {name for name in kept if ready(scene, name)}
            assert not answering, f"{step.target} does not answer, {answering} would"


@settings(max_examples=60, deadline=None)
@given(scripts())
def test_what_users_get_is_never_removed(script: list[Moment]) -> None:
    for scene, step in play(script):
        assert step.target not in step.removed
        if ready(scene, scene.selected) and scene.selected != step.target:
            assert scene.selected in step.replicas, "the old one must outlive the switch"
            assert ready(scene, step.target), "the switch is only to who answers"


@settings(max_examples=60, deadline=None)
@given(scripts())
def test_the_stable_one_is_not_scaled_down_before_the_switch(script: list[Moment]) -> None:
    for scene, step in play(script):
        if step.candidate is None or step.stable is None or step.target != step.stable:
            continue
        wished, live = step.replicas[step.stable], scene.revisions[step.stable].desired
        assert wished is None or live is None or wished >= live


@settings(max_examples=60, deadline=None)
@given(scripts(), st.sampled_from(NAMES), sizes())
def test_every_rollout_ends_once_pods_answer(script: list[Moment], wanted: str, size: Size) -> None:
    calm = [Moment(wanted, size)] * LONG_ENOUGH
    scene, step = play([*script, *calm])[-1]
    assert (step.stable, step.candidate, step.phase) == (wanted, None, Phase.STEADY)
    assert step.target == scene.selected == wanted
    assert set(step.replicas) == {wanted}, "the others are gone"
    assert scene.revisions[wanted].ready >= size.minimum
    assert step.look_again is None


@settings(max_examples=60, deadline=None)
@given(scripts(), moments())
def test_every_state_of_the_world_has_one_rest(script: list[Moment], last: Moment) -> None:
    """No loop: with nothing changing any more, the decisions stop changing."""
    end = [step for _, step in play([*script, *[last] * LONG_ENOUGH])][-5:]
    if not last.forgetful:
        assert end.count(end[-1]) == len(end)


def versions(steps: Sequence[tuple[Scene, Step]]) -> list[str | None]:
    """The stable revisions in the order in which they came."""
    told: list[str | None] = []
    for _, step in steps:
        if not told or told[-1] != step.stable:
            told.append(step.stable)
    return told


def wishes(*names: str, ticks: int = 12) -> list[Moment]:
    return [Moment(name) for name in names for _ in range(ticks)]


def test_abab() -> None:
    assert versions(play(wishes("a", "b", "a", "b"))) == [None, "a", "b", "a", "b"]


def test_abac_in_haste_serves_only_what_was_left_standing() -> None:
    assert versions(play([*wishes("a"), *wishes("b", "a", ticks=1), *wishes("c")])) == [None, "a", "c"]


def test_undo_is_instant_while_the_old_pods_stand() -> None:
    steps = play([*wishes("a"), *wishes("b", ticks=8), *wishes("a", ticks=4)])
    assert steps[-4][1].target == "a", "the very first look at the old wish switches back"
    assert steps[-1][1].stable == "a"


def test_a_version_that_never_answers_changes_nothing() -> None:
    bad = Moment("b", broken=frozenset("b"))
    for _, step in play([*wishes("a"), *[bad] * 50])[12:]:
        assert (step.stable, step.target, step.phase) == ("a", "a", Phase.LOADING)
        assert step.replicas == {"a": 1, "b": 1}


def test_who_retires_comes_back_when_the_new_one_breaks() -> None:
    broken = Moment("b", broken=frozenset("b"))
    steps = play([*wishes("a"), *wishes("b", ticks=8), *[broken] * 3])
    assert [step.target for _, step in steps[-4:]] == ["b", "a", "a", "a"]


def test_a_candidate_starts_with_one_pod_and_grows_to_the_stable_size() -> None:
    three = Size(3, 3, scaled=False)
    sizes = [step.replicas.get("b") for _, step in play([*[Moment("a", three)] * 12, *[Moment("b", three)] * 8])[12:]]
    assert sizes == [1, 1, 3, 3, 3, 3, 3, 3]


def test_an_autoscaled_size_is_met_before_the_switch() -> None:
    scaled = Size(2, 6, scaled=True)
    high = [Moment("a", scaled, scaled_to=5)] * 16
    steps = play([*high, *[Moment("b", scaled)] * 12])[16:]
    assert max(step.replicas["b"] or 0 for _, step in steps) == 5
    switch = next(scene for scene, step in steps if step.target == "b")
    assert switch.revisions["b"].ready == 5


def test_the_autoscaler_gets_the_number_once_it_is_within_its_bounds() -> None:
    scaled = Size(2, 4, scaled=True)
    told = [step.replicas["a"] for _, step in play([Moment("a", scaled)] * 10)]
    assert told == [1, 1, 1, 1, 2, None, None, None, None, None]


def test_a_clock_that_steps_back_delays_but_does_not_break() -> None:
    replay = Replay()
    play(wishes("a", "b", ticks=10), replay)
    replay.tick -= 15
    assert play(wishes("b", ticks=40), replay)[-1][1].phase is Phase.STEADY
