"""One version's way from a call to its engine: how many may come, when and with whom they run, and how each ends."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from moorage_runtime.batching.groups import rows_of
from moorage_runtime.batching.member import Member
from moorage_runtime.batching.pace import Pace
from moorage_runtime.batching.scheduling import Pool, Scheduler
from moorage_runtime.batching.together import ROWS_DIFFER
from moorage_runtime.batching.turn import Turn
from moorage_runtime.batching.workers import Workers
from moorage_runtime.caching.answers import Answers
from moorage_runtime.caching.states import BYPASS, COALESCED, HIT, MISS
from moorage_runtime.caching.store import Store
from moorage_runtime.config import Batcher, Limits
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.drainage import Drainage
from moorage_runtime.dataplane.guard import Guard
from moorage_runtime.dataplane.seldom import Seldom
from moorage_runtime.errors import RequestFault
from moorage_runtime.expiry import expired
from moorage_runtime.metrics.meters import DoorMeter, ModelMeter, outcome
from moorage_runtime.repository.served import Served
from moorage_runtime.tensors import Array, TensorSpec, dtype_of
from moorage_runtime.tracing import Trace

log = logging.getLogger(__name__)

# Longer than this no run may keep the loop: the probes, and every other client, wait for it.
INLINE_SECONDS = 0.001
CONCURRENCY = 1024
# Threads of one model: enough that one long run does not keep the next batch waiting, few enough that batches form.
SLOTS_TOGETHER = 2
SLOTS_ALONE = 4
# Rows are copied when they are put together: of more bytes, the copy costs more than company saves.
JOINED_BYTES = 64 << 10
BYPASSING = "bypass"
STATES = (HIT, MISS, COALESCED, BYPASS)


class Lane:
    """All calls of one version. To be used from the loop's thread only."""

    def __init__(
        self,
        served: Served,
        meter: ModelMeter,
        limits: Limits,
        batcher: Batcher,
        scheduler: Scheduler,
        pool: Pool,
        clock: Callable[[], float],
        *,
        store: Store | None = None,
        watched: bool = False,
    ) -> None:
        self.served = served
        self.meter = meter
        self.guard = Guard(served.engine.outputs)
        self._clock = clock
        self._watched = watched
        self._answers = Answers(served.digest, store, scheduler, clock) if store is not None else None
        meter.cache = dict.fromkeys(STATES, 0) if store is not None else {}
        self._most_calls = limits.concurrency or CONCURRENCY
        self._queue = limits.queue
        self._drainage = Drainage()
        self._failures = Seldom(clock)
        self._pace = Pace(served.verdict.seconds_by_rows, INLINE_SECONDS)
        meter.together = served.verdict.batchable and batcher.max_batch_size > 1
        self._together = meter.together
        optional = served.engine.optional
        self._only = None if optional else _only(served.engine.inputs)
        self._rows_of = _rows_without(frozenset(optional)) if optional else rows_of
        self._light = JOINED_BYTES // _row_bytes(served.engine.inputs)
        most = batcher.max_batch_size if meter.together else 1
        window = batcher.max_latency_seconds if meter.together else 0.0
        self._turn: Turn[Member] = Turn(
            served.engine, self._pace, self, scheduler, clock, most=most, window=window, budget=INLINE_SECONDS
        )
        self._workers: Workers[Member] = Workers(
            served.engine,
            self._pace,
            self,
            scheduler,
            pool,
            clock,
            slots=SLOTS_TOGETHER if meter.together else SLOTS_ALONE,
            most=self._pace.worth(most),
            window=window,
        )

    @property
    def in_flight(self) -> int:
        """Calls taken and not ended."""
        return self.meter.in_flight

    def crowded(self) -> RequestFault | None:
        """Why a request that comes now would be refused whatever it asks; None when it may not be."""
        crowded = self.meter.in_flight >= self._most_calls
        # A model this slow has a queue; what is remembered needs no place in it.
        if crowded or (not self._pace.rows and self._answers is None and self._workers.full(self._queue)):
            return self._overloaded(self._clock())
        return None

    def take(self, call: Call, door: DoorMeter) -> RequestFault | None:
        """Count a call in, and say why it may not begin; either way it must `finish` or `fail` from here on."""
        call.lane = self
        call.meter = door
        call.queued = self.served.used = now = self._clock()
        meter = self.meter
        meter.in_flight = in_flight = meter.in_flight + 1
        if in_flight > self._most_calls or call.deadline <= now or call.gone:
            return expired(call, now) or self._overloaded(now)
        return None

    def submit(self, call: Call, door: DoorMeter) -> None:
        """Run a call, or refuse it. Never raises."""
        fault = self.take(call, door)
        if fault is not None:
            call.fail(fault)
            return
        if self._answers is None:
            self._run(call)
        elif call.cache == BYPASSING:
            call.cache_state = BYPASS
            self._run(call)
        else:
            self._answers.admit(call, self._run)

    def _run(self, member: Member) -> None:
        member.rows = rows = len(member.inputs[self._only]) if self._only else self._rows_of(member.inputs)
        pace = self._pace
        if not 0 < rows <= pace.rows:
            self._aside(member)
        elif self._together and rows < pace.alone and rows <= self._light:
            self._turn.add(member)
        else:
            self._turn.now(member)

    def _aside(self, member: Member) -> None:
        if not member.rows and _most_rows(member) <= self._pace.rows:
            self._turn.now(member)
        elif self._workers.full(self._queue):
            member.fail(self._overloaded(self._clock()))
        else:
            self._workers.add(member)

    def ended(self, call: Call, fault: RequestFault | None) -> None:
        """The call has been told its end."""
        self.meter.in_flight -= 1
        door = call.meter
        if fault is not None:
            door.ends[outcome(fault.status)] += 1
            if fault.status >= 500:
                door.fault(fault.reason)
        seconds = self._clock() - call.began
        histogram = door.seconds
        histogram.counts[bisect_left(histogram.bounds, seconds)] += 1
        histogram.total += seconds
        door.received += call.received
        door.sent += call.sent
        if call.cache_state is not None:
            self.meter.cache[call.cache_state] += 1
        if call.trace is not None:
            self._trace(call.trace, call, fault)

    def _trace(self, trace: Trace, call: Call, fault: RequestFault | None) -> None:
        status, reason = (200, "") if fault is None else (fault.status, fault.reason)
        trace.end(status, reason, self.served.name, self.served.version, call.queued, call.run)

    def ran(self, members: Sequence[Member], rows: int, began: float, seconds: float) -> None:
        """For batching: a run ended well."""
        meter = self.meter
        meter.inference.observe(seconds)
        meter.rows.observe(rows)
        meter.queue.observe_all([began - member.queued for member in members])
        if self._watched:
            run = (began, seconds, rows)
            for member in members:
                member.run = run

    def ran_at_once(self, member: Member, seconds: float) -> None:
        """For batching: so did the run of one call that never waited."""
        meter = self.meter
        histogram = meter.inference
        histogram.counts[bisect_left(histogram.bounds, seconds)] += 1
        histogram.total += seconds
        if member.rows == 1:
            meter.lone += 1
        else:
            meter.rows.observe(member.rows)
            meter.queue.observe(0.0)
        if self._watched:
            member.run = (member.queued, seconds, member.rows)

    def failed(self, error: Exception) -> None:
        """For batching: the model failed on one call alone. The log is told the first of many."""
        suppressed = self._failures.now()
        if suppressed is not None:
            told = {"model": self.served.name, "version": self.served.version, "suppressed": suppressed}
            log.error("inference failed", exc_info=error, extra=told)

    def split(self, reason: str) -> None:
        """For batching: what ran together is run again, each alone."""
        self.meter.splits[reason] = self.meter.splits.get(reason, 0) + 1
        if reason == ROWS_DIFFER and self.meter.together:
            self.meter.together = self._together = False
            self._turn.most = self._workers.most = 1
            log.warning(
                "the model gives another number of rows than it gets: its requests run one by one from now on",
                extra={"model": self.served.name, "version": self.served.version},
            )

    def abandoned(self, change: int) -> None:
        """For batching: so many more (or fewer) runs go on that nobody waits for."""
        self.meter.abandoned += change

    def facts(self) -> dict[str, Any]:
        """For a reader of the state: how this version's requests are run."""
        pace = self._pace
        inline = "together" if self.meter.together else "at once"
        runs = inline if pace.rows else "threads"
        return {
            "runs": runs,
            "rowsTogether": self._rows_together(),
            "microsecondsARow": round(pace.seconds(1) * 1e6, 1),
        }

    def _rows_together(self) -> int:
        if not self.meter.together:
            return 1
        return self._turn.rows if self._pace.rows else self._workers.most

    def _overloaded(self, now: float) -> RequestFault:
        ended = sum(door.answered for door in self.meter.doors.values())
        wait = self._drainage.seconds(self.meter.in_flight, ended, self._pace.seconds(1), now)
        return RequestFault(
            429,
            "Overloaded",
            f"too many requests are being answered; try again in {wait} s",
            ((b"retry-after", b"%d" % wait),),
        )


def _most_rows(member: Member) -> int:
    return max((array.shape[0] for array in member.inputs.values() if array.ndim), default=1)


def _rows_without(optional: frozenset[str]) -> Callable[[Mapping[str, Array]], int]:
    """`rows_of`, but none where an optional input is given: it holds for its own request's rows only."""
    return lambda inputs: rows_of(inputs) if optional.isdisjoint(inputs) else 0


def _only(specs: Mapping[str, TensorSpec]) -> str | None:
    """The name of the one input, if it has a first length: then no other can contradict it."""
    names = [name for name, spec in specs.items() if spec.shape]
    return names[0] if len(specs) == len(names) == 1 else None


def _row_bytes(specs: Mapping[str, TensorSpec]) -> int:
    """Of one row of all inputs, open lengths taken as 1; at least 1."""
    return max(1, sum(abs(prod(spec.shape[1:])) * dtype_of(spec.datatype).itemsize for spec in specs.values()))
