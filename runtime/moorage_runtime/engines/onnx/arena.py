"""When ONNX Runtime gives memory back.

Its arena keeps whatever one run needed for good: two requests of 16,384 rows to an 8 MB network left 262 MiB behind, in
a pod that needs 66. A run may be told to give back at its end what is free then; for runs of the usual size that only
costs page faults, so it is told to those after an unusually large one, and at most once a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from moorage_runtime.tensors import Array

SHRINKING = ("memory.enable_memory_arena_shrinkage", "cpu:0")
# Unusual is what is larger than this many of the first run, the warm-up's: as many as may run together.
_USUAL_RUNS = 64
_USUAL_BYTES = 1 << 18
_PAUSE_SECONDS = 1.0


class Arena:
    """`clock`: seconds, monotonic. May be asked from several threads; at worst memory is given back once too often."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._usual = 0
        self._swollen = False
        self._next = 0.0

    def must_shrink(self, inputs: Mapping[str, Array]) -> bool:
        """Whether the run with these inputs, which is about to begin, must give memory back when it ends."""
        size = 0
        for array in inputs.values():
            size += array.nbytes
        if size <= self._usual and not self._swollen:
            return False
        if not self._usual:
            self._usual = max(_USUAL_BYTES, _USUAL_RUNS * size)
            return False
        now = self._clock()
        if now < self._next:
            self._swollen = True
            return False
        self._next = now + _PAUSE_SECONDS
        self._swollen = False
        return True
