"""Runs in threads: for models that would keep the loop, and with it every probe and every other client, waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic

from moorage_runtime.batching import together
from moorage_runtime.batching.gate import Gate
from moorage_runtime.batching.groups import Groups
from moorage_runtime.batching.member import M, Witness, refusal
from moorage_runtime.batching.pace import Pace
from moorage_runtime.batching.scheduling import Pool, Scheduler
from moorage_runtime.batching.sweep import NEVER, Sweep
from moorage_runtime.engines.engine import Cancel, Engine
from moorage_runtime.expiry import expired


class Run(Generic[M]):
    """One run under way. `members`: who waits for it; who left is not among them."""

    __slots__ = ("abandoned", "began", "cancel", "members", "rows", "seconds", "started_with")

    def __init__(self, members: list[M]) -> None:
        self.members = members
        self.started_with = tuple(members)
        self.rows = sum(member.rows for member in members)
        self.cancel = Cancel()
        self.abandoned = False
        self.began = 0.0
        self.seconds = 0.0


class Workers(Generic[M]):
    """`slots`: runs at once. `most`: rows of one run. While all slots are taken, calls wait, and run together next."""

    def __init__(
        self,
        engine: Engine,
        pace: Pace,
        witness: Witness,
        scheduler: Scheduler,
        pool: Pool,
        clock: Callable[[], float],
        *,
        slots: int,
        most: int,
        window: float,
    ) -> None:
        self.waiting: Groups[M] = Groups(engine.inputs)
        self._engine = engine
        self._pace = pace
        self._witness = witness
        self._scheduler = scheduler
        self._pool = pool
        self._clock = clock
        self._slots = slots
        self.most = most
        self._runs: set[Run[M]] = set()
        self._gate = Gate(scheduler, clock, window, self._start)
        self._sweep = Sweep(scheduler, clock, self._sweep_all)

    def full(self, queue: int) -> bool:
        """Whether one more would wait for a run to end, behind `queue` others that do."""
        free = self._slots - len(self._runs)
        if self.most > 1 and free:
            return False
        return len(self.waiting) - free >= queue

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nobody waits."""
        return not self._runs and not self.waiting

    def add(self, member: M) -> None:
        """Run it as soon as a slot is free, with others that wait."""
        self.waiting.add(member)
        self._gate.knock(member.deadline - self._pace.seconds(member.rows or 1))
        self._sweep.by(member.deadline)

    def _sweep_all(self, now: float) -> float:
        earliest = self.waiting.prune(now)
        for run in tuple(self._runs):
            late = [member for member in run.members if member.gone or member.deadline <= now]
            if late:
                run.members = [member for member in run.members if not member.gone and member.deadline > now]
                self._give_up(run)
                _end(late, now)
            earliest = min(earliest, min((member.deadline for member in run.members), default=NEVER))
        return earliest

    def _give_up(self, run: Run[M]) -> None:
        if not run.members and not run.abandoned:
            run.abandoned = True
            self._witness.abandoned(1)
            run.cancel()

    def _start(self) -> None:
        while len(self._runs) < self._slots and (batch := self.waiting.take(self._clock(), self.most)):
            run = Run(batch)
            self._runs.add(run)
            self._pool.submit(self._work, run)

    def _work(self, run: Run[M]) -> None:
        """In a thread."""
        answers: Sequence[together.Outputs] = ()
        error: Exception | None = None
        run.began = self._clock()
        try:
            answers = together.run(self._engine, run.started_with, run.cancel)
        except Exception as caught:
            error = caught
        run.seconds = self._clock() - run.began
        with suppress(RuntimeError):
            self._scheduler.call_soon_threadsafe(self._ended, run, answers, error)

    def _ended(self, run: Run[M], answers: Sequence[together.Outputs], error: Exception | None) -> None:
        self._runs.discard(run)
        self._gate.soon()
        if run.abandoned:
            self._witness.abandoned(-1)
            return
        if error is not None:
            self._fail(run, error)
            return
        self._pace.learn(run.rows or 1, run.seconds)
        self._witness.ran(run.members, run.rows, run.began, run.seconds)
        waiting = set(map(id, run.members))
        now = self._clock()
        for member, outputs in zip(run.started_with, answers, strict=True):
            if id(member) in waiting:
                fault = expired(member, now)
                member.finish(outputs) if fault is None else member.fail(fault)

    def _fail(self, run: Run[M], error: Exception) -> None:
        if len(run.started_with) > 1:
            self._witness.split(together.why(error))
            self.waiting.add_lonely(run.members)
        elif run.members:
            run.members[0].fail(refusal(error, self._witness))


def _end(late: list[M], now: float) -> None:
    for member in late:
        fault = expired(member, now)
        if fault is not None:
            member.fail(fault)
