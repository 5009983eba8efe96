"""Answers in this process: the ones asked for last, as many as fit, and none for longer than allowed."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping

from moorage_runtime.caching.store import Outputs, read_only
from moorage_runtime.tensors import Array

# What Python needs beside the elements: for an entry (key, record, mapping), and for each array.
_ENTRY_BYTES = 400
_ARRAY_BYTES = 200


class MemoryStore:
    """At most `max_entries` answers and `max_bytes` of memory; each is kept `ttl_seconds`, by `clock`'s seconds."""

    def __init__(self, max_entries: int, ttl_seconds: float, max_bytes: int, clock: Callable[[], float]) -> None:
        self.bytes = 0
        self.evicted = 0
        self._max_entries = max_entries
        self._ttl = ttl_seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, int, Outputs]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def lookup(self, key: str) -> Outputs | None:
        """What is kept here; its arrays cannot be written to."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[2]

    def keep(self, key: str, outputs: Outputs) -> None:
        """Remember an answer; what was not asked for longest gives way. One larger than everything is not kept."""
        size = memory_of(outputs)
        if size > self._max_bytes or self._max_entries < 1:
            return
        if key in self._entries:
            self._drop(key)
        self._entries[key] = (self._clock() + self._ttl, size, read_only(outputs))
        self.bytes += size
        while self.bytes > self._max_bytes or len(self._entries) > self._max_entries:
            self._drop(next(iter(self._entries)))
            self.evicted += 1

    def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.bytes = 0

    def _drop(self, key: str) -> None:
        self.bytes -= self._entries.pop(key)[1]


def memory_of(outputs: Mapping[str, Array]) -> int:
    """Bytes that an entry takes, text included."""
    size = _ENTRY_BYTES
    for array in outputs.values():
        size += _ARRAY_BYTES + array.nbytes
        if array.dtype.kind == "O":
            size += sum(sys.getsizeof(element) for element in array.ravel().tolist())
    return size
