"""A loop, a clock, threads and a model that do nothing by themselves: a test turns them by hand."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from moorage_runtime.engines.engine import Cancel, Kernel
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, TensorSpec


class Timer:
    def __init__(self, at: float, number: int, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.at, self.number, self.callback, self.args = at, number, callback, args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def __lt__(self, other: Timer) -> bool:
        return (self.at, self.number) < (other.at, other.number)


class Loop:
    """Time passes only by `turn` and `sleep`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.soon: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self.timers: list[Timer] = []
        self._count = 0

    def clock(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., object], *args: Any) -> object:
        self.soon.append((callback, args))
        return None

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        self._count += 1
        timer = Timer(self.now + delay, self._count, callback, args)
        heapq.heappush(self.timers, timer)
        return timer

    def turn(self) -> None:
        """What was asked for until now, not what it asks for in its turn."""
        for _ in range(len(self.soon)):
            callback, args = self.soon.popleft()
            callback(*args)

    def settle(self, turns: int = 100) -> None:
        for _ in range(turns):
            if not self.soon:
                return
            self.turn()
        raise AssertionError("the loop never comes to rest")

    def sleep(self, seconds: float) -> None:
        """Let time pass, every timer at its own time."""
        end = self.now + seconds
        while self.timers and self.timers[0].at <= end:
            timer = heapq.heappop(self.timers)
            self.now = max(self.now, timer.at)
            if not timer.cancelled:
                timer.callback(*timer.args)
                self.settle()
        self.now = end
        self.settle()


class Threads:
    """Work that is begun and not done: `end` does one piece, and takes it off."""

    def __init__(self) -> None:
        self.works: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    def submit(self, work: Callable[..., object], /, *args: Any) -> object:
        self.works.append((work, args))
        return None

    def end(self, place: int = 0) -> None:
        work, args = self.works.pop(place)
        work(*args)


class Doubling:
    """`x` [-1, width] -> `y`, twice as much, and `sum`, one number a row. Fails on a NaN anywhere, as models may."""

    platform = "test"
    kernel = Kernel("test")

    def __init__(self, loop: Loop | None = None, cost: float = 0.0, width: int = -1, extra: int = 0) -> None:
        self.optional: Mapping[str, TensorSpec] = {}
        self.inputs: Mapping[str, TensorSpec] = {"x": TensorSpec("x", "FP32", (-1, width))}
        self.outputs: Mapping[str, TensorSpec] = {
            "y": TensorSpec("y", "FP32", (-1, width)),
            "sum": TensorSpec("sum", "FP32", (-1,)),
        }
        self.runs: list[int] = []
        self.cancels: list[Cancel | None] = []
        self.price: Callable[[int], float] = lambda rows: cost * rows
        self._loop, self._extra = loop, extra

    def infer(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> dict[str, Array]:
        x = inputs["x"]
        self.runs.append(len(x))
        self.cancels.append(cancel)
        if self._loop is not None:
            self._loop.now += self.price(len(x))
        if np.isnan(x).any():
            raise ValueError("secret/path of this machine: NaN")
        if len(x) > 1 and self._extra:
            x = np.concatenate([x, x[: self._extra]])
        every = {"y": x * 2, "sum": x.sum(axis=1)}
        return every if outputs is None else {name: every[name] for name in outputs}

    def close(self) -> None:
        return


class Heard:
    """A member that writes down what it hears."""

    def __init__(
        self,
        x: Array,
        deadline: float,
        began: float,
        outputs: tuple[str, ...] | None = None,
        counted: int | None = None,
    ) -> None:
        self.inputs: Mapping[str, Array] = {"x": x}
        self.outputs = outputs
        self.began = self.queued = began
        self.deadline = deadline
        self.gone = False
        self.rows = len(x) if counted is None else counted
        self.run: tuple[float, float, int] | None = None
        self.ends: list[Mapping[str, Array] | RequestFault] = []

    def finish(self, outputs: Mapping[str, Array]) -> None:
        self.ends.append(outputs)

    def fail(self, fault: RequestFault) -> None:
        self.ends.append(fault)

    @property
    def status(self) -> int:
        """200, or the refusal's; 0 while it has heard nothing."""
        if not self.ends:
            return 0
        (end,) = self.ends
        return end.status if isinstance(end, RequestFault) else 200
