"""Whole rollouts in microseconds: a world of integers that does what each step says, while the wishes change.

For tests, and for whoever wants to see what the operator would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from moorage_operator.api.step import Memory, RevisionState, Scene, Size, Step
from moorage_operator.rollout.next_step import next_step

SINGLE = Size(1, 1, scaled=False)
NOTHING = Memory()
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "sha256:replayed"


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick of the script.

    `broken`: revisions whose pods do not answer. `scaled_to`: what an autoscaler sets. `forgetful`: the status is lost.
    """

    wanted: str | None
    size: Size = SINGLE
    broken: frozenset[str] = frozenset()
    scaled_to: int | None = None
    forgetful: bool = False


@dataclass(slots=True)
class Replay:
    """The world between two ticks; `warm_up`: ticks from a pod's birth to its first answer."""

    warm_up: int = 2
    tick_seconds: float = 0.5
    retire_seconds: float = 5.0
    tick: int = 0
    memory: Memory = NOTHING
    selected: str | None = None
    births: dict[str, list[int]] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)

    def run(self, script: Sequence[Moment]) -> Iterator[tuple[Scene, Step]]:
        """What was seen and what was decided, tick by tick."""
        for moment in script:
            scene = self.scene(moment)
            step = next_step(scene)
            yield scene, step
            self._obey(step, moment)
            self.tick += 1

    def scene(self, moment: Moment) -> Scene:
        """The world as it is, under the wishes of this moment."""
        names = {*self.births, *([moment.wanted] if moment.wanted is not None else [])}
        return Scene(
            wanted=moment.wanted,
            revisions={name: self._state(name, moment.broken) for name in sorted(names)},
            selected=self.selected,
            size=moment.size,
            memory=NOTHING if moment.forgetful else self.memory,
            now=EPOCH + timedelta(seconds=self.tick * self.tick_seconds),
            retire_seconds=self.retire_seconds,
        )

    def _state(self, name: str, broken: frozenset[str]) -> RevisionState:
        births = self.births.get(name)
        ready = 0 if name in broken else sum(self.tick - birth >= self.warm_up for birth in births or ())
        if ready:
            self.pinned.add(name)
        state = RevisionState(name, version=name, artifact_uri=f"s3://{name}", pods=len(births or ()), ready=ready)
        return replace(
            state,
            desired=None if births is None else len(births),
            digest=DIGEST if name in self.pinned else None,
        )

    def _obey(self, step: Step, moment: Moment) -> None:
        for name, replicas in step.replicas.items():
            births = self.births.setdefault(name, [])
            wished = replicas if replicas is not None else self._autoscaled(moment, len(births))
            del births[wished:]
            births.extend([self.tick] * (wished - len(births)))
        for name in step.removed:
            self.births.pop(name, None)
        self.selected = step.target if step.target is not None else self.selected
        self.memory = _remembered(step, {name: len(births) for name, births in self.births.items()})

    def _autoscaled(self, moment: Moment, now: int) -> int:
        wished = now if moment.scaled_to is None else moment.scaled_to
        return max(moment.size.minimum, min(moment.size.maximum, wished))


def _remembered(step: Step, sizes: Mapping[str, int]) -> Memory:
    return Memory(
        stable=step.stable,
        candidate=step.candidate,
        phase=step.phase,
        since=step.since,
        retiring=step.retiring,
        stable_replicas=sizes.get(step.stable, 0) if step.stable is not None else 0,
    )
