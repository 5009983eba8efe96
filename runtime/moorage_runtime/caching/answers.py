"""One model's remembered answers, and the flights under way to new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from moorage_runtime.caching.keys import hashable
from moorage_runtime.caching.keys import key as key_of
from moorage_runtime.caching.states import BYPASS, COALESCED, HIT, MISS
from moorage_runtime.caching.store import LocalStore, Outputs, RemoteStore, Store
from moorage_runtime.errors import RequestFault
from moorage_runtime.expiry import client_gone, expired, late
from moorage_runtime.tensors import Array


class Caller(Protocol):
    """A call that waits for its answer. `cache_state` is set before its end; `run`: what its run told of itself.

    Exactly one of `finish` and `fail` is called, once, in the loop's thread; neither raises.
    """

    inputs: Mapping[str, Array]
    outputs: tuple[str, ...] | None
    began: float
    deadline: float
    gone: bool
    cache_state: str | None
    run: tuple[float, float, int] | None

    def finish(self, outputs: Mapping[str, Array]) -> None:
        """The answer."""

    def fail(self, fault: RequestFault) -> None:
        """There is none, and why."""


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """It will not."""


class Scheduler(Protocol):
    """An event loop, as far as it is needed."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> Timer:
        """After `delay` seconds."""


class Flight:
    """One run for all callers who ask the same. To who runs it, it is a call: it ends by `finish` or `fail`, once.

    Without a key nobody can join it, and its answer is not kept. It is `gone` only when all its callers are, and its
    deadline is the latest of theirs; each caller's own deadline holds all the same.
    """

    __slots__ = (
        "_answers",
        "_callers",
        "_key",
        "_timer",
        "began",
        "deadline",
        "inputs",
        "outputs",
        "queued",
        "rows",
        "run",
    )

    def __init__(self, answers: Answers, key: str | None, leader: Caller, now: float) -> None:
        self.inputs = leader.inputs
        self.outputs = leader.outputs
        self.began = leader.began
        self.deadline = leader.deadline
        self.queued = now
        self.rows = 0
        self.run: tuple[float, float, int] | None = None
        self._answers = answers
        self._key = key
        self._callers = [leader]
        self._timer: Timer | None = None

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return all(caller.gone for caller in self._callers)

    def join(self, caller: Caller) -> None:
        """One more asks the same."""
        caller.cache_state = COALESCED
        self._callers.append(caller)
        if caller.deadline != self.deadline:
            self.deadline = max(self.deadline, caller.deadline)
            self._watch()

    def finish(self, outputs: Mapping[str, Array]) -> None:
        """The model's answer: it is kept, and told to everyone who waits."""
        if self._key is not None:
            self._answers.keep(self._key, outputs)
        self.land(outputs)

    def fail(self, fault: RequestFault) -> None:
        """There is no answer, for anyone who waits; nothing is kept."""
        for caller in self._ending():
            caller.fail(fault)

    def land(self, outputs: Outputs, state: str | None = None) -> None:
        """Tell everyone who waits; `state`: how the answer was come by, if not as each was told."""
        now = self._answers.clock()
        for caller in self._ending():
            fault = expired(caller, now)
            if fault is not None:
                caller.fail(fault)
                continue
            caller.run = self.run
            caller.cache_state = state or caller.cache_state
            caller.finish(outputs)

    def _ending(self) -> list[Caller]:
        self._answers.forget(self._key, self)
        if self._timer is not None:
            self._timer.cancel()
        callers, self._callers = self._callers, []
        return callers

    def _watch(self) -> None:
        """Callers whose deadline comes before the flight's own are told when it comes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        first = min(caller.deadline for caller in self._callers)
        if first < self.deadline:
            self._timer = self._answers.scheduler.call_later(max(0.0, first - self._answers.clock()), self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._answers.clock()
        overdue = [caller for caller in self._callers if caller.deadline <= now]
        self._callers = [caller for caller in self._callers if caller.deadline > now]
        if self._callers:
            self._watch()
        else:
            self._answers.forget(self._key, self)
        for caller in overdue:
            caller.fail(expired(caller, now) or late(caller))


class Answers:
    """The remembered answers of the model with this digest. `scheduler`: the loop; `clock`: seconds, monotonic."""

    def __init__(self, digest: str, store: Store, scheduler: Scheduler, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.scheduler = scheduler
        self._digest = digest
        self._store = store
        self._local = store if isinstance(store, LocalStore) else None
        self._remote = store if isinstance(store, RemoteStore) else None
        self._flights: dict[str, Flight] = {}

    def admit(self, caller: Caller, start: Callable[[Flight], None]) -> None:
        """End the call from the store, let it join a flight, or `start` one, which must end it. Never raises.

        Calls whose inputs are so large that comparing them would keep everyone waiting go by the store.
        """
        if not hashable(caller.inputs):
            caller.cache_state = BYPASS
            start(Flight(self, None, caller, self.clock()))
            return
        key = key_of(self._digest, caller.inputs, caller.outputs)
        kept = None if self._local is None else self._local.lookup(key)
        if kept is not None:
            caller.cache_state = HIT
            caller.finish(kept)
            return
        flight = self._flights.get(key)
        if flight is not None:
            flight.join(caller)
            return
        caller.cache_state = MISS
        self._flights[key] = flight = Flight(self, key, caller, self.clock())
        if self._remote is None:
            start(flight)
        else:
            self._remote.fetch(key, partial(self._fetched, flight, start))

    def keep(self, key: str, outputs: Outputs) -> None:
        """For a flight: remember its answer."""
        self._store.keep(key, outputs)

    def forget(self, key: str | None, flight: Flight) -> None:
        """For a flight: it has ended, nobody may join it any more."""
        if key is not None and self._flights.get(key) is flight:
            del self._flights[key]

    def _fetched(self, flight: Flight, start: Callable[[Flight], None], kept: Outputs | None) -> None:
        if kept is not None:
            flight.land(kept, HIT)
        elif flight.gone:
            flight.fail(client_gone())
        else:
            flight.queued = self.clock()
            start(flight)
