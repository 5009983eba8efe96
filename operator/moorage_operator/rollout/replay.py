"""Whole rollouts in microseconds: a world of integers that does what each step says, while the wishes change.

For tests, and for whoever wants to see what the operator would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Judgement, Verdict
from moorage_operator.api.step import (
    AT_ONCE,
    NOTHING_ASKED,
    Intents,
    Memory,
    Plan,
    RevisionState,
    Routed,
    Scene,
    Size,
    Step,
)
from moorage_operator.rollout import roles
from moorage_operator.rollout.next_step import next_step

SINGLE = Size(1, 1, scaled=False)
NOTHING = Memory()
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "sha256:replayed"
FAILURE_LIMIT = 2
HISTORY = 4


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick of the script.

    `broken`: revisions whose pods do not answer, `mute`: though they are up. `scaled_to`: what an autoscaler sets.
    `verdict`: of the judgements that fall due, `final`: at once. `silent`: pods do not say which table they follow.
    `killed`: this many parts of what was decided are done, and nothing is written down. `forgetful`: the status is
    lost. `meaning`: what the spec says besides the version.
    """

    wanted: str | None
    size: Size = SINGLE
    plan: Plan = AT_ONCE
    broken: frozenset[str] = frozenset()
    mute: bool = False
    scaled_to: int | None = None
    verdict: Verdict = Verdict.PASS
    final: bool = False
    silent: bool = False
    killed: int | None = None
    forgetful: bool = False
    intents: Intents = NOTHING_ASKED
    meaning: str = "m"


@dataclass(slots=True)
class Replay:
    """The world between two ticks; `warm_up`: ticks from a pod's birth to its first answer, `lag`: from a route table
    to the last pod that follows it.
    """

    warm_up: int = 2
    lag: int = 1
    tick_seconds: float = 0.5
    retire_seconds: float = 5.0
    tick: int = 0
    memory: Memory = NOTHING
    selected: str | None = None
    births: dict[str, list[int]] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)
    history: tuple[str, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)
    shadow: float = 0.0
    written: int = 0

    def run(self, script: Sequence[Moment]) -> Iterator[tuple[Scene, Step]]:
        """What was seen and what was decided, tick by tick."""
        for moment in script:
            scene = self.scene(moment)
            step = next_step(scene)
            yield scene, step
            self._obey(scene, step, moment)
            self.tick += 1

    def scene(self, moment: Moment) -> Scene:
        """The world as it is, under the wishes of this moment."""
        names = {*self.births, *self.history, *([moment.wanted] if moment.wanted is not None else [])}
        memory = NOTHING if moment.forgetful else self.memory
        scene = Scene(
            wanted=moment.wanted,
            revisions={name: self._state(name, moment) for name in sorted(names)},
            selected=self.selected,
            size=moment.size,
            memory=memory,
            now=EPOCH + timedelta(seconds=self.tick * self.tick_seconds),
            retire_seconds=self.retire_seconds,
            plan=moment.plan,
            routed=Routed(self.weights, self.shadow, acked=self._acked(moment)),
            intents=moment.intents,
            meaning=moment.meaning,
            previous=self.history[1:],
        )
        return replace(scene, judgement=self._judgement(scene, moment))

    def _acked(self, moment: Moment) -> bool:
        return not moment.silent and self.tick - self.written >= self.lag

    def _judgement(self, scene: Scene, moment: Moment) -> Judgement | None:
        """Of the candidate that gets something; while nobody sends it anything, there is nothing new to judge by."""
        told, begun = scene.memory.judgement, scene.memory.progress.judged_since
        if begun is None or not roles.ready(scene, scene.memory.stable):
            return told
        last = max(begun, told.at) if told is not None else begun
        if (scene.now - last).total_seconds() < scene.plan.interval:
            return told
        bad = moment.verdict is Verdict.FAIL
        failures = (told.failures if told is not None else 0) + 1 if bad else 0
        abort = bad and (moment.final or failures >= FAILURE_LIMIT)
        return Judgement(moment.verdict, scene.now, reason=Reason.CANDIDATE_ERRORS, failures=failures, abort=abort)

    def _state(self, name: str, moment: Moment) -> RevisionState:
        births = self.births.get(name)
        up = sum(self.tick - birth >= self.warm_up for birth in births or ())
        ready = 0 if name in moment.broken else up
        if ready:
            self.pinned.add(name)
        return RevisionState(
            name,
            version=name,
            artifact_uri=f"s3://{name}",
            digest=DIGEST if name in self.pinned else None,
            desired=None if births is None else len(births),
            pods=len(births or ()),
            ready=ready,
            mute=up - ready if moment.mute else 0,
            address=None if births is None else f"{name}:80",
        )

    def _obey(self, scene: Scene, step: Step, moment: Moment) -> None:
        """Do what the step says, in the order of the writes; a kill leaves the rest undone and nothing remembered."""
        deeds = (self._route, self._scale, self._select, self._remove)
        for deed in deeds[: moment.killed]:
            deed(step, moment)
        if moment.killed is None:
            self.memory = _remembered(scene, step, {name: len(births) for name, births in self.births.items()})
            self._note(step)

    def _route(self, step: Step, _moment: Moment) -> None:
        if (dict(step.weights), step.shadow) != (dict(self.weights), self.shadow):
            self.weights, self.shadow, self.written = dict(step.weights), step.shadow, self.tick

    def _scale(self, step: Step, moment: Moment) -> None:
        for name, replicas in step.replicas.items():
            births = self.births.setdefault(name, [])
            wished = replicas if replicas is not None else self._autoscaled(step, name, moment, len(births))
            del births[wished:]
            births.extend([self.tick] * (wished - len(births)))

    def _select(self, step: Step, _moment: Moment) -> None:
        self.selected = step.target if step.target is not None else self.selected

    def _remove(self, step: Step, _moment: Moment) -> None:
        for name in step.removed:
            self.births.pop(name, None)

    def _note(self, step: Step) -> None:
        if step.stable is not None:
            others = tuple(each for each in self.history if each != step.stable)
            self.history = (step.stable, *others)[:HISTORY]

    def _autoscaled(self, step: Step, name: str, moment: Moment, now: int) -> int:
        wished = now if moment.scaled_to is None else moment.scaled_to
        return max(step.floors.get(name, 1), min(moment.size.maximum, wished))


def _remembered(scene: Scene, step: Step, sizes: Mapping[str, int]) -> Memory:
    return Memory(
        stable=step.stable,
        candidate=step.candidate,
        phase=step.phase,
        since=step.since,
        retiring=step.retiring,
        stable_replicas=sizes.get(step.stable, 0) if step.stable is not None else 0,
        progress=step.progress,
        judgement=scene.judgement if step.candidate == scene.memory.candidate else None,
        failed=step.failed,
        answers=step.answers,
    )
