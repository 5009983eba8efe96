"""Runs in the loop's own thread: for models so fast that a thread would cost more than the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from moorage_runtime.batching import together
from moorage_runtime.batching.gate import Gate
from moorage_runtime.batching.groups import Groups
from moorage_runtime.batching.member import M, Witness, refusal
from moorage_runtime.batching.pace import Pace
from moorage_runtime.batching.scheduling import Scheduler
from moorage_runtime.engines.engine import Engine

# While more waits than one turn can run: how often those at the back are looked at.
_PRUNE_SECONDS = 0.01
# Of single runs, one in so many corrects the estimate: each one's cost would be felt.
_LEARN_EVERY = 16
# After so many turns with one member each, the first of a turn does not wait for the turn's end.
_QUIET = 8
_FEWEST = 2


class Turn(Generic[M]):
    """`most`: rows of one run, however fast. A turn of the loop is not kept longer than `budget` seconds."""

    def __init__(
        self,
        engine: Engine,
        pace: Pace,
        witness: Witness,
        scheduler: Scheduler,
        clock: Callable[[], float],
        *,
        most: int,
        window: float,
        budget: float,
    ) -> None:
        self.waiting: Groups[M] = Groups(engine.inputs)
        self._engine = engine
        self._pace = pace
        self._witness = witness
        self._scheduler = scheduler
        self._clock = clock
        self.most = most
        self._window = window
        self._budget = budget
        self._gate = Gate(scheduler, clock, window, self._flush)
        self._rows = 0
        self._pruned = 0.0
        self._runs = 0
        self._quiet = 0
        self._met = False

    @property
    def rows(self) -> int:
        """Most rows of one run now. Two are tried in any case: how else should it show that they cost little more?"""
        return min(self.most, max(_FEWEST, self._pace.rows))

    def add(self, member: M) -> None:
        """Run it with all others that arrive in this turn of the loop, or in its window."""
        if self._quiet >= _QUIET:
            if not self._met:
                self._met = True
                self._scheduler.call_soon(self._part)
                self.now(member)
                return
            self._quiet = 0
        self.waiting.add(member)
        gate = self._gate
        if gate.opens_soon:
            return
        if not self._window:
            gate.soon()
            return
        self._rows += member.rows
        if self._rows >= self.most:
            gate.soon()
        else:
            gate.knock(member.deadline - self._pace.seconds(self.most))

    def now(self, member: M) -> None:
        """Run it by itself, before returning."""
        try:
            outputs = self._engine.infer(member.inputs, member.outputs)
        except Exception as error:
            self._fail([member], error)
            return
        seconds = self._clock() - member.queued
        self._witness.ran_at_once(member, seconds)
        self._runs = runs = self._runs + 1
        if not runs % _LEARN_EVERY:
            self._pace.learn(member.rows or 1, seconds)
        member.finish(outputs)

    def _part(self) -> None:
        self._met = False

    def _flush(self) -> None:
        self._rows = 0
        started = now = self._clock()
        while batch := self.waiting.take(now, self.rows):
            self._run(batch)
            self._quiet = 0 if len(batch) > 1 or self._window else self._quiet + 1
            now = self._clock()
            if now - started >= self._budget:
                break
        if self.waiting:
            self._gate.soon()
            self._prune(now)

    def _prune(self, now: float) -> None:
        if now - self._pruned > _PRUNE_SECONDS:
            self._pruned = now
            self.waiting.prune(now)

    def _run(self, batch: list[M]) -> None:
        began = self._clock()
        try:
            answers = together.run(self._engine, batch)
        except Exception as error:
            self._fail(batch, error)
            return
        seconds = self._clock() - began
        rows = sum([member.rows for member in batch])
        self._pace.learn(rows or 1, seconds)
        self._witness.ran(batch, rows, began, seconds)
        for member, outputs in zip(batch, answers, strict=True):
            member.finish(outputs)

    def _fail(self, batch: list[M], error: Exception) -> None:
        if len(batch) == 1:
            batch[0].fail(refusal(error, self._witness))
            return
        self._witness.split(together.why(error))
        self.waiting.add_lonely(batch)
        self._gate.soon()
